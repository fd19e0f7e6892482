// One WebSocket, from its handshake to its end: frames in and out, and whether the
// gateway still answers. It never connects again; that is the client's business.

import { readFrame } from "./frames.ts";
import type { ClientFrame, ServerFrame } from "./wire.ts";

const SUBPROTOCOL = "callpop.v1";
const OPENING_DEADLINE_MS = 10_000;
const ANSWER_DEADLINE_MS = 10_000;
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
  onFrame(frame: ServerFrame): void;
  /** The link is over; `code` is 1006 when the gateway did not say why. */
  onLost(code: number, detail: string): void;
}

export class Link {
  readonly #socket: SocketLike;
  readonly #owner: LinkOwner;
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #heartbeatMs = 0;

  constructor(socket: SocketConstructor, url: string, token: string, owner: LinkOwner) {
    this.#owner = owner;
    this.#socket = new socket(url, [SUBPROTOCOL, `bearer.${token}`]);
    this.#socket.onmessage = (event): void => this.#onMessage(event.data);
    this.#socket.onclose = (event): void => this.#end(event.code, event.reason);
    this.#expectFrameWithin(OPENING_DEADLINE_MS);
  }

  /** Sends a frame, or says that the link cannot. */
  send(frame: ClientFrame): boolean {
    if (this.#socket.readyState !== SOCKET_OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Begins to ask for the server's time: a few times at once, then at every heartbeat. */
  startTicking(heartbeatMs: number): void {
    this.#heartbeatMs = Math.max(heartbeatMs, LEAST_HEARTBEAT_MS);
    this.#stopTicking();
    for (const wait of FIRST_TICKS_MS) this.#after(wait, () => this.probe());
    this.#tickAtHeartbeat();
  }

  /** Sends a tick; when no frame at all follows it in time, the link is lost. */
  probe(): void {
    if (!this.send({ type: "tick", t0: Math.round(performance.now() * 1000) })) return;
    if (this.#deadline === undefined) {
      this.#expectFrameWithin(Math.min(this.#heartbeatMs, ANSWER_DEADLINE_MS));
    }
  }

  /** Lets go of the socket without another word to the owner. */
  drop(): void {
    this.#stop();
    this.#socket.close(1000);
  }

  #onMessage(data: unknown): void {
    this.#clearDeadline();
    const frame = readFrame(data);
    if (frame !== null) this.#owner.onFrame(frame);
  }

  #tickAtHeartbeat(): void {
    this.#after(this.#heartbeatMs, () => {
      this.probe();
      this.#tickAtHeartbeat();
    });
  }

  #expectFrameWithin(ms: number): void {
    // A dead network never completes the closing handshake, so nobody waits for it.
    this.#deadline = setTimeout(() => this.#end(1006, "no answer from the gateway"), ms);
  }

  #clearDeadline(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  #after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }

  #end(code: number, detail: string): void {
    this.#stop();
    this.#owner.onLost(code, detail);
  }

  #stop(): void {
    this.#clearDeadline();
    this.#stopTicking();
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
  }

  #stopTicking(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
