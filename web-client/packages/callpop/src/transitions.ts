// What the machine does in more than one place: to begin an attempt, to wait for the next, to stop.

import { backoffMs } from "./backoff.ts";
import type { RefusalReason } from "./close-codes.ts";
import type { ConnectionState } from "./state.ts";
import { act, leads, type Turn, wait } from "./turn.ts";

/** Connects, also where it stopped. */
export function start(turn: Turn): void {
  const { phase } = turn.state;
  if (phase !== "idle" && phase !== "closed" && phase !== "refused") return;
  turn.attempt = turn.notBefore = 0;
  renounce(turn);
  turn.isFresh = true;
  act(turn, "watchPage");
  if (!turn.rules?.follow(turn)) open(turn);
  become(turn, { phase: "connecting", attempt: 0 });
}

/** Begins an attempt; beside a link that still carries frames, one to take over from it. */
export function open(turn: Turn): void {
  turn.round += 1;
  act(turn, "fetch", turn.round, turn.spare);
}

export function refuse(turn: Turn, reason: RefusalReason, detail: string): void {
  letGo(turn);
  // The leader stays, so that nobody tries in vain; others wait for one that is connected.
  if (turn.group === null) act(turn, "forgetPage");
  else if (!leads(turn)) act(turn, "lock", "rest");
  // Nobody is known to be there who may see them.
  if (reason === "token") forgetCalls(turn);
  become(turn, { phase: "refused", reason, detail });
  act(turn, "cleared");
}

export function retryLater(turn: Turn, after: number): void {
  const server = turn.notBefore - turn.now;
  turn.attempt += 1;
  retryIn(turn, server > 0 ? server : backoffMs(after, turn.chance));
  becomeWaiting(turn, turn.attempt);
}

export function retryIn(turn: Turn, ms: number): void {
  turn.retryAt = turn.now + ms;
  wait(turn, "retry", ms);
}

/** Ends the link, and all that is under way to another one. */
export function letGo(turn: Turn): void {
  turn.round += 1;
  turn.link = turn.rising = turn.retryAt = null;
  turn.isSettling = false;
  turn.told = { ...turn.told, isDue: false };
  act(turn, "letGo");
}

/** There is no connection now. */
export function becomeWaiting(turn: Turn, attempt: number): void {
  const { state } = turn;
  const phase = state.phase === "connecting" ? "connecting" : "reconnecting";
  if (state.phase !== phase || state.attempt !== attempt) become(turn, { phase, attempt });
}

export function become(turn: Turn, state: ConnectionState): void {
  turn.state = state;
  announce(turn);
  act(turn, "state", state);
}

/** Tells the other pages that this one leads, and what they are to show. */
export function announce(turn: Turn, to: string | null = null): void {
  if (leads(turn)) act(turn, "announce", to);
}

/** The socket that was to take over carries the frames from now on. */
export function promote(turn: Turn): void {
  const { link, rising } = turn;
  if (rising === null) return;
  // Its first frame is the whole truth by `resume`: only now can the leader's frames be done without,
  // and only now is the lead taken. The other way round, calls between the two would be missed.
  if (link !== null) act(turn, "hangUp", link.id);
  turn.link = rising;
  turn.rising = null;
  turn.riseAfter = 0;
  act(turn, "lock", "seize");
}

export function dropRising(turn: Turn): void {
  if (turn.rising !== null) act(turn, "hangUp", turn.rising.id);
  turn.rising = null;
}

/** What was asked for, fetched or refused until now does not count. */
export function renounce(turn: Turn): void {
  turn.spare = turn.refused = null;
  act(turn, "renounce");
}

export function forgetCalls(turn: Turn): void {
  turn.opening = null;
  act(turn, "forget");
}
