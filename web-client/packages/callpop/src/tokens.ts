// Where the token comes from, and when the next one is due.

import { withDeadline } from "./timing.ts";

/** Gives a token that is valid now; called for every connection and before a token expires. */
export type TokenProvider = () => string | Promise<string>;

/** Thrown by a token provider to say that there will be no token: the client stops and tells. */
export class TokenUnavailable extends Error {
  override name = "TokenUnavailable";
}

const PROVIDER_DEADLINE_MS = 30_000;
const REFRESH_AT = 0.8;
const LEAST_WAIT_MS = 5_000;
/** The longest delay that a timer takes. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

export class Tokens {
  readonly #provider: TokenProvider;
  #underWay: Promise<string> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #remainingMs = 0;
  /** Tells a refresh that comes back late that its session is over. */
  #round = 0;
  /** The token that the present session was opened or last refreshed with. */
  current: string | null = null;

  constructor(provider: TokenProvider) {
    this.#provider = provider;
  }

  /** Asks the provider; callers at the same time share one request. */
  fetch(): Promise<string> {
    this.#underWay ??= withDeadline(
      Promise.resolve().then(() => this.#provider()),
      PROVIDER_DEADLINE_MS,
    ).finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  /** Hands a fresh token to `renew` at 80 % of what remains of the present one's life. */
  keepFresh(remainingMs: number, renew: (token: string) => void): void {
    this.#remainingMs = remainingMs;
    const wait = Math.max(LEAST_WAIT_MS, remainingMs * REFRESH_AT);
    this.#schedule(Math.min(wait, LONGEST_WAIT_MS), renew);
  }

  /** Hands a fresh token to `renew` now. */
  async refresh(renew: (token: string) => void): Promise<void> {
    this.stop();
    const round = this.#round;
    const token = await this.fetch().catch(() => null);
    if (round !== this.#round) return;
    if (token !== null && token !== this.current) {
      this.current = token;
      renew(token);
      return;
    }
    // The provider is out of reach, or has nothing newer yet: ask again while there is time.
    this.#remainingMs *= 1 - REFRESH_AT;
    this.keepFresh(this.#remainingMs, renew);
  }

  /** Ends the schedule. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#round += 1;
  }

  #schedule(waitMs: number, renew: (token: string) => void): void {
    this.stop();
    this.#timer = setTimeout(() => void this.refresh(renew), waitMs);
  }
}
