// One connection for all pages of a user in one browser: who has the socket, and how it goes from
// page to page without a gap. Pure rules on the machine's state, loaded when there is something to
// share with; sharing.ts does what they
// say.

import { hintedBackoffMs } from "./backoff.ts";
import { dutiesOf } from "./duties.ts";
import { groupOf } from "./group.ts";
import { newLink, startTicking } from "./liveness.ts";
import { onPeers as onCompany } from "./presence.ts";
import { hear } from "./session.ts";
import type { Alert, Duties, Peer } from "./reach.ts";
import type { TabMessage, TabRequest, TabsEvent } from "./tab-message.ts";
import { becomeWaiting, letGo, open, part, refuse, retryIn, start } from "./transitions.ts";
import { act, isShared, type Machine, type SharingRules, type Turn, wait } from "./turn.ts";
import type { ServerFrame } from "./wire.ts";

/** A message to another tab takes a millisecond; one that is busy for less than that is not frozen. */
const ANSWER_MS = 1_000;
const HEARTBEAT_MS = 15_000;
/** A page that took over is given that long before it says that it is not connected. */
const TAKEOVER_MS = 1_000;
/** How long a page is in front before it takes the lead, so that leafing through tabs is cheap. */
const SETTLE_MS = 200;
/** A page that could not take the lead tries again after that. */
const NEXT_RISE_MS = 20_000;
const DEAF_MS = 60_000;
/** A page that could not take part tries again after that, when it opens its next socket. */
const ALONE_MS = 600_000;

/** Joins the pages whose tokens say the same; false when this page has to see for itself. */
function join(turn: Turn, token: string): boolean {
  const isAlone = turn.now < (turn.aloneUntil ?? 0);
  const group = isAlone ? null : groupOf(token);
  if (group === turn.group) return false;
  leave(turn);
  if (group === null) return false;
  turn.group = group;
  act(turn, "join", group);
  goThroughLeader(turn);
  return true;
}

/** Goes through the leader, and leads when there is none; false when that is this page. */
function follow(turn: Turn): boolean {
  if (turn.group === null || leads(turn)) return false;
  goThroughLeader(turn);
  return true;
}

function goThroughLeader(turn: Turn): void {
  // First the queue, then the greeting: if the leader goes in between, the lock comes here at once,
  // while a greeting to nobody would be asked again only a second later.
  act(turn, "lock", "queue");
  startTicking(turn, newLink(turn, "tab", ANSWER_MS), HEARTBEAT_MS);
  post(turn, { type: "hello" });
  onCompany(turn);
}

function leave(turn: Turn): void {
  turn.isSettling = false;
  dropRising(turn);
  act(turn, "lock", "leave");
  turn.group = null;
  onCompany(turn);
}

/** The leader stays, so that nobody tries in vain; others wait for one that is connected. */
function rest(turn: Turn): boolean {
  if (turn.group === null) return false;
  if (!leads(turn)) act(turn, "lock", "rest");
  return true;
}

/** Tells the other pages that this one leads, and what they are to show. */
function announce(turn: Turn, to: string | null = null): void {
  if (leads(turn)) act(turn, "announce", to);
}

function passOn(turn: Turn, frame: ServerFrame): void {
  if (leads(turn)) post(turn, frame);
}

function onReach(turn: Turn): void {
  if (turn.group !== null) post(turn, { type: "reach" });
}

/** Somebody came, went, or can do something else now. */
function onPeers(turn: Turn): Duties | null {
  const { company, group, reach } = turn;
  if (!turn.isSettling && mayRise(turn)) {
    turn.isSettling = true;
    wait(turn, "settle", SETTLE_MS);
  }
  if (group === null) return null;
  return dutiesOf({ id: company?.id ?? "", leads: leads(turn), reach }, othersOf(turn));
}

function alertOf(turn: Turn): Alert | null {
  if (turn.group === null) return null;
  const all = [turn.reach, ...othersOf(turn).map((peer) => peer.reach)];
  const any = (name: keyof Alert): boolean => all.some((reach) => reach[name]);
  return { visible: any("visible"), sound: any("sound"), notifications: any("notifications") };
}

/** What the tabs, or the browser about them, tell. */
function onTabs(turn: Turn, event: TabsEvent): void {
  switch (event[0]) {
    case "lead":
      return onLead(turn);
    case "deposed":
      return onDeposed(turn);
    case "alone":
      return goAlone(turn);
    case "peers":
      return onCompany(turn);
    case "message":
      return onMessage(turn, event[1], event[2]);
  }
}

function onMessage(turn: Turn, message: TabMessage, from: string): void {
  switch (message.type) {
    case "hello":
      return leads(turn) ? announce(turn, from) : post(turn, { type: "reach" }, from);
    case "reach":
    case "bye":
      return;
    case "lead":
      return onLeader(turn, message.state);
    case "tick":
    case "dismiss":
    case "done":
    case "wrap_up":
    case "summary":
    case "painted":
      return onRequest(turn, message, from);
  }
  // Only who leads has the gateway's frames; a leader that was replaced may still believe it does.
  if (!turn.company?.others.some((peer) => peer.leads && peer.id === from)) return;
  if (turn.state.phase === "refused" && message.type === "snapshot") return start(turn);
  if (isShared(turn)) hear(turn, message);
}

function onRequest(turn: Turn, frame: TabRequest, from: string): void {
  if (frame.type === "painted") return act(turn, "painted", frame, leads(turn));
  if (!leads(turn)) return;
  switch (frame.type) {
    case "dismiss":
    case "done":
    case "wrap_up":
      return act(turn, "did", frame);
    case "summary":
      return act(turn, "send", frame);
    case "tick":
      return turn.state.phase === "connected"
        ? act(turn, "answer", frame, from)
        : announce(turn, from);
  }
}

/** The page that leads told how its connection stands. */
function onLeader(turn: Turn, state: Machine["state"]): void {
  if (!isShared(turn)) return;
  // The user asked this page to connect: then it tries for itself what the leader gave up.
  if (state.phase === "refused" && turn.isFresh) return act(turn, "lock", "seize");
  turn.misses = 0;
  hear(turn, null);
  if (state.phase === "refused") return refuse(turn, state.reason, state.detail);
  if (state.phase === "connecting" || state.phase === "reconnecting") {
    becomeWaiting(turn, Number(state.attempt));
  }
}

/** The leader's frames are still good when a socket is lost that was to take over. */
function onLost(turn: Turn, id: number): boolean {
  if (id === turn.rising?.id) dropRising(turn);
  else if (isShared(turn) && id === turn.link?.id) {
    turn.link = null;
    onSilence(turn);
  } else return false;
  return true;
}

/** Nobody answered: asked once more, then replaced. Hidden pages leave that to visible ones. */
function onSilence(turn: Turn): void {
  const { now, chance } = turn;
  const misses = (turn.misses ?? 0) + 1;
  turn.misses = misses;
  // Hidden pages, whose patience differs, do not all steal the lock from one another at once.
  const patience = turn.reach.visible ? 1 : 2 + 3 * chance;
  if (misses <= patience) return void follow(turn);
  // A page that seizes again and again does not hear the others.
  const isDeaf = turn.seizedAt !== undefined && now - turn.seizedAt < DEAF_MS;
  turn.seizedAt = now;
  if (isDeaf) goAlone(turn);
  else act(turn, "lock", "seize");
}

function onLead(turn: Turn): void {
  // A socket that is rising is nearer to its session than a new one.
  promote(turn);
  if (turn.link?.kind !== "socket") {
    letGo(turn);
    const { now, chance } = turn;
    const ms = turn.notBefore - now;
    if (ms <= 0 && turn.attempt === 0) open(turn);
    else retryIn(turn, Math.max(ms, hintedBackoffMs(chance)));
    // A page that was connected is again in no time; if not, it says so.
    if (turn.state.phase === "connected") {
      wait(turn, "lasting", TAKEOVER_MS);
      return onCompany(turn);
    }
  }
  announce(turn);
  onCompany(turn);
}

/** The socket that was to take over carries the frames from now on. */
function promote(turn: Turn): void {
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

function dropRising(turn: Turn): void {
  if (turn.rising !== null) act(turn, "hangUp", turn.rising.id);
  turn.rising = null;
}

/** The thief has its session already, or will have: a second socket of the group would tell each call twice. */
function onDeposed(turn: Turn): void {
  if (turn.state.phase === "refused") return onCompany(turn);
  letGo(turn);
  follow(turn);
}

/** The page in front leads: those behind it may be slowed down or frozen. */
function mayRise({ company, link, now, notBefore, reach, rising, riseAfter = 0 }: Turn): boolean {
  return (
    link?.kind === "tab" &&
    rising === null &&
    reach.visible &&
    company?.others.find((peer) => peer.leads)?.reach.visible === false &&
    Math.max(riseAfter, notBefore) <= now
  );
}

/** It was in front for long enough to take the lead. */
function onSettled(turn: Turn): void {
  if (!turn.isSettling) return;
  turn.isSettling = false;
  if (!mayRise(turn)) return;
  turn.riseAfter = turn.now + NEXT_RISE_MS;
  // While calls are live its socket opens first, and the lead follows: no call is missed between.
  if (turn.state.phase === "connected") open(turn);
  else act(turn, "lock", "seize");
}

function goAlone(turn: Turn): void {
  turn.aloneUntil = turn.now + ALONE_MS;
  part(turn);
  open(turn);
}

/** Whether this page has the socket for a group. */
function leads({ group, company }: Turn): boolean {
  return group !== null && company?.leads === true;
}

function othersOf({ company }: Turn): readonly Peer[] {
  return company?.others ?? [];
}

/** Tells another tab, or all. */
function post(turn: Turn, message: TabMessage, to: string | null = null): void {
  act(turn, "post", message, to);
}

export const RULES: SharingRules = {
  onTabs,
  join,
  follow,
  leave,
  rest,
  announce,
  passOn,
  promote,
  onLost,
  onSettled,
  onReach,
  onPeers,
  alertOf,
};
