// The client: keeps one connection to the gateway and what came over it.

import { backoffMs, hintedBackoffMs } from "./backoff.ts";
import { ServerClock } from "./clock.ts";
import { type RefusalReason, refusalOf, TOKEN_REFUSED } from "./close-codes.ts";
import { Contacts } from "./contacts.ts";
import { Emitter, type Unsubscribe } from "./events.ts";
import { Link, type LinkOwner, type SocketConstructor } from "./link.ts";
import { onPageIsBack } from "./page.ts";
import type { ConnectionState } from "./state.ts";
import { type CallChange, CallStore } from "./store.ts";
import { type TokenProvider, Tokens, TokenUnavailable } from "./tokens.ts";
import { streamUrl } from "./url.ts";
import type { Call, Integration, ServerFrame } from "./wire.ts";

const STABLE_AFTER_MS = 60_000;

/** How to reach a gateway. */
export interface ClientOptions {
  /** Where the gateway is, as `https://…` or `wss://…`. Default: the origin of the page. */
  url?: string;
  /** Gives the token; called for every connection, and again before a token expires. */
  token: TokenProvider;
  /** `user`: the token's extensions; `tenant`: all of them, for supervisors. Default: `user`. */
  scope?: "user" | "tenant";
  /**
   * Whether `contactName` asks the gateway; the page's policy has to allow `connect-src` to its
   * `https:` address then. Default: false.
   */
  contacts?: boolean;
  /** Default: the WebSocket of the browser. */
  webSocket?: SocketConstructor;
}

/** What the client tells: subscribe with `on`. */
export interface ClientEvents {
  /** The connection's state changed. */
  state: ConnectionState;
  /** Calls came, changed or went; the whole list, newest first. */
  calls: readonly Call[];
  /** One call came or changed. */
  call: CallChange;
  /** One of the user's integrations changed its status. */
  integration: Integration;
  /** The gateway did not take a frame of this client; the connection stays. */
  error: { readonly code: string; readonly detail: string };
}

type Opening = Extract<ServerFrame, { type: "snapshot" | "resumed" }>;

/** A JWT: nothing else fits into the header that carries it. */
const TOKEN_SHAPE = /^[\w.~+/=-]+$/;

export class CallpopClient {
  readonly #options: ClientOptions;
  readonly #emitter = new Emitter<ClientEvents>();
  readonly #clock = new ServerClock();
  readonly #store = new CallStore();
  readonly #tokens: Tokens;
  readonly #contacts: Contacts;
  /** Popups that their user closed and the gateway has not confirmed. */
  readonly #dismissed = new Set<string>();
  #state: ConnectionState = { phase: "idle" };
  #link: Link | null = null;
  /** Tells a token that comes back late that its attempt is over. */
  #round = 0;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** `performance.now()` of the next attempt. */
  #retryAt = 0;
  #stable: ReturnType<typeof setTimeout> | undefined;
  /** `performance.now()` before which the gateway asked not to come back. */
  #notBefore = 0;
  #tokenExpiresAt = 0;
  /** The token that was refused last, until a session opens: it is mended once, by another token. */
  #refused: { readonly token: string | null; readonly detail: string } | null = null;
  #forgetPage: Unsubscribe | null = null;

  /** Throws a TypeError when `url` is none. */
  constructor(options: ClientOptions) {
    streamUrl(options.url);
    this.#options = options;
    this.#tokens = new Tokens(options.token);
    this.#contacts = new Contacts(options.url);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The calls as last heard of, newest first. */
  get calls(): readonly Call[] {
    return this.#store.list;
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
    const { phase } = this.#state;
    if (phase !== "idle" && phase !== "closed" && phase !== "refused") return;
    this.#attempt = 0;
    this.#notBefore = 0;
    this.#refused = null;
    this.#forgetPage ??= onPageIsBack(() => this.#onPageIsBack());
    void this.#open();
    this.#become({ phase: "connecting", attempt: 0 });
  }

  /** Ends the connection for good; `connect()` begins anew. */
  close(): void {
    this.#halt();
    this.#become({ phase: "closed" });
  }

  /** Says that the user closed the popup of that leg; all of this user's pages learn it. */
  dismiss(legId: string): void {
    this.#dismissed.add(legId);
    this.#link?.send({ type: "dismiss", leg_id: legId });
  }

  /** The name of a number in the gateway's contacts, or null; null at once unless `contacts` is set. */
  async contactName(number: string): Promise<string | null> {
    const token = this.#tokens.current;
    if (!this.#options.contacts || token === null) return null;
    return this.#contacts.nameOf(number, token);
  }

  readonly #linkOwner: LinkOwner = {
    onFrame: (frame) => this.#onFrame(frame),
    onLost: (code, detail) => this.#onLost(code, detail),
  };

  #onFrame(frame: ServerFrame): void {
    switch (frame.type) {
      case "snapshot":
      case "resumed":
        return this.#onOpening(frame);
      case "call":
        return this.#onCall(frame.seq, frame.call);
      case "integration":
        return this.#onIntegration(frame);
      case "tock":
        return this.#onTock(frame.t0, frame.t1, frame.t2);
      case "token_expiring":
        return void this.#tokens.refresh(this.#renew);
      case "token_accepted":
        return this.#keepTokenFresh(frame.token_expires_at);
      case "reconnect":
        return this.#onReconnectFrame(frame.after_ms);
      case "error":
        return this.#onError(frame.code, frame.detail);
    }
  }

  #onLost(code: number, detail: string): void {
    this.#letGo();
    const refusal = refusalOf(code);
    if (refusal === null) return this.#retryLater(backoffMs(this.#attempt));
    if (code !== TOKEN_REFUSED || this.#refused !== null) return this.#refuse(refusal, detail);
    this.#refused = { token: this.#tokens.current, detail };
    this.#retryLater(backoffMs(0));
  }

  async #open(): Promise<void> {
    const round = ++this.#round;
    let token: string;
    try {
      token = await this.#tokens.fetch();
    } catch (error) {
      if (round !== this.#round) return;
      if (error instanceof TokenUnavailable) return this.#refuse("token", error.message);
      return this.#retryLater(backoffMs(this.#attempt));
    }
    if (round !== this.#round) return;
    if (token === this.#refused?.token) return this.#refuse("token", this.#refused.detail);
    if (!TOKEN_SHAPE.test(token)) return this.#refuse("token", "the provider gave no JWT");
    this.#tokens.current = token;
    this.#link = this.#newLink(token);
  }

  #newLink(token: string): Link | null {
    const url = streamUrl(this.#options.url, this.#options.scope, this.#store.resume);
    try {
      return new Link(this.#options.webSocket ?? WebSocket, url, token, this.#linkOwner);
    } catch (error) {
      // The browser does not allow this page to open it: an insecure gateway from a secure page.
      this.#refuse("forbidden", String(error));
      return null;
    }
  }

  #onOpening(frame: Opening): void {
    this.#clock.restart(frame.server_time);
    this.#refused = null;
    this.#notBefore = 0;
    this.#link?.startTicking(frame.heartbeat_ms);
    this.#keepTokenFresh(frame.token_expires_at);
    clearTimeout(this.#stable);
    this.#stable = setTimeout(() => {
      this.#attempt = 0;
    }, STABLE_AFTER_MS);
    const changes = this.#store.open(frame);
    this.#become({ phase: "connected", sessionId: frame.session_id });
    this.#emitter.emit("calls", this.calls);
    this.#tell(changes);
    for (const legId of this.#dismissed) this.#link?.send({ type: "dismiss", leg_id: legId });
  }

  #onCall(seq: number, call: Call): void {
    const changes = this.#store.add(seq, call);
    if (changes.length > 0) this.#emitter.emit("calls", this.calls);
    this.#tell(changes);
  }

  #onIntegration({ type: _, ...integration }: { type: string } & Integration): void {
    this.#contacts.forgetVain();
    this.#emitter.emit("integration", integration);
  }

  #onTock(t0: number, t1: number, t2: number): void {
    const learned = this.#clock.learn({
      sentMs: t0 / 1000,
      receivedByServerUs: t1,
      sentByServerUs: t2,
      receivedMs: performance.now(),
    });
    if (!learned) this.#link?.probe();
  }

  #tell(changes: readonly CallChange[]): void {
    for (const change of changes) this.#emitter.emit("call", change);
    for (const legId of this.#dismissed) {
      if (this.#store.get(legId)?.dismissed_at !== null) this.#dismissed.delete(legId);
    }
  }

  #onError(code: string, detail: string): void {
    // The old token still counts, so there may be time for a better one.
    if (code === "token_refused") this.#keepTokenFresh(this.#tokenExpiresAt);
    this.#emitter.emit("error", { code, detail });
  }

  #keepTokenFresh(expiresAtSeconds: number): void {
    this.#tokenExpiresAt = expiresAtSeconds;
    this.#tokens.keepFresh(expiresAtSeconds * 1000 - this.now(), this.#renew);
  }

  readonly #renew = (token: string): void => {
    this.#link?.send({ type: "token", token });
  };

  #onReconnectFrame(afterMs: number): void {
    this.#notBefore = performance.now() + afterMs;
    // The gateway closes when it is ready; until then its frames are still good.
    this.#scheduleRetry(afterMs);
  }

  // Listeners come last, here and elsewhere: one that calls close() must have the last word.
  #retryLater(waitMs: number): void {
    const phase = this.#state.phase === "connecting" ? "connecting" : "reconnecting";
    const server = this.#notBefore - performance.now();
    this.#attempt += 1;
    this.#scheduleRetry(server > 0 ? server : waitMs);
    this.#become({ phase, attempt: this.#attempt });
  }

  #scheduleRetry(waitMs: number): void {
    clearTimeout(this.#retry);
    this.#retryAt = performance.now() + waitMs;
    this.#retry = setTimeout(() => {
      this.#letGo();
      void this.#open();
      if (this.#state.phase === "connected") {
        this.#become({ phase: "reconnecting", attempt: this.#attempt });
      }
    }, waitMs);
  }

  #onPageIsBack(): void {
    if (this.#state.phase === "connected") return this.#link?.probe();
    const waiting = this.#retry !== undefined && this.#link === null;
    if (!waiting || this.#notBefore > performance.now()) return;
    this.#scheduleRetry(Math.min(hintedBackoffMs(), this.#retryAt - performance.now()));
  }

  #refuse(reason: RefusalReason, detail: string): void {
    this.#halt();
    this.#become({ phase: "refused", reason, detail });
  }

  #halt(): void {
    this.#letGo();
    this.#forgetPage?.();
    this.#forgetPage = null;
    this.#contacts.stop();
  }

  #letGo(): void {
    this.#round += 1;
    clearTimeout(this.#retry);
    clearTimeout(this.#stable);
    this.#retry = undefined;
    this.#tokens.stop();
    this.#link?.drop();
    this.#link = null;
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    this.#emitter.emit("state", state);
  }
}
