// What deserves the user's eye beyond the calls' own state: an ended call stays for a
// few seconds, a summary that comes late shows itself, a ringing call is announced once.

import type { Call } from "../wire.ts";

/** How long an ended call stays in sight before it moves to the recent ones. */
export const LINGER_MS = 8_000;
/** A summary reported within this time shows itself, so that one missed while offline is seen. */
const FRESH_SUMMARY_MS = 10 * 60_000;

export class Attention {
  #known: ReadonlyMap<string, Call> = new Map();
  #lingerUntil = new Map<string, number>();
  #fresh = new Set<string>();
  #announced = new Set<string>();

  /** Takes the calls as they now stand; returns those to announce. */
  take(calls: readonly Call[], nowMs: number): Call[] {
    for (const call of calls) {
      const before = this.#known.get(call.leg_id);
      this.#takeEnd(call, before, nowMs);
      this.#takeSummary(call, before, nowMs);
    }
    this.#known = new Map(calls.map((call) => [call.leg_id, call]));
    for (const held of [this.#lingerUntil, this.#fresh, this.#announced]) {
      for (const legId of held.keys()) if (!this.#known.has(legId)) held.delete(legId);
    }
    return calls.filter((call) => this.#isToBeAnnounced(call));
  }

  /** When the ended call leaves the stage, in server milliseconds; 0 when it never was on it. */
  lingersUntil(call: Call): number {
    return this.#lingerUntil.get(call.leg_id) ?? 0;
  }

  /** The ended call was of use until now: it stays a little. */
  lingerAgain(legId: string, nowMs: number): void {
    this.#lingerUntil.set(legId, nowMs + LINGER_MS);
  }

  /** Whether its summary shows itself. */
  hasFreshSummary(call: Call): boolean {
    return this.#fresh.has(call.leg_id);
  }

  /** The user has seen the summary. */
  summarySeen(legId: string): void {
    this.#fresh.delete(legId);
  }

  #takeEnd(call: Call, before: Call | undefined, nowMs: number): void {
    if (call.state !== "ended") {
      this.#lingerUntil.delete(call.leg_id);
      return;
    }
    if (before?.state === "ended") return;
    const seen = before === undefined ? (call.ended_at ?? 0) / 1000 : nowMs;
    this.#lingerUntil.set(call.leg_id, seen + LINGER_MS);
  }

  #takeSummary(call: Call, before: Call | undefined, nowMs: number): void {
    const { summary } = call;
    if (summary === null || summary.reported_at === before?.summary?.reported_at) return;
    const seen = call.dismissed_at !== null && call.dismissed_at >= summary.reported_at;
    const arrivedHere = before !== undefined;
    const recent = nowMs - summary.reported_at / 1000 < FRESH_SUMMARY_MS;
    if (!seen && (arrivedHere || recent)) this.#fresh.add(call.leg_id);
  }

  #isToBeAnnounced(call: Call): boolean {
    if (call.state !== "ringing" || call.direction !== "inbound") return false;
    if (call.dismissed_at !== null || this.#announced.has(call.leg_id)) return false;
    this.#announced.add(call.leg_id);
    return true;
  }
}
