// The connection as one state machine: what carries the frames now, when to try again, and when to
// stop. What the frames say is the client's business; sharing.ts adds the other tabs.

import { Beats } from "./beats.ts";
import { backoffMs, hintedBackoffMs } from "./backoff.ts";
import type { ClientOptions } from "./client.ts";
import type { ServerClock } from "./clock.ts";
import { type RefusalReason, refusalOf, TOKEN_REFUSED } from "./close-codes.ts";
import type { Unsubscribe } from "./events.ts";
import type { Opening } from "./frames.ts";
import { type Carrier, Link, type LinkOwner, openSocket } from "./link.ts";
import { type PageOwner, watchPage } from "./page.ts";
import { alertOf, type Duties, dutiesAlone, isSame, NO_REACH, type Reach } from "./reach.ts";
import type { Sharing } from "./sharing.ts";
import type { ConnectionState } from "./state.ts";
import type { CallChange, CallStore } from "./store.ts";
import { withDeadline } from "./timing.ts";
import { Tokens, TokenUnavailable } from "./tokens.ts";
import { streamUrl } from "./url.ts";
import type { ClientFrame, ServerFrame } from "./wire.ts";

const STABLE_AFTER_MS = 60_000;
/** A page whose code for sharing does not come connects alone. */
const SHARING_DEADLINE_MS = 5_000;

/** A JWT: nothing else fits into the header that carries it. */
const TOKEN_SHAPE = /^[\w.~+/=-]+$/;

/** What a connection tells its owner. */
export interface ConnectionOwner {
  onState(state: ConnectionState): void;
  /** A session began; its frame is in the store, and changed these calls. */
  onOpening(frame: Opening, changes: readonly CallChange[]): void;
  /** A frame that says something of calls, integrations or of what was sent. */
  onFrame(frame: ServerFrame): void;
  /** What another page has for the gateway; `leads` where it is this page that sends it. */
  onRequest(frame: ClientFrame, leads: boolean): void;
  onDuties(duties: Duties): void;
  /** Time to send again what was not confirmed. */
  onHeartbeat(): void;
}

export class Connection {
  readonly store: CallStore;
  readonly clock: ServerClock;
  readonly owner: ConnectionOwner;
  state: ConnectionState = { phase: "idle" };
  reach: Reach = NO_REACH;
  duties: Duties = dutiesAlone(NO_REACH);
  /** What carries the frames. */
  link: Link | null = null;
  /** What the present session began with. */
  opening: Opening | null = null;
  /** Attempts since the connection was last stable. */
  attempt = 0;
  /** `performance.now()` before which the gateway asked not to come back. */
  notBefore = 0;
  /** `connect()` was called and nothing came of it yet: a refusal of other tabs does not count. */
  isFresh = false;
  /** Ends an attempt count, or a takeover, that lasted. */
  lasting: ReturnType<typeof setTimeout> | undefined;
  readonly #options: ClientOptions;
  readonly #tokens: Tokens;
  #sharing: Sharing | null = null;
  /** Tells a token that comes back late that its attempt is over. */
  #round = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** `performance.now()` of the next attempt. */
  #retryAt = 0;
  #tokenExpiresAt = 0;
  /** A token that was fetched to find the other tabs, for the socket that may follow. */
  #spare: string | null = null;
  /** The token that was refused last, until a session opens: it is mended once, by another token. */
  #refused: { readonly token: string | null; readonly detail: string } | null = null;
  #isSuspended = false;
  readonly #beats: Beats = new Beats(
    () => alertOf([this.reach, ...(this.#sharing?.reaches ?? [])]),
    // Who has the socket speaks for all pages.
    (alert) => {
      if (!this.isShared && this.state.phase === "connected") this.send({ type: "beat", ...alert });
    },
  );
  #forgetPage: Unsubscribe | null = null;

  constructor(
    options: ClientOptions,
    store: CallStore,
    clock: ServerClock,
    owner: ConnectionOwner,
  ) {
    this.#options = options;
    this.store = store;
    this.clock = clock;
    this.owner = owner;
    this.#tokens = new Tokens(options.token);
  }

  get isShared(): boolean {
    return this.link?.isShared ?? false;
  }

  /** A token for requests, null before there was any; a promise where a fresh one is fetched. */
  get token(): string | null | Promise<string | null> {
    const { current } = this.#tokens;
    if (current === null || !this.#sharing?.isStale(current)) return current;
    return this.#tokens.fetch().then(
      (token) => {
        this.#tokens.current = token;
        return token;
      },
      () => null,
    );
  }

  start(): void {
    const { phase } = this.state;
    if (phase !== "idle" && phase !== "closed" && phase !== "refused") return;
    this.attempt = 0;
    this.notBefore = 0;
    this.#refused = null;
    this.#spare = null;
    this.isFresh = true;
    this.#forgetPage ??= watchPage(this.#pageOwner);
    if (!this.#sharing?.follow()) void this.open();
    this.become({ phase: "connecting", attempt: 0 });
  }

  /** Ends it for good. */
  stop(): void {
    this.letGo();
    this.#sharing?.leave();
    this.#forget();
    this.#isSuspended = false;
    this.become({ phase: "closed" });
  }

  /** Sends a frame on the present link; false when there is none that can. */
  send(frame: ClientFrame): boolean {
    return this.link?.send(frame) ?? false;
  }

  /** Tells the other tabs, and the gateway. */
  sendOnce(frame: ClientFrame): void {
    this.#sharing?.tell(frame);
    this.send(frame);
  }

  report(reach: Partial<Reach>): void {
    const before = this.reach;
    this.reach = { ...before, ...reach };
    if (isSame(before, this.reach)) return;
    this.#sharing?.onReach();
    this.onPeers();
  }

  readonly #linkOwner: LinkOwner = {
    onFrame: (frame, link) => this.#onFrame(frame, link),
    onHeartbeat: () => {
      this.#beats.beat();
      this.owner.onHeartbeat();
    },
    onLost: (link, code, detail) => this.#onLost(link, code, detail),
  };

  readonly #pageOwner: PageOwner = {
    onSeen: (visible, focused) => this.report({ visible, focused }),
    onBack: () => this.#onBack(),
    onDoubt: () => this.link?.doubt(),
    onSuspend: () => this.#suspend(),
    onResume: () => this.#resume(),
  };

  #onFrame(frame: ServerFrame, link: Link): void {
    this.#sharing?.promote(link);
    switch (frame.type) {
      case "snapshot":
      case "resumed":
        return this.#onOpening(frame, link);
      case "tock":
        return this.#onTock(frame.t0, frame.t1, frame.t2);
      case "token_expiring":
        return void this.#tokens.refresh(this.#renew);
      case "token_accepted":
        return this.#keepTokenFresh(frame.token_expires_at);
      case "reconnect":
        return this.#onReconnectFrame(frame);
      case "error":
        // The old token still counts, so there may be time for a better one.
        if (frame.code === "token_refused") this.#keepTokenFresh(this.#tokenExpiresAt);
        if (frame.leg_id !== undefined) this.#sharing?.passOn(frame);
        break;
      default:
        this.#sharing?.passOn(frame);
    }
    this.owner.onFrame(frame);
  }

  #onOpening(frame: Opening, link: Link): void {
    this.clock.restart(frame.server_time);
    this.opening = frame;
    this.#refused = null;
    this.#spare = null;
    this.notBefore = 0;
    this.isFresh = false;
    link.startTicking(frame.heartbeat_ms);
    if (!link.isShared) this.#keepTokenFresh(frame.token_expires_at);
    clearTimeout(this.lasting);
    this.lasting = setTimeout(() => {
      this.attempt = 0;
    }, STABLE_AFTER_MS);
    const changes = this.store.open(frame);
    this.become({ phase: "connected", sessionId: frame.session_id });
    this.#beats.beat();
    this.owner.onOpening(frame, changes);
  }

  #onTock(t0: number, t1: number, t2: number): void {
    const learned = this.clock.learn({
      sentMs: t0 / 1000,
      receivedByServerUs: t1,
      sentByServerUs: t2,
      receivedMs: performance.now(),
    });
    if (!learned) this.link?.probe();
  }

  #onReconnectFrame(frame: Extract<ServerFrame, { type: "reconnect" }>): void {
    this.notBefore = performance.now() + frame.after_ms;
    if (this.isShared) return;
    this.#sharing?.passOn(frame);
    // The gateway closes when it is ready; until then its frames are still good.
    this.#retryIn(frame.after_ms);
  }

  #keepTokenFresh(expiresAtSeconds: number): void {
    this.#tokenExpiresAt = expiresAtSeconds;
    this.#tokens.keepFresh(expiresAtSeconds * 1000 - this.clock.now(), this.#renew);
  }

  readonly #renew = (token: string): void => {
    this.send({ type: "token", token });
  };

  /** Begins an attempt; beside a link that still carries frames, one to take over from it. */
  async open(): Promise<void> {
    const round = ++this.#round;
    let token: string;
    try {
      [token] = await Promise.all([this.#spare ?? this.#tokens.fetch(), this.#loadSharing()]);
    } catch (error) {
      if (round !== this.#round || this.link !== null) return;
      if (error instanceof TokenUnavailable) return this.refuse("token", error.message);
      return this.#retryLater(backoffMs(this.attempt));
    }
    if (round !== this.#round) return;
    this.#spare = null;
    const isNone = !TOKEN_SHAPE.test(token);
    if (isNone || this.#refused?.token === token) {
      const detail = isNone ? "the provider gave no JWT" : (this.#refused?.detail ?? "");
      return this.link === null ? this.refuse("token", detail) : undefined;
    }
    this.#tokens.current = token;
    if (this.#sharing?.join(token)) this.#spare = token;
    else this.#dial(token);
  }

  #dial(token: string): void {
    const { webSocket, url, scope } = this.#options;
    const address = streamUrl(url, scope, this.store.resume);
    try {
      const link = openSocket(webSocket ?? WebSocket, address, token, this.#linkOwner);
      if (this.link === null) this.link = link;
      else this.#sharing?.raise(link);
    } catch (error) {
      // The browser does not allow this page to open it: an insecure gateway from a secure page.
      if (this.link === null) this.refuse("forbidden", String(error));
    }
  }

  /** Takes what another tab carries as the present link. */
  carry(carrier: Carrier, answerMs: number, heartbeatMs: number): void {
    this.link = new Link(carrier, this.#linkOwner, answerMs);
    this.link.startTicking(heartbeatMs);
  }

  #onLost(link: Link, code: number, detail: string): void {
    if (link === this.link) this.link = null;
    if (this.#sharing?.lose(link)) return;
    this.letGo();
    const refusal = refusalOf(code);
    if (refusal === null) return this.#retryLater(backoffMs(this.attempt));
    if (code !== TOKEN_REFUSED || this.#refused !== null) return this.refuse(refusal, detail);
    this.#refused = { token: this.#tokens.current, detail };
    this.#retryLater(backoffMs(0));
  }

  // Listeners come last, here and elsewhere: one that calls close() must have the last word.
  #retryLater(waitMs: number): void {
    const server = this.notBefore - performance.now();
    this.attempt += 1;
    this.#retryIn(server > 0 ? server : waitMs);
    this.becomeWaiting(this.attempt);
  }

  /** One attempt after that long, or a little later. */
  retrySoon(leastMs: number): void {
    this.#retryIn(Math.max(leastMs, hintedBackoffMs()));
  }

  #retryIn(waitMs: number): void {
    clearTimeout(this.#retry);
    this.#retryAt = performance.now() + waitMs;
    this.#retry = setTimeout(() => {
      this.letGo();
      void this.open();
      if (this.state.phase === "connected") this.becomeWaiting(this.attempt);
    }, waitMs);
  }

  refuse(reason: RefusalReason, detail: string): void {
    this.letGo();
    this.#sharing?.rest();
    if (!this.#sharing?.isJoined) this.#forget();
    this.become({ phase: "refused", reason, detail });
  }

  /** Ends the link, and all that is under way to another one. */
  letGo(): void {
    this.#round += 1;
    clearTimeout(this.#retry);
    clearTimeout(this.lasting);
    this.#beats.stop();
    this.#retry = undefined;
    this.#tokens.stop();
    this.link?.drop();
    this.link = null;
  }

  /** There is no connection now. */
  becomeWaiting(attempt: number): void {
    const { state } = this;
    const phase = state.phase === "connecting" ? "connecting" : "reconnecting";
    if (state.phase !== phase || state.attempt !== attempt) this.become({ phase, attempt });
  }

  become(state: ConnectionState): void {
    this.state = state;
    this.#sharing?.announce();
    this.owner.onState(state);
  }

  #forget(): void {
    this.#forgetPage?.();
    this.#forgetPage = null;
  }

  #onBack(): void {
    if (this.link !== null) return this.link.doubt();
    if (this.#retry === undefined || this.notBefore > performance.now()) return;
    this.#retryIn(Math.min(hintedBackoffMs(), this.#retryAt - performance.now()));
  }

  #suspend(): void {
    const { phase } = this.state;
    this.letGo();
    this.#sharing?.leave();
    if (phase === "refused" || phase === "closed") return;
    this.#isSuspended = true;
    if (phase === "connected") this.becomeWaiting(0);
  }

  #resume(): void {
    if (!this.#isSuspended) return;
    this.#isSuspended = false;
    this.attempt = 0;
    const { current } = this.#tokens;
    if (current !== null && this.#sharing?.join(current)) return;
    this.#retryIn(Math.max(0, this.notBefore - performance.now()));
  }

  async #loadSharing(): Promise<void> {
    const { tabs = true, url, scope } = this.#options;
    if (!tabs || this.#sharing !== null || !globalThis.navigator?.locks) return;
    const loading = import("./sharing.ts").then(({ Sharing }) => {
      this.#sharing ??= new Sharing(this, streamUrl(url, scope));
    });
    await withDeadline(loading, SHARING_DEADLINE_MS).catch(() => undefined);
  }

  /** Who is there, or what they can do, may have changed. */
  onPeers(): void {
    const duties = this.#sharing?.duties ?? dutiesAlone(this.reach);
    const isNew = !isSame(duties, this.duties);
    this.duties = duties;
    this.#sharing?.onPeers();
    this.#beats.onChange();
    if (isNew) this.owner.onDuties(duties);
  }
}
