// Frames in and out, and whether anybody still answers: over a socket of our own, or through the tab
// that leads (tab-link.ts). A link never connects again; that is the connection's business.

import { readFrame } from "./frames.ts";
import type { ClientFrame, ServerFrame } from "./wire.ts";

const SUBPROTOCOL = "callpop.v1";
const GATEWAY_DEADLINE_MS = 10_000;
/** How long the gateway may take where there is a reason to doubt. */
const DOUBT_DEADLINE_MS = 3_000;
/** Ticks soon after the opening, so that timers are right from their first seconds. */
const FIRST_TICKS_MS = [0, 80, 200, 400, 800];

const LEAST_HEARTBEAT_MS = 1_000;

const SOCKET_OPEN = 1;

/** The part of the browser's WebSocket that is used. */
export interface SocketLike {
  readonly readyState: number;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

/** Makes a socket: the browser's `WebSocket`, or another implementation of it. */
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** What a link tells its owner. */
export interface LinkOwner {
  onFrame(frame: ServerFrame, link: Link): void;
  onHeartbeat(): void;
  /** The link is over; `code` is 1006 when nobody said why. */
  onLost(link: Link, code: number, detail: string): void;
}

export abstract class Link {
  /** Another tab carries the frames. */
  abstract readonly isShared: boolean;
  /** `performance.now()` when something came last. */
  heardAt: number | null = null;
  readonly #owner: LinkOwner;
  readonly #answerMs: number;
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #deadlineAt = Number.POSITIVE_INFINITY;
  #heartbeatMs = 0;

  constructor(owner: LinkOwner, answerMs: number) {
    this.#owner = owner;
    this.#answerMs = answerMs;
    this.#expectFrameWithin(answerMs);
  }

  /** Sends a frame, or says that the link cannot. */
  abstract send(frame: ClientFrame): boolean;

  protected abstract hangUp(): void;

  /** Begins to ask for the server's time: a few times at once, then at every heartbeat. */
  startTicking(heartbeatMs: number): void {
    this.#heartbeatMs = Math.max(heartbeatMs, LEAST_HEARTBEAT_MS);
    this.#stopTicking();
    for (const wait of FIRST_TICKS_MS) this.#after(wait, () => this.probe());
    this.#tickAtHeartbeat();
  }

  /** Sends a tick; when no frame at all follows it in time, the link is lost. */
  probe(withinMs: number = this.#heartbeatMs): void {
    if (!this.send({ type: "tick", t0: Math.round(performance.now() * 1000) })) return;
    this.#expectFrameWithin(Math.min(withinMs, this.#answerMs));
  }

  /** Sends a tick where there is a reason to doubt that anybody is still there. */
  doubt(): void {
    this.probe(DOUBT_DEADLINE_MS);
  }

  /** Lets go without another word to the owner. */
  drop(): void {
    this.#stop();
    this.hangUp();
  }

  /** Something came, which shows that the other side lives; null when it was no frame. */
  take(frame: ServerFrame | null): void {
    this.heardAt = performance.now();
    this.#clearDeadline();
    if (frame !== null) this.#owner.onFrame(frame, this);
  }

  protected end(code: number, detail: string): void {
    this.drop();
    this.#owner.onLost(this, code, detail);
  }

  #tickAtHeartbeat(): void {
    this.#after(this.#heartbeatMs, () => {
      this.probe();
      this.#owner.onHeartbeat();
      this.#tickAtHeartbeat();
    });
  }

  #expectFrameWithin(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.#deadlineAt) return;
    this.#clearDeadline();
    this.#deadlineAt = at;
    // A dead network never completes the closing handshake, so nobody waits for it.
    this.#deadline = setTimeout(() => this.end(1006, "no answer"), ms);
  }

  #clearDeadline(): void {
    clearTimeout(this.#deadline);
    this.#deadlineAt = Number.POSITIVE_INFINITY;
  }

  #after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }

  #stop(): void {
    this.#clearDeadline();
    this.#stopTicking();
  }

  #stopTicking(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

/** One WebSocket, from its handshake to its end. */
export class SocketLink extends Link {
  override readonly isShared = false;
  readonly #socket: SocketLike;

  constructor(socket: SocketConstructor, url: string, token: string, owner: LinkOwner) {
    const opened = new socket(url, [SUBPROTOCOL, `bearer.${token}`]);
    super(owner, GATEWAY_DEADLINE_MS);
    this.#socket = opened;
    opened.onmessage = (event): void => this.take(readFrame(event.data));
    opened.onclose = (event): void => this.end(event.code, event.reason);
  }

  override send(frame: ClientFrame): boolean {
    if (this.#socket.readyState !== SOCKET_OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  protected override hangUp(): void {
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close(1000);
  }
}
