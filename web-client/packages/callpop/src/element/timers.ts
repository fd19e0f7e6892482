// What the timers of a call show, from its finished times and the running state.

import type { Call } from "../wire.ts";

/** How long the present state of a live call has lasted; talk time counts through holds. */
export function runningMs(call: Call, nowMs: number): number {
  const sinceMs = nowMs - call.since / 1000;
  return call.state === "active" ? call.talk_ms + sinceMs : sinceMs;
}

/** How long until what these calls show changes next: one of their timers, or an ended one's leave. */
export function nextChangeMs(
  calls: readonly Call[],
  nowMs: number,
  lingersUntil: (call: Call) => number,
): number | null {
  const waits = calls.map((call) =>
    call.state === "ended"
      ? Math.max(0, lingersUntil(call) - nowMs)
      : untilNextSecond(runningMs(call, nowMs)),
  );
  return waits.length === 0 ? null : Math.min(...waits);
}

function untilNextSecond(ms: number): number {
  return ms < 0 ? Math.min(1000, -ms) : 1000 - (ms % 1000);
}
