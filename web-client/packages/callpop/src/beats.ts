// Tells the gateway whether the user can be alerted: at every heartbeat, and when it changes, then
// at most once a second.

import { type Alert, isSame, NO_REACH } from "./reach.ts";

const LEAST_WAIT_MS = 1_000;

export class Beats {
  readonly #alert: () => Alert;
  readonly #send: (alert: Alert) => void;
  #last: Alert = NO_REACH;
  #at = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(alert: () => Alert, send: (alert: Alert) => void) {
    this.#alert = alert;
    this.#send = send;
  }

  beat(): void {
    this.stop();
    this.#last = this.#alert();
    this.#at = performance.now();
    this.#send(this.#last);
  }

  /** Something may have changed. */
  onChange(): void {
    if (this.#timer !== undefined || isSame(this.#alert(), this.#last)) return;
    const wait = this.#at + LEAST_WAIT_MS - performance.now();
    if (wait <= 0) this.beat();
    else this.#timer = setTimeout(() => this.beat(), wait);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
