// What this page can do to reach its user, what it is to do for the other tabs, and what the gateway
// is told of all of them: at every heartbeat, and when it changes, then at most once a second.

import { type Alert, dutiesAlone, isSame, type Reach } from "./reach.ts";
import { act, isShared, type Turn, wait } from "./turn.ts";

const TOLD_AGAIN_MS = 1_000;

export function report(turn: Turn, some: Partial<Reach>): void {
  const reach = { ...turn.reach, ...some };
  if (isSame(reach, turn.reach)) return;
  turn.reach = reach;
  turn.rules?.onReach(turn);
  onPeers(turn);
}

/** Who is there, or what they can do, may have changed. */
export function onPeers(turn: Turn): void {
  const duties = turn.rules?.onPeers(turn) ?? dutiesAlone(turn.reach);
  tellNews(turn);
  if (!isSame(duties, turn.duties)) act(turn, "duties", duties);
  turn.duties = duties;
}

/** Who has the socket speaks for all pages. */
export function tellGateway(turn: Turn): void {
  if (isShared(turn) || turn.state.phase !== "connected") return;
  const alert = alertNow(turn);
  turn.told = { alert, at: turn.now };
  act(turn, "send", { type: "beat", ...alert });
}

/** Tells it if there is news; too soon after the last time, a little later. */
export function tellNews(turn: Turn): void {
  if (isSame(alertNow(turn), turn.told.alert)) return;
  const ms = turn.told.at + TOLD_AGAIN_MS - turn.now;
  if (ms > 0) wait(turn, "told", ms);
  else tellGateway(turn);
}

function alertNow(turn: Turn): Alert {
  const { visible, sound, notifications } = turn.reach;
  return turn.rules?.alertOf(turn) ?? { visible, sound, notifications };
}
