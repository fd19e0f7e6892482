// Calls to test with, after the provider's examples.

import type { Call } from "callpop";

/** Server time in most tests: 2025-12-08 16:56 UTC, in milliseconds. */
export const NOW_MS = 1_765_212_960_000;

/** That many seconds before `NOW_MS`, in microseconds. */
export const secondsAgo = (seconds: number): number => (NOW_MS - seconds * 1000) * 1000;

export const JOHN = { number: "200", name: "John Doe" };
export const JANE = { number: "210", name: "Jane Doe" };
export const CUSTOMER = { number: "+3228992675", name: null };

/** A ringing inbound call, with what is given put over it. */
export function call(over: Partial<Call> = {}): Call {
  const since = over.since ?? secondsAgo(7);
  return {
    source: "telsmart",
    leg_id: "590e9492-cbbc-4252-8205-7eb595099b5f",
    tenant_id: "b11d749b-8eb7-4236-a068-3d94ba3860d6",
    extension: "200",
    version: 1,
    direction: "inbound",
    internal: false,
    state: "ringing",
    remote: CUSTOMER,
    local: JOHN,
    transfer: null,
    started_at: since,
    answered_at: null,
    since,
    ended_at: null,
    updated_at: since,
    ring_ms: 0,
    talk_ms: 0,
    hold_ms: 0,
    outcome: null,
    stale_at: null,
    dismissed_at: null,
    summary: null,
    summary_seen: false,
    wrap_up: null,
    ...over,
  };
}

export function activeCall(over: Partial<Call> = {}): Call {
  return call({
    state: "active",
    version: 2,
    since: secondsAgo(83),
    started_at: secondsAgo(92),
    answered_at: secondsAgo(83),
    ring_ms: 9_520,
    ...over,
  });
}

export function heldCall(over: Partial<Call> = {}): Call {
  return activeCall({ state: "held", version: 3, since: secondsAgo(26), talk_ms: 57_000, ...over });
}

export function endedCall(over: Partial<Call> = {}): Call {
  const ended = over.ended_at ?? secondsAgo(2);
  return activeCall({
    state: "ended",
    version: 4,
    outcome: "answered",
    since: ended,
    ended_at: ended,
    talk_ms: 144_000,
    ...over,
  });
}

export function missedCall(over: Partial<Call> = {}): Call {
  return endedCall({
    outcome: "missed",
    answered_at: null,
    talk_ms: 0,
    ring_ms: 18_000,
    version: 2,
    ...over,
  });
}
