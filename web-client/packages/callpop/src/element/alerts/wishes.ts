// What several popups of one page want of a thing that the page has only once.

export class Wishes<T> {
  readonly #wishes = new Map<object, T>();
  readonly #fulfil: (wishes: readonly T[]) => void;

  constructor(fulfil: (wishes: readonly T[]) => void) {
    this.#fulfil = fulfil;
  }

  /** Says what `owner` wants from now on; null: nothing. */
  set(owner: object, wish: T | null): void {
    if (wish === null && !this.#wishes.delete(owner)) return;
    if (wish !== null) this.#wishes.set(owner, wish);
    this.#fulfil([...this.#wishes.values()]);
  }
}
