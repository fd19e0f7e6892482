// What deserves the user's eye beyond the calls' own state: an ended call stays for a
// few seconds, a summary that comes late shows itself, a ringing call is announced once.

import { isClosed } from "../closed.ts";
import { keyOf } from "../item-key.ts";
import type { Call } from "../wire.ts";

/** How long an ended call stays in sight before it moves to the recent ones. */
export const LINGER_MS = 8_000;
/** A summary reported within this time shows itself, so that one missed while offline is seen. */
const FRESH_SUMMARY_MS = 10 * 60_000;

/** By the keys of calls. */
export class Attention {
  #known: ReadonlyMap<string, Call> = new Map();
  #lingerUntil = new Map<string, number>();
  #fresh = new Set<string>();
  #announced = new Set<string>();

  /** Takes the calls as they now stand; returns those to announce. */
  take(calls: readonly Call[], nowMs: number): Call[] {
    for (const call of calls) {
      const before = this.#known.get(keyOf(call));
      this.#takeEnd(call, before, nowMs);
      this.#takeSummary(call, before, nowMs);
    }
    this.#known = new Map(calls.map((call) => [keyOf(call), call]));
    for (const held of [this.#lingerUntil, this.#fresh, this.#announced]) {
      for (const key of held.keys()) if (!this.#known.has(key)) held.delete(key);
    }
    return calls.filter((call) => this.#isToBeAnnounced(call));
  }

  /** When the ended call leaves the stage, in server milliseconds; 0 when it never was on it. */
  lingersUntil(call: Call): number {
    return this.#lingerUntil.get(keyOf(call)) ?? 0;
  }

  /** The ended call was of use until now: it stays a little. */
  lingerAgain(call: Call, nowMs: number): void {
    this.#lingerUntil.set(keyOf(call), nowMs + LINGER_MS);
  }

  /** Whether its summary shows itself, which no page of the user has closed. */
  hasFreshSummary(call: Call): boolean {
    return this.#fresh.has(keyOf(call)) && !call.summary_seen;
  }

  /** The user has seen the summary. */
  summarySeen(call: Call): void {
    this.#fresh.delete(keyOf(call));
  }

  #takeEnd(call: Call, before: Call | undefined, nowMs: number): void {
    if (call.state !== "ended") {
      this.#lingerUntil.delete(keyOf(call));
      return;
    }
    if (before?.state === "ended") return;
    const seen = before === undefined ? (call.ended_at ?? 0) / 1000 : nowMs;
    this.#lingerUntil.set(keyOf(call), seen + LINGER_MS);
  }

  #takeSummary(call: Call, before: Call | undefined, nowMs: number): void {
    const { summary, summary_seen } = call;
    if (summary === null || summary.reported_at === before?.summary?.reported_at) return;
    const arrivedHere = before !== undefined;
    const recent = nowMs - summary.reported_at / 1000 < FRESH_SUMMARY_MS;
    if (!summary_seen && (arrivedHere || recent)) this.#fresh.add(keyOf(call));
  }

  #isToBeAnnounced(call: Call): boolean {
    if (call.state !== "ringing" || call.direction !== "inbound") return false;
    const key = keyOf(call);
    if (isClosed(call) || this.#announced.has(key)) return false;
    this.#announced.add(key);
    return true;
  }
}
