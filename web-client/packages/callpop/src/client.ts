// The client: what a page asks for and hears. How frames travel is the connection's business.

import { type Act, actOf, type Answer, NotStored, type Said, type WrapUpEntry } from "./acts.ts";
import { ServerClock } from "./clock.ts";
import type { RefusalReason } from "./close-codes.ts";
import { type Connection, newConnection, type NewsTable } from "./connection.ts";
import type { Contacts } from "./contacts.ts";
import { ClosedHere, type Closing } from "./closed.ts";
import { Emitter, type Unsubscribe } from "./events.ts";
import {
  type CallName,
  forgetOldest,
  hasId,
  type ItemName,
  keyOf,
  nameAlone,
  type NoticeName,
} from "./item-key.ts";
import type { Change } from "./item-list.ts";
import type { ClientOptions } from "./options.ts";
import { Outbox, type WrapUpState } from "./outbox.ts";
import type { Duties, Reach } from "./reach.ts";
import type { ConnectionState } from "./state.ts";
import { Store } from "./store.ts";
import type { Summaries } from "./summaries.ts";
import { isShared } from "./turn.ts";
import { streamUrl } from "./url.ts";
import type { Call, ClientFrame, Conversation, Integration, Notice, ServerFrame } from "./wire.ts";

/** What the user does is sent so many at once, then so many a second: the gateway takes 50. */
const FRAMES_A_SECOND = 20;
/** More popups that were reported are not remembered. */
const MOST_PAINTED = 50;

/** A call that became known or changed. */
export interface CallChange {
  readonly call: Call;
  /** As it stood before, or null when it is new here. */
  readonly previous: Call | null;
}

/** The same of a notice. */
export interface NoticeChange {
  readonly notice: Notice;
  readonly previous: Notice | null;
}

/** What the client tells: subscribe with `on`. */
export interface ClientEvents {
  /** The connection's state changed. */
  state: ConnectionState;
  /** Calls came, changed or went, or a wrap-up's state did; the whole list, newest first. */
  calls: readonly Call[];
  /** One call came or changed. */
  call: CallChange;
  /** Notices came, changed or went; the whole list, newest first. */
  notices: readonly Notice[];
  /** One notice came or changed. */
  notice: NoticeChange;
  /** The gateway makes something else of a call that is held, and of the legs around it. */
  conversation: Conversation;
  /** One of the user's integrations changed its status. */
  integration: Integration;
  /** What this page is to do for all pages of its user changed. */
  duties: Duties;
  /** The gateway did not take a frame of this client (about that item); the connection stays. */
  error: ItemName & { readonly code: string; readonly detail: string };
}

/** How the connection is doing, for a self-check. */
export interface Diagnosis {
  readonly phase: ConnectionState["phase"];
  /** Over a socket of this page, or through another one. */
  readonly transport: "own" | "shared";
  readonly url: string;
  /** How far this computer's clock is ahead of the server's, in milliseconds. */
  readonly skewMs: number;
  /** Of the exchange that the time is known by; null before there was one. */
  readonly roundTripMs: number | null;
  /** Null while nothing came over the present connection. */
  readonly lastFrameAgeMs: number | null;
  /** Attempts since the connection was last stable. */
  readonly attempt: number;
  readonly refusal: RefusalReason | null;
}

type PaintedFrame = Extract<ClientFrame, { type: "painted" }>;

export class CallpopClient {
  readonly #options: ClientOptions;
  readonly #emitter = new Emitter<ClientEvents>();
  readonly #clock = new ServerClock();
  readonly #store = new Store();
  readonly #outbox = new Outbox();
  readonly #closed = new ClosedHere();
  /** Loaded where it is wanted; null where it is not, or did not come. */
  #contacts: Contacts | null = null;
  /** Loaded when the first is asked for. */
  #summaries: Summaries | null = null;
  readonly #connection: Connection;
  /** Calls whose popup some page has reported, by their keys. */
  readonly #painted = new Set<string>();
  /** How many frames may go before the next second. */
  #left = FRAMES_A_SECOND;
  #second: ReturnType<typeof setTimeout> | undefined;

  /** Throws a TypeError when `url` is none. */
  constructor(options: ClientOptions) {
    streamUrl(options);
    this.#options = options;
    if (options.contacts) void this.#loadContacts();
    this.#connection = newConnection(options, this.#store, this.#clock, this.#hearing());
  }

  get state(): ConnectionState {
    return this.#connection.machine().state;
  }

  /** The calls as last heard of, newest first. */
  get calls(): readonly Call[] {
    return this.#store.calls.list;
  }

  /** The notices as last heard of, newest first. */
  get notices(): readonly Notice[] {
    return this.#store.notices.list;
  }

  /** What the gateway makes of that call and the legs around it; null where it has not said. */
  conversationOf(call: CallName): Conversation | null {
    return this.#store.conversations.get(keyOf(call)) ?? null;
  }

  /** Whose items this client sees; null until the gateway has said it. Of a whole tenant, none. */
  get extensions(): readonly string[] | null {
    return this.#connection.machine().opening?.extensions ?? null;
  }

  /** Whose items it asks for: the user's own, or the whole tenant's. */
  get scope(): "user" | "tenant" {
    return this.#options.scope ?? "user";
  }

  /** What this page is to do for all pages of its user. */
  get duties(): Duties {
    return this.#connection.machine().duties;
  }

  /** What a wrap-up may be disposed as; empty: any words. */
  get dispositions(): readonly string[] {
    return this.#connection.machine().opening?.dispositions ?? [];
  }

  /** The server's time now, in milliseconds since 1970, whatever this computer's clock says. */
  now(): number {
    return this.#clock.now();
  }

  /** How far this computer's clock is ahead of the server's (negative: behind), in milliseconds. */
  skew(): number {
    return this.#clock.skew();
  }

  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => void,
  ): Unsubscribe {
    return this.#emitter.on(name, listener);
  }

  /** Connects, and stays connected until `close()` or a refusal. */
  connect(): void {
    this.#connection.on("start");
  }

  /** Ends the connection for good; `connect()` begins anew. */
  close(): void {
    this.#contacts?.stop();
    clearTimeout(this.#second);
    this.#second = undefined;
    this.#connection.on("stop");
  }

  /**
   * Asks for a token at once: for a page whose user may have changed, or is gone. Another user begins
   * anew; a refused client tries again.
   */
  renew(): void {
    this.#connection.on("renew");
  }

  /**
   * Says that the user closed what was shown of that call or notice, as it then stood; all of this
   * user's pages learn it. The id of a call alone means every call that has it, here and below. Resolves
   * when the gateway has stored it for good, however many connections later, and rejects with
   * `NotStored` when it never will.
   */
  dismiss(item: Call | Notice | CallName | NoticeName | string): Promise<void> {
    return this.#close(item, "dismiss");
  }

  /** Says that nothing is left to be done about a notice; settles as `dismiss`. */
  done(notice: NoticeName): Promise<void> {
    return this.#close(notice, "done");
  }

  /** Stores what the user says of a call, in place of what was said before; settles as `dismiss`. */
  wrapUp(call: CallName | string, { disposition, note }: WrapUpEntry): Promise<void> {
    return this.#do(call, () => ({ type: "wrap_up", disposition, note }));
  }

  /** How the last wrap-up of that call stands, until the gateway has confirmed it. */
  wrapUpState(call: CallName | string): WrapUpState | null {
    const states = this.#meant(call).map((name) => this.#outbox.stateOf(name));
    return states.find((state) => state !== null) ?? null;
  }

  /**
   * All that a call's summary says, also where that is too long for `call.summary.content` (then
   * `call.summary.more` is true). Rejects where there is none, or it does not come within 20 seconds.
   */
  async summary(call: CallName | string): Promise<unknown> {
    const { Summaries } = await import("./summaries.ts");
    this.#summaries ??= new Summaries(this.#connection.send);
    const name = this.#meant(call)[0] as CallName;
    return this.#summaries.ask(name, this.#store.calls.get(name)?.summary);
  }

  /** Reports that the popup of a ringing call is on the screen; once a call for all pages. */
  painted(call: CallName | string): void {
    for (const name of this.#meant(call)) {
      if (this.#store.calls.get(name)?.state !== "ringing") continue;
      const painted_at = Math.round(this.now() * 1000);
      this.#report({ type: "painted", ...nameAlone(name), painted_at } as PaintedFrame);
    }
  }

  #close(item: ItemName | string, type: Closing): Promise<void> {
    return this.#do(item, (name) => ({ type, ...this.#seen(name) }));
  }

  #do(item: ItemName | string, actOn: (name: ItemName) => Act): Promise<void> {
    const stored = this.#meant(item).map((name) =>
      // The gateway cannot say of which item a frame is that names none.
      hasId(name)
        ? this.#add(name, actOn(name), {})
        : Promise.reject(new NotStored("malformed_frame")),
    );
    this.#send();
    const all = Promise.all(stored).then(() => undefined);
    all.catch(() => undefined);
    return all;
  }

  #add(name: ItemName, act: Act, said: Said): Promise<void> {
    const call = this.#store.calls.get(name);
    this.#closed.note(this.#find(name), act);
    const stored = this.#outbox.add(name, act, { ...said, call, nowMs: this.now() });
    if (act.type === "wrap_up") this.#emitter.emit("calls", this.calls);
    return stored;
  }

  #meant(item: ItemName | string): readonly ItemName[] {
    const name = typeof item === "string" ? { leg_id: item } : item;
    const { calls, notices } = this.#store;
    return (name.notice_id === undefined ? calls : notices).meant(name);
  }

  /** The version that is shown of an item, where there is one. */
  #seen(name: ItemName): { readonly seen?: number } {
    const seen = (name as Partial<Call>).version ?? this.#find(name)?.version;
    return seen === undefined ? {} : { seen };
  }

  #find(name: ItemName): Call | Notice | undefined {
    return this.#store.calls.get(name) ?? this.#store.notices.get(name);
  }

  /** Tells what this page can do to reach its user; the client itself knows what is seen. */
  report(reach: Partial<Reach>): void {
    this.#connection.on("reach", reach);
  }

  /**
   * The name of a number in the gateway's contacts, or null; null at once unless `contacts` is set.
   * With the `source` of a call it is looked up there, otherwise where the user is connected first.
   */
  async contactName(number: string, source?: string): Promise<string | null> {
    let token = this.#options.contacts ? this.#connection.token() : null;
    if (token instanceof Promise) token = await token;
    if (token === null) return null;
    if (this.#contacts === null) await this.#loadContacts();
    return this.#contacts?.nameOf(number, token, source) ?? null;
  }

  #loadContacts(): Promise<unknown> {
    return import("./contacts.ts").then(
      ({ Contacts }) => (this.#contacts ??= new Contacts(this.#options.url)),
      () => null,
    );
  }

  diagnose(): Diagnosis {
    const machine = this.#connection.machine();
    const { state, link, attempt } = machine;
    const heardAt = link?.heardAt ?? null;
    return {
      phase: state.phase,
      transport: isShared(machine) ? "shared" : "own",
      url: streamUrl(this.#options),
      skewMs: this.skew(),
      roundTripMs: this.#clock.roundTrip,
      lastFrameAgeMs: heardAt === null ? null : performance.now() - heardAt,
      attempt,
      refusal: state.phase === "refused" ? state.reason : null,
    };
  }

  #hearing(): NewsTable {
    return {
      state: (state) => {
        if (state.phase === "refused") this.#contacts?.stop();
        this.#emitter.emit("state", state);
      },
      opening: () => {
        this.#outbox.restart();
        const { calls, notices } = this.#store.changes;
        this.#tellCalls(calls, true);
        this.#tellNotices(notices, true);
        this.#send();
        this.#summaries?.again();
      },
      frame: (frame) => this.#onFrame(frame),
      painted: (frame, leads) => this.#report(frame, leads),
      did: (told) => {
        void this.#add(told, actOf(told), told);
        this.#send();
      },
      duties: (duties) => this.#emitter.emit("duties", duties),
      otherUser: () => {
        this.#contacts?.stop();
        this.#summaries?.stop();
        this.#outbox.clear();
        this.#closed.clear();
        this.#painted.clear();
      },
      cleared: () => {
        this.#emitter.emit("calls", this.calls);
        this.#emitter.emit("notices", this.notices);
      },
      heartbeat: () => {
        this.#outbox.again(isShared(this.#connection.machine()));
        this.#send();
      },
    };
  }

  #onFrame(frame: ServerFrame): void {
    this.#summaries?.hear(frame);
    switch (frame.type) {
      case "call":
        return this.#tellCalls(this.#store.addCall(frame.seq, frame.call), false);
      case "notice":
        return this.#tellNotices(this.#store.addNotice(frame.seq, frame.notice), false);
      case "conversation":
        // Where the code for it does not come, it is as if the gateway knew none.
        return void import("./conversations.ts").then(
          ({ keep }) =>
            keep(this.#store, frame.conversation) &&
            this.#emitter.emit("conversation", frame.conversation),
          () => null,
        );
      case "integration": {
        const { type: _, ...integration } = frame;
        this.#contacts?.forgetVain();
        return this.#emitter.emit("integration", integration);
      }
      case "durable":
        return this.#onAnswer(frame);
      case "error": {
        const { type: _, act: __, ...error }: Extract<Answer, { type: "error" }> = frame;
        this.#emitter.emit("error", error);
        return this.#onAnswer(frame);
      }
    }
  }

  /** The gateway's word on something that was done, here or in another tab. */
  #onAnswer(answer: Answer): void {
    const acts = this.#outbox.answer(answer);
    // Who leads knows which act that was, and tells the others.
    for (const act of acts) this.#connection.tell({ ...answer, act });
    if (answer.type === "error" && answer.code !== "unavailable") {
      const names = acts.length > 0 ? this.#meant(answer) : [];
      for (const name of names) for (const act of acts) this.#closed.forget(name, act);
    }
    if (acts.some(({ type }) => type === "wrap_up")) this.#emitter.emit("calls", this.calls);
    this.#send();
  }

  #report(frame: PaintedFrame, sends = true): void {
    const key = keyOf(frame);
    if (this.#painted.has(key)) return;
    this.#painted.add(key);
    forgetOldest(this.#painted, MOST_PAINTED);
    if (!sends) return;
    this.#connection.tell(frame);
    this.#connection.send(frame);
  }

  #tellCalls(changes: readonly Change<Call>[], isOpening: boolean): void {
    if (this.#closeAgain(changes) || isOpening) this.#emitter.emit("calls", this.calls);
    for (const [call, previous] of changes) this.#emitter.emit("call", { call, previous });
  }

  #tellNotices(changes: readonly Change<Notice>[], isOpening: boolean): void {
    if (this.#closeAgain(changes) || isOpening) this.#emitter.emit("notices", this.notices);
    for (const [notice, previous] of changes) this.#emitter.emit("notice", { notice, previous });
  }

  /** What was closed here stays so; whether there are changes. */
  #closeAgain(changes: readonly Change<Call | Notice>[]): boolean {
    for (const [item] of changes) {
      for (const type of this.#closed.uncounted(item)) void this.#close(item, type);
    }
    return changes.length > 0;
  }

  #send(): void {
    const isForTab = isShared(this.#connection.machine());
    const find = (name: ItemName): Call | undefined => this.#store.calls.get(name);
    for (const frame of this.#outbox.take(this.#left, isForTab, find)) {
      this.#left -= 1;
      this.#connection.send(frame as ClientFrame);
    }
    if (this.#left === FRAMES_A_SECOND) return;
    this.#second ??= setTimeout(() => {
      this.#second = undefined;
      this.#left = FRAMES_A_SECOND;
      this.#send();
    }, 1_000);
  }
}
