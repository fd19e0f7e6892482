// How long to wait before the next attempt; `chance` is a random number from 0 to 1.

const FIRST_CEILING_MS = 250;
const HIGHEST_CEILING_MS = 20_000;
const HINT_CEILING_MS = 1_000;

/**
 * Full jitter: anything between zero and a ceiling that doubles from 250 ms to 20 s.
 * The cap comes before the jitter; the other way round, capped clients would all return together.
 */
export function backoffMs(attempt: number, chance: number): number {
  return chance * Math.min(HIGHEST_CEILING_MS, FIRST_CEILING_MS * 2 ** attempt);
}

/** The wait after a sign that the network is back: short, but not the same for everybody. */
export function hintedBackoffMs(chance: number): number {
  return chance * HINT_CEILING_MS;
}
