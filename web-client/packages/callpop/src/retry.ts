// The one attempt that is due, and when.

import { hintedBackoffMs } from "./backoff.ts";

export class Retry {
  readonly #run: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** `performance.now()` of the attempt. */
  #at = 0;

  constructor(run: () => void) {
    this.#run = run;
  }

  get isDue(): boolean {
    return this.#timer !== undefined;
  }

  in(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#at = performance.now() + waitMs;
    this.#timer = setTimeout(this.#run, waitMs);
  }

  /** One that is due comes within a second. */
  hasten(): void {
    if (this.isDue) this.in(Math.min(hintedBackoffMs(), this.#at - performance.now()));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
