// The machine's words: what it knows, what happens to it, what is to be done about that, and what is
// known at the moment when something happens. A turn is a draft of its state, thrown away afterwards.

import type { ToldAct } from "./acts.ts";
import type { Opening } from "./frames.ts";
import type { Alert, Duties, Peer, Reach } from "./reach.ts";
import type { ConnectionState } from "./state.ts";
import type { TabMessage, TabsEvent, TabsHappenings } from "./tab-message.ts";
import type { Union } from "./union.ts";
import type { ClientFrame, ServerFrame } from "./wire.ts";

/** What carries the frames: a socket of this page, or the tab that leads. Times as `Moment.now`. */
export interface Link {
  readonly kind: "socket" | "tab";
  readonly id: number;
  /** How long it may take to answer, in milliseconds. */
  readonly answerMs: number;
  /** How often it is asked something; 0 until its session has opened. */
  readonly heartbeatMs: number;
  /** When something came last; null: nothing did. */
  readonly heardAt: number | null;
  /** When it is lost unless something comes; infinite: nothing is waited for. */
  readonly deadlineAt: number;
  /** The stamp of the tick whose answer alone dispels a doubt; 0: there is none. */
  readonly doubtedAt: number;
}

/** What the gateway was told last of how the user can be alerted, and when it is told again. */
export interface Told {
  readonly alert: Alert;
  readonly at: number;
}

/** All that decides what happens next. It is a value: no turn changes it, each makes a new one. */
export interface Machine {
  /** As the page sees it. */
  readonly state: ConnectionState;
  readonly link: Link | null;
  /** A socket that opens while the leader's frames still come, to take the lead without a gap. */
  readonly rising: Link | null;
  /** How many links there were: the last one's id. */
  readonly links: number;
  /** What the present session began with. */
  readonly opening: Opening | null;
  /** Attempts since the connection was last stable. */
  readonly attempt: number;
  /** Tells what comes back late that its attempt is over. */
  readonly round: number;
  /** When the next attempt is due; null: none is. */
  readonly retryAt: number | null;
  /** Before that, the gateway asked not to come back. */
  readonly notBefore: number;
  /** `connect()` was called and nothing came of it yet: a refusal of other tabs does not count. */
  readonly isFresh: boolean;
  readonly isSuspended: boolean;
  /** A token that was fetched already, for the socket that may follow. */
  readonly spare: string | null;
  /** The token that was refused last, until a session opens: it is mended once, by another token. */
  readonly refused: { readonly token: string | null; readonly detail: string } | null;
  readonly reach: Reach;
  readonly duties: Duties;
  readonly told: Told;
  /** What the tabs have in common that this one belongs to. */
  readonly group: string | null;
  // The rest is only of tabs: what is not there has not happened yet.
  /** Until when this page does not take part, which it could not. */
  readonly aloneUntil?: number;
  /** Questions to the leader in a row that nobody answered. */
  readonly misses?: number;
  readonly seizedAt?: number;
  readonly riseAfter?: number;
  /** It is in front, but not for long enough to take the lead. */
  readonly isSettling: boolean;
}

export type TimerName =
  "overdue" | "heartbeat" | `tick${number}` | "retry" | "lasting" | "told" | "settle";

/** What happens to a page, by name. */
export interface PageHappenings {
  /** What it can do to reach its user changed: whether it is seen, and has the focus. */
  reach: [reach: Partial<Reach>];
  /** The network, the user, or the computer from its sleep, may be back. */
  back: [];
  /** The browser says that it is offline; to this computer itself it may not be. */
  doubt: [];
  /** The page's scripts stop: nothing may stay open or held. */
  suspend: [];
  resume: [];
}

/** What comes of asking for a token to follow the present one, by name. */
export interface TokenHappenings {
  /** There will be none. */
  signedOut: [detail: string];
  fresh: [token: string];
}

/** What happens to a link, by name. */
export interface LinkHappenings {
  /** Null: something came that is no frame. */
  frame: [link: number, frame: ServerFrame | null];
  /** A link is over; 1006: nobody said why. */
  lost: [link: number, code: number, detail: string];
}

/** What happens, by name. */
export interface Happenings
  extends PageHappenings, TokenHappenings, LinkHappenings, TabsHappenings {
  start: [];
  stop: [];
  renew: [];
  /** A token came for the attempt of that round, or what a provider gave for one. */
  token: [round: number, token: unknown];
  /** `detail`: the provider said that there will be none; null: the network failed. */
  noToken: [round: number, detail: string | null];
  /** What the server told of its time cannot be right: the computer slept. */
  timeInDoubt: [];
  /** A timer is due. */
  due: [timer: TimerName, link: number];
}

/** What happens, told apart by its first word. */
export type MachineEvent = Union<Happenings>;

/** What the client hears. */
export interface News {
  state: [state: ConnectionState];
  /** A session began; its frame is in the store. */
  opening: [frame: Opening];
  /** A frame that says something of calls, integrations or of what was sent. */
  frame: [frame: ServerFrame];
  /** Another page reported a popup; `leads` where it is this page that tells the gateway. */
  painted: [frame: Extract<ClientFrame, { type: "painted" }>, leads: boolean];
  /** What another page has for the gateway; it is kept here too, until it is confirmed. */
  did: [act: ToldAct];
  duties: [duties: Duties];
  /** What was done for the former user is not to be done for this one. */
  otherUser: [];
  /** The calls were forgotten. */
  cleared: [];
  /** Time to send again what was not confirmed. */
  heartbeat: [];
}

/** What is to be done, by name. */
export interface Deeds {
  /** Gets a token, or takes the spare one, and the code for sharing. */
  fetch: [round: number, spare: string | null];
  dial: [link: number, token: string];
  hangUp: [link: number];
  /** Ends all links, all timers, and what is under way for the token. */
  endLinks: [];
  send: [frame: ClientFrame];
  /** Sets a timer in place of the one of that name and link. */
  timer: [timer: TimerName, link: number, ms: number];
  /** Takes what a session began with: the time, then the calls. */
  store: [frame: Opening];
  learn: [tock: Extract<ServerFrame, { type: "tock" }>];
  /** Forgets the calls. */
  forget: [];
  /** The present token; null: there is none. */
  take: [token: string | null];
  /** The session took the token that it was offered. */
  accept: [];
  /** What the provider was asked for until now does not count. */
  forgetAsked: [];
  refresh: [];
  /** Asks in time for one that follows; `endsAt` in seconds since 1970, none: as known. */
  keepFresh: [endsAt?: number];
  heedPage: [];
  forgetPage: [];
  join: [group: string];
  /** To lead as soon as nobody else does; to take the lead; not to want it; to be no tab of a group. */
  lock: [deed: "queue" | "seize" | "rest" | "leave"];
  /** Tells other tabs how this connection stands, with everything it holds when it is live. */
  announce: [to: string | null];
  /** Answers another tab's tick in the gateway's place. */
  answer: [tick: Extract<ClientFrame, { type: "tick" }>, to: string];
  post: [message: TabMessage, to: string | null];
}

/** What is to be done, told apart by its first word. */
export type Effect = Union<Deeds & News>;

/** Who else is there. */
export interface Company {
  readonly id: string;
  readonly leads: boolean;
  readonly others: readonly Peer[];
}

/** What is known at the moment when something happens, and is nobody's state here. */
export interface Moment {
  /** `performance.now()`. */
  readonly now: number;
  /** A random number from 0 to 1. */
  readonly chance: number;
  /** The present token. */
  readonly token: string | null;
  /** Whether the present socket takes frames. */
  readonly canSend: boolean;
  /** Null: this page is in no group of tabs. */
  readonly company: Company | null;
}

/** What the machine needs of the code for sharing, which is there when there is something to share. */
export interface SharingRules {
  onTabs(turn: Turn, event: TabsEvent): void;
  /** Joins the pages whose tokens say the same; false when this page has to see for itself. */
  join(turn: Turn, token: string): boolean;
  /** Goes through the leader, and leads when there is none; false when that is this page. */
  follow(turn: Turn): boolean;
  leave(turn: Turn): void;
  /** This page is refused; false when it is in no group. */
  rest(turn: Turn): boolean;
  /** Tells the other pages how the connection stands, where it is this page's. */
  announce(turn: Turn): void;
  /** Tells the other pages what the gateway said, where it said it to this page. */
  passOn(turn: Turn, frame: ServerFrame): void;
  /** The socket that was to take over carries the frames from now on. */
  promote(turn: Turn): void;
  /** A link is lost; false when it is not one that only tabs have. */
  onLost(turn: Turn, link: number): boolean;
  /** It was in front long enough. */
  onSettled(turn: Turn): void;
  /** This page can do something else now to reach its user. */
  onReach(turn: Turn): void;
  /** Somebody came, went, or can do something else now: what this page is to do; null: as alone. */
  onPeers(turn: Turn): Duties | null;
  /** Whether any page of the group can alert the user; null: this page is in none. */
  alertOf(turn: Turn): Alert | null;
}

/** A draft of the machine's next state, with what is known at the moment, and what is to be done. */
export type Turn = { -readonly [Field in keyof Machine]: Machine[Field] } & Moment & {
    readonly rules: SharingRules | null;
    readonly effects: Effect[];
  };

/** What the client hears goes last: a listener that calls `close()` must have the last word. */
export function act(turn: Turn, ...deed: Effect): void {
  turn.effects.push(deed);
}

/** Sets a timer; it is of `link` where it has no meaning after that. */
export function wait(turn: Turn, timer: TimerName, ms: number, link = 0): void {
  act(turn, "timer", timer, link, ms);
}

export function isShared({ link }: Pick<Machine, "link">): boolean {
  return link?.kind === "tab";
}
