// What is to be heard, notified and shown in the title: pure, from the calls, the connection and
// who does what.

import type { ConnectionState } from "../../state.ts";
import type { Call } from "../../wire.ts";
import { isUnconfirmed } from "../arrangement.ts";
import type { Duties } from "../call-source.ts";

/** A connection that is lost for longer would not tell that somebody has answered. */
const SILENT_AFTER_MS = 10_000;

/** All that decides. */
export interface Situation {
  /** The calls on the stage: neither dismissed here nor elsewhere. */
  readonly cards: readonly Call[];
  /** Server time, in milliseconds. */
  readonly nowMs: number;
  readonly phase: ConnectionState["phase"];
  /** Since when it is lost, in server time; Infinity while it is not. */
  readonly lostAtMs: number;
  readonly duties: Duties;
  /** The user wants not to be disturbed. */
  readonly isQuiet: boolean;
  /** The user has not turned the ringtone off. */
  readonly ringtone: boolean;
}

/** `ring`: the ringtone; `waiting`: a beep now and then, since the user is talking. */
export type Ringing = "ring" | "waiting";

export interface Decision {
  readonly sound: { readonly kind: Ringing; readonly untilMs: number } | null;
  /** For each of these a notification. */
  readonly notify: readonly Call[];
  /** All calls that ask for an answer, the first one most. */
  readonly ringing: readonly Call[];
}

export function decide(situation: Situation): Decision {
  const { cards, nowMs, duties, isQuiet, ringtone } = situation;
  const silentAtMs = silentAt(situation);
  const confirmed = cards.filter((call) => !isUnconfirmed(call, nowMs));
  const ringing = confirmed.filter(
    ({ state, direction }) => state === "ringing" && direction === "inbound" && nowMs < silentAtMs,
  );
  const talking = confirmed.some((call) => call.state === "active");
  const heard = ringing.length > 0 && duties.rings && ringtone && !isQuiet;
  // Without news it ends by itself, also where timers are throttled.
  const staleAtMs = Math.max(...ringing.map((call) => (call.stale_at ?? Infinity) / 1000));
  const untilMs = Math.min(staleAtMs, silentAtMs);
  return {
    sound: heard ? { kind: talking ? "waiting" : "ring", untilMs } : null,
    notify: duties.notifies && !isQuiet ? ringing : [],
    ringing,
  };
}

/** From when on nobody can stop it here, so that nothing alerts. */
function silentAt({ phase, lostAtMs }: Situation): number {
  if (phase === "connected") return Infinity;
  return phase === "reconnecting" ? lostAtMs + SILENT_AFTER_MS : 0;
}
