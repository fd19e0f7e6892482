// A part of the popup that is loaded when something needs it, with its own style sheet.

import type { Cell } from "./cells.ts";

const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 60_000;

/** What came of it: null: it is not loaded yet; "due": it failed, and the next look tries again. */
export type Loaded<P> = P | "failed" | "due" | null;

/** The module of such a part: its views, and its style sheet as `css` when it has one. */
export type Part = object;

export class Lazy<P extends Part> {
  readonly #load: () => Promise<P>;
  readonly #adopt: (css: string) => void;
  readonly #cell: Cell<Loaded<P>>;
  #isLoading = false;
  #waitMs = FIRST_WAIT_MS;

  constructor(cell: Cell<Loaded<P>>, adopt: (css: string) => void, load: () => Promise<P>) {
    this.#cell = cell;
    this.#adopt = adopt;
    this.#load = load;
  }

  /** The part, or null until it is here: the first look begins to load it, and it is drawn then. */
  get(): P | null {
    const { value } = this.#cell;
    if (value === null || value === "due") this.#begin();
    return typeof value === "string" ? null : value;
  }

  /** Whether it could not be loaded; it is tried again as long as something looks at it. */
  get hasFailed(): boolean {
    return typeof this.#cell.value === "string";
  }

  /** Tries again at once. */
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
          setTimeout(() => this.#beDue(), this.#waitMs);
          this.#waitMs = Math.min(2 * this.#waitMs, LONGEST_WAIT_MS);
        },
      )
      .finally(() => {
        this.#isLoading = false;
      });
  }

  #beDue(): void {
    if (this.hasFailed) this.#cell.value = "due";
  }
}
