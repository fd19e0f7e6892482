// Typed events.

/** Ends a subscription. */
export type Unsubscribe = () => void;

type Listeners<Events> = { [Name in keyof Events]?: Set<(event: Events[Name]) => void> };

/** Calls the listeners of an event in the order in which they came. */
export class Emitter<Events> {
  #listeners: Listeners<Events> = {};

  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): Unsubscribe {
    const listeners = this.#listeners[name] ?? new Set();
    this.#listeners[name] = listeners;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of [...(this.#listeners[name] ?? [])]) {
      try {
        listener(event);
      } catch (error) {
        // A listener's mistake is the page's to see, and must not stop the connection.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
