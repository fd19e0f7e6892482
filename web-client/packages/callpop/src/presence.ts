// What this page can do to reach its user, what it is to do for the other tabs, and what the gateway
// is told of all of them: at every heartbeat, and when it changes, then at most once a second.

import { type Alert, alertOf, dutiesAlone, isSame, type Reach } from "./reach.ts";
import { act, isShared, leads, post, tell, type Turn, wait } from "./turn.ts";

const TOLD_AGAIN_MS = 1_000;

export function report(turn: Turn, some: Partial<Reach>): void {
  const reach = { ...turn.reach, ...some };
  if (isSame(reach, turn.reach)) return;
  turn.reach = reach;
  if (turn.group !== null) post(turn, { type: "reach" });
  onPeers(turn);
}

/** Who is there, or what they can do, may have changed. */
export function onPeers(turn: Turn): void {
  const { group, moment, reach, rules } = turn;
  const { company } = moment;
  const { id = "", others = [] } = company ?? {};
  const duties =
    group === null || rules === null
      ? dutiesAlone(reach)
      : rules.dutiesOf({ id, leads: leads(turn), reach }, others);
  rules?.onPeers(turn);
  if (!isSame(duties, turn.duties)) tell(turn, "duties", duties);
  turn.duties = duties;
  onToldChange(turn);
}

/** Who has the socket speaks for all pages. */
export function tellGateway(turn: Turn): void {
  if (isShared(turn) || turn.state.phase !== "connected") return;
  const alert = alertNow(turn);
  turn.told = { alert, at: turn.moment.now, isDue: false };
  act(turn, "send", { type: "beat", ...alert });
}

function onToldChange(turn: Turn): void {
  const { told, moment } = turn;
  if (isShared(turn) || turn.state.phase !== "connected") return;
  if (told.isDue || isSame(alertNow(turn), told.alert)) return;
  const ms = told.at + TOLD_AGAIN_MS - moment.now;
  if (ms <= 0) return tellGateway(turn);
  turn.told = { ...told, isDue: true };
  wait(turn, "told", ms);
}

function alertNow({ group, moment, reach }: Turn): Alert {
  const others = group === null ? [] : (moment.company?.others ?? []);
  return alertOf([reach, ...others.map((peer) => peer.reach)]);
}
