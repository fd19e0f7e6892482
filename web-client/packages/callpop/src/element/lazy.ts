// A part of the popup that is loaded when something needs it, with its own style sheet.

import type { Cell } from "./cells.ts";

/** The module of such a part: its views, and its style sheet as `css` when it has one. */
export type Part = object;

export class Lazy<P extends Part> {
  readonly #load: () => Promise<P>;
  readonly #adopt: (css: string) => void;
  /** Null: not loaded yet; "failed": only `retry` tries again. */
  readonly #cell: Cell<P | "failed" | null>;
  #isLoading = false;

  constructor(
    cell: Cell<P | "failed" | null>,
    adopt: (css: string) => void,
    load: () => Promise<P>,
  ) {
    this.#cell = cell;
    this.#adopt = adopt;
    this.#load = load;
  }

  /** The part, or null until it is here: the first look begins to load it, and it is drawn then. */
  get(): P | null {
    const { value } = this.#cell;
    if (value === null) this.#begin();
    return value === "failed" ? null : value;
  }

  get hasFailed(): boolean {
    return this.#cell.value === "failed";
  }

  retry(): void {
    this.#cell.value = null;
    this.#begin();
  }

  #begin(): void {
    if (this.#isLoading) return;
    this.#isLoading = true;
    void this.#load()
      .then(
        (part) => {
          if ("css" in part) this.#adopt(String(part.css));
          this.#cell.value = part;
        },
        () => {
          this.#cell.value = "failed";
        },
      )
      .finally(() => {
        this.#isLoading = false;
      });
  }
}
