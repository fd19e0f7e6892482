// Server time on the monotonic clock of the page, so that a wrong or changing clock
// of the computer does not reach any timer.

import type { ServerFrame } from "./wire.ts";

const SAMPLES = 8;
/** Below this, what is known is better than one stamp that travelled for an unknown time. */
const TRUSTED_DRIFT_MS = 2_000;

/** Its stamps are in microseconds, the first of `performance.now()`. */
type Tock = Omit<Extract<ServerFrame, { type: "tock" }>, "type">;

interface Sample {
  readonly offset: number;
  readonly roundTrip: number;
}

/** Knows the server's time, in milliseconds since 1970. */
export class ServerClock {
  #samples: Sample[] = [];
  #best: Sample | null = null;
  /** Server time minus `performance.now()`. */
  #offset: number | null = null;
  /** `Date.now()` minus `performance.now()`: it jumps when the computer wakes from sleep. */
  #wall = 0;

  /** The server's time now; this computer's own until the server has told. */
  now(): number {
    return this.#offset === null ? Date.now() : performance.now() + this.#offset;
  }

  /** The round trip that the time is known by, in milliseconds; null before there was one. */
  get roundTrip(): number | null {
    return this.#best?.roundTrip ?? null;
  }

  /** Whether the computer slept, or its clock was set, since the server told the time. */
  get isDoubtful(): boolean {
    return Math.abs(Date.now() - performance.now() - this.#wall) > TRUSTED_DRIFT_MS;
  }

  /** How far this computer's clock is ahead of the server's (negative: behind), in milliseconds. */
  skew(): number {
    return Date.now() - this.now();
  }

  /** Begins a session: `serverTimeUs` travelled for an unknown time, so it only mends what is far off. */
  restart(serverTimeUs: number): void {
    const offset = serverTimeUs / 1000 - performance.now();
    this.#samples = [];
    this.#wall = Date.now() - performance.now();
    if (this.#offset === null || Math.abs(offset - this.#offset) > TRUSTED_DRIFT_MS) {
      this.#offset = offset;
    }
  }

  /**
   * Takes a tock; of the last eight, the one with the least round trip is believed.
   * After a sleep all of them are wrong, this one too: then it returns false, and another is needed.
   */
  learn({ t0, t1, t2 }: Tock): boolean {
    const slept = this.isDoubtful;
    this.#wall = Date.now() - performance.now();
    if (slept) {
      this.#samples = [];
      return false;
    }
    const t3 = performance.now() * 1000;
    const offset = (t1 - t0 + (t2 - t3)) / 2000;
    const roundTrip = (t3 - t0 - (t2 - t1)) / 1000;
    this.#samples = [...this.#samples, { offset, roundTrip }].slice(-SAMPLES);
    this.#best = this.#samples.reduce((best, sample) =>
      sample.roundTrip < best.roundTrip ? sample : best,
    );
    this.#offset = this.#best.offset;
    return true;
  }
}
