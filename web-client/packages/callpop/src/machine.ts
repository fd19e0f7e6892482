// The connection as one pure machine: what carries the frames now, when to try again, and when to
// stop. `step` takes its state and what happens, and gives the next state and what is to be done; it
// has no clock, no dice and nobody to talk to. connection.ts does what it says; what the frames say
// is the client's business; sharing.ts adds the other tabs.

import { hintedBackoffMs } from "./backoff.ts";
import { refusalOf, TOKEN_REFUSED } from "./close-codes.ts";
import { groupOf } from "./group.ts";
import { doubt, isOverdue, newLink, probe } from "./liveness.ts";
import { onPeers, report, tellGateway, tellNews } from "./presence.ts";
import { dutiesAlone, NO_REACH } from "./reach.ts";
import { hear } from "./session.ts";
import type { TabsEvent } from "./tab-message.ts";
import {
  become,
  becomeWaiting,
  forgetCalls,
  letGo,
  open,
  part,
  refuse,
  renounce,
  retryIn,
  retryLater,
  start,
} from "./transitions.ts";
import {
  act,
  type Effect,
  type Happenings,
  isShared,
  type Machine,
  type MachineEvent,
  type Moment,
  type SharingRules,
  type TimerName,
  type Turn,
  wait,
} from "./turn.ts";
import type { ServerFrame } from "./wire.ts";

const GATEWAY_ANSWER_MS = 10_000;
/** What a token may be made of: nothing else fits into the header that carries it. */
const TOKEN_SHAPE = /^[\w.~+/=-]+$/;

/** Before anything happened. */
export const IDLE: Machine = {
  state: { phase: "idle" },
  link: null,
  rising: null,
  links: 0,
  opening: null,
  attempt: 0,
  round: 0,
  retryAt: null,
  notBefore: 0,
  isFresh: false,
  isSuspended: false,
  spare: null,
  refused: null,
  reach: NO_REACH,
  duties: dutiesAlone(NO_REACH),
  told: { alert: NO_REACH, at: Number.NEGATIVE_INFINITY },
  group: null,
  isSettling: false,
};

/** What `event` makes of `machine`; `rules` are those of sharing, once they are loaded. */
export function step(
  machine: Machine,
  event: MachineEvent,
  moment: Moment,
  rules: SharingRules | null,
): [Machine, readonly Effect[]] {
  const turn: Turn = { ...machine, ...moment, rules, effects: [] };
  const [name, ...given] = event;
  const on = ON[name as keyof typeof ON] as ((turn: Turn, ...given: unknown[]) => void) | undefined;
  // What is not the machine's own business is that of the tabs.
  if (on === undefined) rules?.onTabs(turn, event as TabsEvent);
  else on(turn, ...given);
  return [turn, turn.effects];
}

/** What each event does. */
const ON: {
  readonly [Name in Exclude<keyof Happenings, TabsEvent[0]>]: (
    turn: Turn,
    ...given: Happenings[Name]
  ) => void;
} = {
  start,
  stop,
  renew,
  reach: report,
  back: onBack,
  doubt,
  suspend,
  resume,
  token: onToken,
  noToken: onNoToken,
  signedOut: (turn, detail) => refuse(turn, "token", detail),
  fresh: onFresh,
  frame: onLinkFrame,
  lost: onLost,
  timeInDoubt: probe,
  due: onDue,
};

/** Ends it for good. */
function stop(turn: Turn): void {
  part(turn);
  act(turn, "forgetPage");
  turn.isSuspended = false;
  forgetCalls(turn);
  become(turn, { phase: "closed" });
  act(turn, "cleared");
}

/** Asks for a token now: the user may be another one, or nobody. */
function renew(turn: Turn): void {
  if (turn.state.phase === "refused") return start(turn);
  renounce(turn);
  if (turn.link !== null) act(turn, "refresh");
  // One that waits asks for a token anyhow.
  else if ("attempt" in turn.state && turn.retryAt === null) open(turn);
}

function onBack(turn: Turn): void {
  if (turn.link !== null) return doubt(turn);
  const { now, chance } = turn;
  if (turn.notBefore > now || turn.retryAt === null) return;
  retryIn(turn, Math.min(hintedBackoffMs(chance), turn.retryAt - now));
}

/** The page's scripts stop: whatever is open would keep it out of the back/forward cache. */
function suspend(turn: Turn): void {
  const { phase } = turn.state;
  part(turn);
  if (phase === "refused" || phase === "closed") return;
  turn.isSuspended = true;
  if (phase === "connected") becomeWaiting(turn, 0);
}

function resume(turn: Turn): void {
  if (!turn.isSuspended) return;
  turn.isSuspended = false;
  turn.attempt = 0;
  const { token } = turn;
  if (token !== null && turn.rules?.join(turn, token)) return;
  retryIn(turn, Math.max(0, turn.notBefore - turn.now));
}

function onToken(turn: Turn, round: number, token: unknown): void {
  if (round !== turn.round) return;
  turn.spare = null;
  const fault = faultOf(turn, token);
  // A socket that was to take over is given up; the frames still come.
  if (fault !== null) return turn.link === null ? refuse(turn, "token", fault) : undefined;
  const jwt = String(token);
  if (isChange(turn, jwt)) return;
  act(turn, "take", jwt);
  if (turn.rules?.join(turn, jwt)) turn.spare = jwt;
  else dial(turn, jwt);
}

/** Why a session is not to be opened with this token; null: it may. */
function faultOf(turn: Turn, token: unknown): string | null {
  // A provider may give anything: most often `undefined`, of a field that its answer does not have.
  if (typeof token !== "string" || !TOKEN_SHAPE.test(token)) return "no JWT";
  return token === turn.refused?.token ? turn.refused.detail : null;
}

function onNoToken(turn: Turn, round: number, detail: string | null): void {
  if (round !== turn.round || turn.link !== null) return;
  if (detail !== null) return refuse(turn, "token", detail);
  retryLater(turn);
}

function dial(turn: Turn, token: string): void {
  const link = newLink(turn, "socket", GATEWAY_ANSWER_MS);
  if (turn.link === null) turn.link = link;
  else turn.rising = link;
  act(turn, "dial", link.id, token);
}

function onFresh(turn: Turn, token: string): void {
  if (isChange(turn, token)) return;
  // To other tabs no token goes: any script of the page's origin hears what is said there.
  if (isShared(turn)) act(turn, "take", token);
  else act(turn, "send", { type: "token", token });
}

/** Where the token is another user's, nothing of the former one is shown, sent or kept. */
function isChange(turn: Turn, token: string): boolean {
  const { token: present } = turn;
  if (present === null || groupOf(token) === groupOf(present)) return false;
  part(turn);
  renounce(turn);
  act(turn, "take", null);
  turn.spare = token;
  turn.attempt = 0;
  forgetCalls(turn);
  open(turn);
  act(turn, "otherUser");
  becomeWaiting(turn);
  act(turn, "cleared");
  return true;
}

function onLinkFrame(turn: Turn, id: number, frame: ServerFrame | null): void {
  const { link, rising } = turn;
  if (id === rising?.id) turn.rules?.promote(turn);
  // What was let go says nothing any more.
  else if (id !== link?.id) return;
  hear(turn, frame);
}

function onLost(turn: Turn, id: number, code: number, detail: string): void {
  if (turn.rules?.onLost(turn, id) || id !== turn.link?.id) return;
  letGo(turn);
  const refusal = refusalOf(code);
  if (refusal === undefined) return retryLater(turn);
  if (code !== TOKEN_REFUSED || turn.refused !== null) return refuse(turn, refusal, detail);
  turn.refused = { token: turn.token, detail };
  retryLater(turn, 0);
}

function onDue(turn: Turn, timer: TimerName, id: number): void {
  const { link, rising } = turn;
  switch (timer) {
    case "retry":
      if (turn.retryAt === null) return;
      letGo(turn);
      open(turn);
      if (turn.state.phase === "connected") becomeWaiting(turn);
      return;
    case "lasting":
      // A session that lasted, or a lead that was taken over and has no session yet.
      if (link !== null && link.heartbeatMs > 0) turn.attempt = 0;
      else becomeWaiting(turn);
      return;
    case "told":
      return tellNews(turn);
    case "settle":
      return turn.rules?.onSettled(turn);
    case "overdue":
      if (id !== rising?.id && (id !== link?.id || !isOverdue(link))) return;
      // A dead network never completes the closing handshake, so nobody waits for it.
      act(turn, "hangUp", id);
      return onLost(turn, id, 1006, "no answer");
  }
  if (link === null || id !== link.id) return;
  probe(turn);
  if (timer === "heartbeat") onHeartbeat(turn, link.heartbeatMs, id);
}

function onHeartbeat(turn: Turn, ms: number, id: number): void {
  onPeers(turn);
  tellGateway(turn);
  wait(turn, "heartbeat", ms, id);
  act(turn, "heartbeat");
}
