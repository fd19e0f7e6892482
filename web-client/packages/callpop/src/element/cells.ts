// The values that a popup is drawn from. It is drawn as a whole, so nobody needs to know
// which value was read where; that is why a general library of signals is not in the script.

/** A value that is drawn; setting another one draws the popup again. */
export interface Cell<T> {
  value: T;
}

export class Cells {
  readonly #outlets = new Set<() => void>();
  #due = false;
  /** Counts the changes. */
  #version = 0;

  cell<T>(initial: T): Cell<T> {
    let value = initial;
    const changed = (): void => this.#changed();
    return {
      get value(): T {
        return value;
      },
      set value(next: T) {
        if (next === value) return;
        value = next;
        changed();
      },
    };
  }

  /** A value that follows from others: computed once for any number of looks between changes. */
  derived<T>(compute: () => T): { readonly value: T } {
    let known: { readonly version: number; readonly value: T } | null = null;
    const look = (): T => {
      if (known?.version !== this.#version) known = { version: this.#version, value: compute() };
      return known.value;
    };
    return {
      get value(): T {
        return look();
      },
    };
  }

  /** Calls `redraw` now, and once after any number of changes, until what it returns is called. */
  draw(redraw: () => void): () => void {
    this.#outlets.add(redraw);
    redraw();
    return () => this.#outlets.delete(redraw);
  }

  #changed(): void {
    this.#version += 1;
    if (this.#due || this.#outlets.size === 0) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      for (const redraw of [...this.#outlets]) {
        try {
          redraw();
        } catch (error) {
          // What one outlet cannot draw must not keep another from ringing.
          reportError(error);
        }
      }
    });
  }
}
