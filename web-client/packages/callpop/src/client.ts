// The client: what a page asks for and hears. How frames travel is the connection's business.

import { ServerClock } from "./clock.ts";
import type { RefusalReason } from "./close-codes.ts";
import { type Connection, newConnection, type NewsTable } from "./connection.ts";
import type { Contacts } from "./contacts.ts";
import { Emitter, type Unsubscribe } from "./events.ts";
import { type CallName, keyOf, nameAlone } from "./item-key.ts";
import type { ClientOptions } from "./options.ts";
import { forgetOldest, Outbox, type WrapUpEntry, type WrapUpState } from "./outbox.ts";
import type { Duties, Reach } from "./reach.ts";
import type { ConnectionState } from "./state.ts";
import { type CallChange, CallStore } from "./store.ts";
import { isShared } from "./turn.ts";
import { streamUrl } from "./url.ts";
import type { Call, ClientFrame, Integration, ServerFrame } from "./wire.ts";

/** What the user does is sent so many at once, then so many a second: the gateway takes 50. */
const FRAMES_A_SECOND = 20;

/** What the client tells: subscribe with `on`. */
export interface ClientEvents {
  /** The connection's state changed. */
  state: ConnectionState;
  /** Calls came, changed or went, or a wrap-up's state did; the whole list, newest first. */
  calls: readonly Call[];
  /** One call came or changed. */
  call: CallChange;
  /** One of the user's integrations changed its status. */
  integration: Integration;
  /** What this page is to do for all pages of its user changed. */
  duties: Duties;
  /** The gateway did not take a frame of this client (about that call); the connection stays. */
  error: Partial<CallName> & { readonly code: string; readonly detail: string };
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

export class CallpopClient {
  readonly #options: ClientOptions;
  readonly #emitter = new Emitter<ClientEvents>();
  readonly #clock = new ServerClock();
  readonly #store = new CallStore();
  readonly #outbox = new Outbox();
  /** Loaded where it is wanted; null where it is not, or did not come. */
  #contacts: Contacts | null = null;
  readonly #connection: Connection;
  /** Calls whose popup some page has reported, by their keys. */
  readonly #painted = new Set<string>();
  /** How many frames may go before the next second. */
  #left = FRAMES_A_SECOND;
  #second: ReturnType<typeof setTimeout> | undefined;
  #dispositions: readonly string[] = [];

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
    return this.#store.list;
  }

  /** What this page is to do for all pages of its user. */
  get duties(): Duties {
    return this.#connection.machine().duties;
  }

  /** What a wrap-up may be disposed as; empty: any words. */
  get dispositions(): readonly string[] {
    return this.#dispositions;
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
   * Says that the user closed the popup of that call; all of this user's pages learn it. An id alone
   * means every call that has it, here and below.
   */
  dismiss(call: CallName | string): void {
    for (const name of this.#meant(call)) this.#outbox.dismiss(name);
    this.#send();
  }

  /** Stores what the user says of a call, in place of what was said before. */
  wrapUp(call: CallName | string, entry: WrapUpEntry): void {
    const names = this.#meant(call).filter((name) =>
      this.#outbox.wrapUp(name, entry, this.#store.get(name), this.now()),
    );
    if (names.length === 0) return;
    this.#send();
    this.#emitter.emit("calls", this.calls);
  }

  /** How the last wrap-up of that call stands, until the gateway has confirmed it. */
  wrapUpState(call: CallName | string): WrapUpState | null {
    const states = this.#meant(call).map((name) => this.#outbox.stateOf(name));
    return states.find((state) => state !== null) ?? null;
  }

  /** Reports that the popup of a ringing call is on the screen; once a call for all pages. */
  painted(call: CallName | string): void {
    for (const name of this.#meant(call)) {
      if (this.#store.get(name)?.state !== "ringing") continue;
      const painted_at = Math.round(this.now() * 1000);
      this.#report({ type: "painted", ...nameAlone(name), painted_at });
    }
  }

  #meant(call: CallName | string): readonly CallName[] {
    return this.#store.meant(typeof call === "string" ? { leg_id: call } : call);
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

  async #loadContacts(): Promise<void> {
    const loaded = await import("./contacts.ts").catch(() => null);
    if (loaded !== null) this.#contacts ??= new loaded.Contacts(this.#options.url);
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
      opening: ({ dispositions = [] }) => {
        this.#dispositions = dispositions;
        this.#tell(this.#connection.changes(), true);
        this.#sendAgain();
      },
      frame: (frame) => this.#onFrame(frame),
      painted: (frame, leads) => this.#report(frame, leads),
      dismiss: (frame) => this.dismiss(frame),
      wrap_up: (frame) => this.wrapUp(frame, frame),
      duties: (duties) => this.#emitter.emit("duties", duties),
      otherUser: () => {
        this.#contacts?.stop();
        this.#outbox.clear();
        this.#painted.clear();
      },
      cleared: () => this.#emitter.emit("calls", this.calls),
      heartbeat: () => this.#sendAgain(),
    };
  }

  #onFrame(frame: ServerFrame): void {
    switch (frame.type) {
      case "call":
        return this.#tell(this.#store.add(frame.seq, frame.call), false);
      case "integration": {
        const { type: _, ...integration } = frame;
        this.#contacts?.forgetVain();
        return this.#emitter.emit("integration", integration);
      }
      case "error": {
        const { type: _, ...error } = frame;
        return this.#onError(error);
      }
    }
  }

  #onError(error: ClientEvents["error"]): void {
    const { code, leg_id } = error;
    // What could not be stored is sent again.
    const isRefused =
      leg_id !== undefined && code !== "unavailable" && this.#outbox.refuse({ ...error, leg_id });
    this.#emitter.emit("error", error);
    if (isRefused) this.#emitter.emit("calls", this.calls);
  }

  #report(frame: Extract<ClientFrame, { type: "painted" }>, sends = true): void {
    const key = keyOf(frame);
    if (this.#painted.has(key)) return;
    this.#painted.add(key);
    forgetOldest(this.#painted);
    if (sends) this.#connection.sendOnce(frame);
  }

  #tell(changes: readonly CallChange[], isOpening: boolean): void {
    this.#outbox.confirm((name) => this.#store.get(this.#store.meant(name)[0] ?? name));
    if (changes.length > 0 || isOpening) this.#emitter.emit("calls", this.calls);
    for (const change of changes) this.#emitter.emit("call", change);
  }

  #sendAgain(): void {
    this.#outbox.again();
    this.#send();
  }

  #send(): void {
    const isForTab = isShared(this.#connection.machine());
    for (const frame of this.#outbox.take(this.#left, isForTab)) {
      this.#left -= 1;
      this.#connection.send(frame);
    }
    if (this.#left === FRAMES_A_SECOND) return;
    this.#second ??= setTimeout(() => {
      this.#second = undefined;
      this.#left = FRAMES_A_SECOND;
      this.#send();
    }, 1_000);
  }
}
