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

export interface Tokens {
  /** The token that the present session was opened or last refreshed with. */
  inUse: string | null;
  /** Asks the provider; callers at the same time share one request. */
  fetch(): Promise<string>;
  take(token: string | null): void;
  /** What was asked for until now does not count: the user may be another one. */
  forgetAsked(): void;
  /** A session began, with the present token. */
  restart(): void;
  /** The session took the fresh token. */
  accept(): void;
  /** Asks for a fresh token at 80 % of what remains of the present one's life; none: as known. */
  keepFresh(remainingMs?: number): void;
  /** Asks for a fresh token now. */
  refresh(): Promise<void>;
  /** Ends the schedule. */
  stop(): void;
}

export function newTokens(
  provider: TokenProvider,
  tell: (...event: Union<TokenHappenings>) => void,
): Tokens {
  /** What the provider is asked for just now. */
  let asked: Promise<string> | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** `performance.now()` when the present token ends; 0: no session needs a fresh one. */
  let endsAt = 0;
  /** Tells a refresh that comes back late that its session is over. */
  let round = 0;
  /** Sent within the session, which has not taken it yet. */
  let offered: string | null = null;

  const cancel = (): void => {
    clearTimeout(timer);
    round += 1;
  };
  const tokens: Tokens = {
    inUse: null,
    fetch: () => {
      if (asked !== null) return asked;
      const now = withDeadline(Promise.resolve().then(provider), PROVIDER_DEADLINE_MS).finally(
        () => {
          if (asked === now) asked = null;
        },
      );
      asked = now;
      return now;
    },
    take: (token) => {
      tokens.inUse = token;
    },
    forgetAsked: () => {
      asked = null;
    },
    restart: () => {
      offered = null;
    },
    accept: () => {
      tokens.inUse = offered ?? tokens.inUse;
    },
    keepFresh: (remainingMs = endsAt - performance.now()) => {
      endsAt = performance.now() + remainingMs;
      const wait = Math.max(LEAST_WAIT_MS, remainingMs * REFRESH_AT);
      cancel();
      timer = setTimeout(() => void tokens.refresh(), Math.min(wait, LONGEST_WAIT_MS));
    },
    refresh: async () => {
      cancel();
      const present = round;
      const token: unknown = await tokens.fetch().catch((error) => error);
      if (round !== present) return;
      if (token instanceof TokenUnavailable) return tell("signedOut", token.message);
      if (typeof token === "string" && token !== tokens.inUse && token !== offered) {
        offered = token;
        return tell("fresh", token);
      }
      // The provider is out of reach, or has nothing newer yet: ask again while there is time.
      if (endsAt !== 0) tokens.keepFresh();
    },
    stop: () => {
      cancel();
      endsAt = 0;
    },
  };
  return tokens;
}
