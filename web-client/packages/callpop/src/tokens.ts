// Where the token comes from, and when the next one is due. What one is good for the machine knows.

import { withDeadline } from "./timing.ts";
import type { TokenHappenings } from "./turn.ts";
import type { Union } from "./union.ts";

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
  readonly #tell: (...event: Union<TokenHappenings>) => void;
  #underWay: Promise<string> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** `performance.now()` when the present token ends; 0: no session needs a fresh one. */
  #endsAt = 0;
  /** Tells a refresh that comes back late that its session is over. */
  #round = 0;
  /** Sent within the session, which has not taken it yet. */
  #offered: string | null = null;
  /** The token that the present session was opened or last refreshed with. */
  current: string | null = null;

  constructor(provider: TokenProvider, tell: (...event: Union<TokenHappenings>) => void) {
    this.#provider = provider;
    this.#tell = tell;
  }

  /** Asks the provider; callers at the same time share one request. */
  fetch(): Promise<string> {
    if (this.#underWay !== null) return this.#underWay;
    const underWay = withDeadline(
      Promise.resolve().then(() => this.#provider()),
      PROVIDER_DEADLINE_MS,
    ).finally(() => {
      if (this.#underWay === underWay) this.#underWay = null;
    });
    this.#underWay = underWay;
    return underWay;
  }

  /** What was asked for until now does not count: the user may be another one. */
  renounce(): void {
    this.#underWay = null;
  }

  /** A session began, with the present token. */
  restart(): void {
    this.#offered = null;
  }

  /** The session took the fresh token. */
  accept(): void {
    this.current = this.#offered ?? this.current;
  }

  /** Asks for a fresh token at 80 % of what remains of the present one's life. */
  keepFresh(remainingMs: number = this.#endsAt - performance.now()): void {
    this.#endsAt = performance.now() + remainingMs;
    const wait = Math.max(LEAST_WAIT_MS, remainingMs * REFRESH_AT);
    this.#cancel();
    this.#timer = setTimeout(() => void this.refresh(), Math.min(wait, LONGEST_WAIT_MS));
  }

  /** Asks for a fresh token now. */
  async refresh(): Promise<void> {
    this.#cancel();
    const round = this.#round;
    const token: unknown = await this.fetch().catch((error) => error);
    if (round !== this.#round) return;
    if (token instanceof TokenUnavailable) return this.#tell("signedOut", token.message);
    if (typeof token === "string" && token !== this.current && token !== this.#offered) {
      this.#offered = token;
      return this.#tell("fresh", token);
    }
    // The provider is out of reach, or has nothing newer yet: ask again while there is time.
    if (this.#endsAt !== 0) this.keepFresh();
  }

  /** Ends the schedule. */
  stop(): void {
    this.#cancel();
    this.#endsAt = 0;
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    this.#round += 1;
  }
}
