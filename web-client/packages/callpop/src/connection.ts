// The connection as one state machine: what carries the frames now, when to try again, and when to
// stop. What the frames say is the client's business; sharing.ts adds the other tabs.

import { Beats } from "./beats.ts";
import { backoffMs } from "./backoff.ts";
import type { ClientOptions } from "./client.ts";
import type { ServerClock } from "./clock.ts";
import type { ConnectionOwner } from "./connection-owner.ts";
import { type RefusalReason, refusalOf, TOKEN_REFUSED } from "./close-codes.ts";
import type { Unsubscribe } from "./events.ts";
import type { Opening } from "./frames.ts";
import { type Carrier, Link, type LinkOwner, openSocket } from "./link.ts";
import { loadSharing } from "./load-sharing.ts";
import { look, type PageOwner, watchPage } from "./page.ts";
import { alertOf, type Duties, dutiesAlone, isSame, NO_REACH, type Reach } from "./reach.ts";
import { Retry } from "./retry.ts";
import type { Sharing } from "./sharing.ts";
import type { ConnectionState } from "./state.ts";
import type { CallStore } from "./store.ts";
import { Tokens, TokenUnavailable } from "./tokens.ts";
import { streamUrl } from "./url.ts";
import type { ClientFrame, ServerFrame } from "./wire.ts";

const STABLE_AFTER_MS = 60_000;

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
  readonly retry: Retry = new Retry(() => {
    this.letGo();
    void this.open();
    if (this.state.phase === "connected") this.becomeWaiting(this.attempt);
  });
  readonly #options: ClientOptions;
  readonly #tokens: Tokens;
  #sharing: Sharing | null = null;
  /** Tells a token that comes back late that its attempt is over. */
  #round = 0;
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
    this.#tokens = new Tokens(options.token, (detail) => this.refuse("token", detail));
  }

  get isShared(): boolean {
    return this.link?.isShared ?? false;
  }

  /** A token for requests, null before there was any; a promise where a fresh one is fetched. */
  get token(): string | null | Promise<string | null> {
    const { current } = this.#tokens;
    if (current === null || !this.#sharing?.isStale(current)) return current;
    const round = this.#round;
    return this.#tokens.fetch().then(
      (token) => (round === this.#round && this.#take(token) ? token : null),
      () => null,
    );
  }

  start(): void {
    const { phase } = this.state;
    if (phase !== "idle" && phase !== "closed" && phase !== "refused") return;
    this.attempt = 0;
    this.notBefore = 0;
    this.#tokens.renounce();
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
    this.#forgetCalls();
    this.become({ phase: "closed" });
    this.owner.onCleared();
  }

  /** Asks for a token now: the user may be another one, or nobody. */
  renew(): void {
    if (this.state.phase === "refused") return this.start();
    this.#tokens.renounce();
    if (this.link !== null) void this.#tokens.refresh(this.#renew);
    // One that waits asks for a token anyhow.
    else if ("attempt" in this.state && !this.retry.isDue) void this.open();
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
      this.onPeers();
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
        if (!this.clock.learn(frame)) this.link?.probe();
        return;
      case "token_expiring":
        return void this.#tokens.refresh(this.#renew);
      case "token_accepted":
        this.#tokens.accept();
        return this.#keepTokenFresh(frame.token_expires_at);
      case "reconnect":
        return this.#onReconnectFrame(frame);
      case "error":
        // The old token still counts, so there may be time for a better one.
        if (frame.code === "token_refused") this.#tokens.keepFresh(this.#renew);
        if (frame.leg_id !== undefined) this.#sharing?.passOn(frame);
        break;
      default:
        // Whoever hears of a call knows first what it has to do.
        look(this.#pageOwner);
        this.onPeers();
        this.#sharing?.passOn(frame);
    }
    this.owner.onFrame(frame);
  }

  #onOpening(frame: Opening, link: Link): void {
    this.clock.restart(frame.server_time);
    this.opening = frame;
    this.#tokens.onOpening();
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

  #onReconnectFrame(frame: Extract<ServerFrame, { type: "reconnect" }>): void {
    this.notBefore = performance.now() + frame.after_ms;
    if (this.isShared) return;
    this.#sharing?.passOn(frame);
    // The gateway closes when it is ready; until then its frames are still good.
    this.retry.in(frame.after_ms);
  }

  #keepTokenFresh(expiresAtSeconds: number): void {
    this.#tokens.keepFresh(this.#renew, expiresAtSeconds * 1000 - this.clock.now());
  }

  readonly #renew = (token: string): void => {
    // To other tabs no token goes.
    if (this.isShared) this.#take(token);
    else if (!this.#isChange(token)) this.send({ type: "token", token });
  };

  /** Makes it the present token; false when it is another user's, who begins anew. */
  #take(token: string): boolean {
    if (this.#isChange(token)) return false;
    this.#tokens.current = token;
    return true;
  }

  /** Where the token is another user's, nothing of the former one is shown, sent or kept. */
  #isChange(token: string): boolean {
    if (!this.#tokens.isOfAnother(token)) return false;
    this.letGo();
    this.#sharing?.leave();
    this.#tokens.renounce();
    this.#tokens.current = null;
    this.#tokens.spare = token;
    this.attempt = 0;
    this.#forgetCalls();
    void this.open();
    this.owner.onOtherUser();
    this.becomeWaiting(0);
    this.owner.onCleared();
    return true;
  }

  #forgetCalls(): void {
    this.opening = null;
    this.store.clear();
  }

  /** Begins an attempt; beside a link that still carries frames, one to take over from it. */
  async open(): Promise<void> {
    const round = ++this.#round;
    let token: string;
    try {
      const sharing = this.#sharing ?? loadSharing(this, this.#options);
      const loaded = await Promise.all([this.#tokens.spare ?? this.#tokens.fetch(), sharing]);
      token = loaded[0];
      this.#sharing ??= loaded[1];
    } catch (error) {
      if (round !== this.#round || this.link !== null) return;
      if (error instanceof TokenUnavailable) return this.refuse("token", error.message);
      return this.#retryLater(backoffMs(this.attempt));
    }
    if (round !== this.#round) return;
    this.#tokens.spare = null;
    const fault = this.#tokens.faultOf(token);
    if (fault !== null) return this.link === null ? this.refuse("token", fault) : undefined;
    if (!this.#take(token)) return;
    if (this.#sharing?.join(token)) this.#tokens.spare = token;
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
    if (code !== TOKEN_REFUSED || !this.#tokens.refuse(detail)) return this.refuse(refusal, detail);
    this.#retryLater(backoffMs(0));
  }

  // Listeners come last, here and elsewhere: one that calls close() must have the last word.
  #retryLater(waitMs: number): void {
    const server = this.notBefore - performance.now();
    this.attempt += 1;
    this.retry.in(server > 0 ? server : waitMs);
    this.becomeWaiting(this.attempt);
  }

  refuse(reason: RefusalReason, detail: string): void {
    this.letGo();
    this.#sharing?.rest();
    if (!this.#sharing?.isJoined) this.#forget();
    // Nobody is known to be there who may see them.
    if (reason === "token") this.#forgetCalls();
    this.become({ phase: "refused", reason, detail });
    this.owner.onCleared();
  }

  /** Ends the link, and all that is under way to another one. */
  letGo(): void {
    this.#round += 1;
    this.retry.stop();
    clearTimeout(this.lasting);
    this.#beats.stop();
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
    if (this.notBefore <= performance.now()) this.retry.hasten();
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
    this.retry.in(Math.max(0, this.notBefore - performance.now()));
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
