// What the machine does in more than one place: to begin an attempt, to wait for the next, to stop.

import { backoffMs } from "./backoff.ts";
import type { RefusalReason } from "./close-codes.ts";
import type { ConnectionState } from "./state.ts";
import { act, type Turn, wait } from "./turn.ts";

/** Connects, also where it stopped. */
export function start(turn: Turn): void {
  if ("attempt" in turn.state || turn.state.phase === "connected") return;
  turn.attempt = turn.notBefore = 0;
  renounce(turn);
  turn.isFresh = true;
  act(turn, "heedPage");
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
  if (!turn.rules?.rest(turn)) act(turn, "forgetPage");
  // Nobody is known to be there who may see them.
  if (reason === "token") forgetCalls(turn);
  become(turn, { phase: "refused", reason, detail });
  act(turn, "cleared");
}

export function retryLater(turn: Turn, after: number = turn.attempt): void {
  const server = turn.notBefore - turn.now;
  turn.attempt += 1;
  retryIn(turn, server > 0 ? server : backoffMs(after, turn.chance));
  becomeWaiting(turn);
}

export function retryIn(turn: Turn, ms: number): void {
  turn.retryAt = turn.now + ms;
  wait(turn, "retry", ms);
}

/** Ends the link and all that is under way to another one, and is no tab of a group any more. */
export function part(turn: Turn): void {
  letGo(turn);
  turn.rules?.leave(turn);
}

/** Ends the link, and all that is under way to another one. */
export function letGo(turn: Turn): void {
  turn.round += 1;
  turn.link = turn.rising = turn.retryAt = null;
  turn.isSettling = false;
  act(turn, "endLinks");
}

/** There is no connection now. */
export function becomeWaiting(turn: Turn, attempt: number = turn.attempt): void {
  const { state } = turn;
  const phase = state.phase === "connecting" ? "connecting" : "reconnecting";
  if (state.phase !== phase || state.attempt !== attempt) become(turn, { phase, attempt });
}

export function become(turn: Turn, state: ConnectionState): void {
  turn.state = state;
  turn.rules?.announce(turn);
  act(turn, "state", state);
}

/** What was asked for, fetched or refused until now does not count. */
export function renounce(turn: Turn): void {
  turn.spare = turn.refused = null;
  act(turn, "forgetAsked");
}

export function forgetCalls(turn: Turn): void {
  turn.opening = null;
  act(turn, "forget");
}
