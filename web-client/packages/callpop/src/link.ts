// Frames in and out, and whether anybody still answers: over a socket of our own, or through the tab
// that leads (sharing.ts). A link never connects again; that is the connection's business.

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

/** Of several implementations, whose events have more or less to them than these fields. */
type Handler<Event> = { bivariant(event: Event): void }["bivariant"] | null;

/** The part of the browser's WebSocket that is used; the `ws` package has it too. */
export interface SocketLike {
  readonly readyState: number;
  onmessage: Handler<{ readonly data: unknown }>;
  onclose: Handler<{ readonly code: number; readonly reason: string }>;
  /** Where it is missing, as in a test's stand-in, it is set all the same. */
  onerror?: Handler<unknown>;
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

/** What carries the frames of a link. */
export interface Carrier {
  /** Another tab does. */
  readonly isShared: boolean;
  /** Sends a frame, or says that it cannot. */
  send(frame: ClientFrame): boolean;
  hangUp(): void;
}

export class Link {
  /** `performance.now()` when something came last. */
  heardAt: number | null = null;
  readonly #carrier: Carrier;
  readonly #owner: LinkOwner;
  readonly #answerMs: number;
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #deadlineAt = Number.POSITIVE_INFINITY;
  #heartbeatMs = 0;
  /** When the doubt came that is not dispelled, as a tick tells it; 0: none. */
  #doubtedAt = 0;

  /** Lost when nothing comes within `answerMs`, now or after a tick. */
  constructor(carrier: Carrier, owner: LinkOwner, answerMs: number) {
    this.#carrier = carrier;
    this.#owner = owner;
    this.#answerMs = answerMs;
    this.#expectFrameWithin(answerMs);
  }

  get isShared(): boolean {
    return this.#carrier.isShared;
  }

  send(frame: ClientFrame): boolean {
    return this.#carrier.send(frame);
  }

  /** Begins to ask for the server's time: a few times at once, then at every heartbeat. */
  startTicking(heartbeatMs: number): void {
    this.#heartbeatMs = Math.max(heartbeatMs, LEAST_HEARTBEAT_MS);
    this.#stopTicking();
    for (const wait of FIRST_TICKS_MS) this.#after(wait, () => this.probe());
    this.#tickAtHeartbeat();
  }

  /** Sends a tick; when no frame at all follows it in time, the link is lost. */
  probe(withinMs: number = this.#heartbeatMs): boolean {
    const isSent = this.send({ type: "tick", t0: micros() });
    if (isSent) this.#expectFrameWithin(Math.min(withinMs, this.#answerMs));
    return isSent;
  }

  /**
   * Sends a tick where there is a reason to doubt that anybody is still there. Only its own answer
   * will do: other frames may have been on their way before.
   */
  doubt(): void {
    const now = micros();
    if (this.probe(DOUBT_DEADLINE_MS) && !this.isShared) this.#doubtedAt = now;
  }

  /** Lets go without another word to the owner. */
  drop(): void {
    this.#clearDeadline();
    this.#stopTicking();
    this.#carrier.hangUp();
  }

  /** Something came, which shows that the other side lives; null when it was no frame. */
  take(frame: ServerFrame | null): void {
    this.heardAt = performance.now();
    if (frame?.type === "tock" && frame.t0 >= this.#doubtedAt) this.#doubtedAt = 0;
    if (this.#doubtedAt === 0) this.#clearDeadline();
    if (frame !== null) this.#owner.onFrame(frame, this);
  }

  end(code: number, detail: string): void {
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

  #stopTicking(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

function micros(): number {
  return Math.round(performance.now() * 1000);
}

/** A link over one WebSocket, from its handshake to its end. */
export function openSocket(
  implementation: SocketConstructor,
  url: string,
  token: string,
  owner: LinkOwner,
): Link {
  const socket = new implementation(url, [SUBPROTOCOL, `bearer.${token}`]);
  const carrier: Carrier = {
    isShared: false,
    send: (frame) => {
      if (socket.readyState !== SOCKET_OPEN) return false;
      socket.send(JSON.stringify(frame));
      return true;
    },
    hangUp: () => {
      socket.onmessage = null;
      socket.onclose = null;
      // Not `onerror`: `ws` tells an error when it is closed while it connects.
      socket.close(1000);
    },
  };
  const link = new Link(carrier, owner, GATEWAY_DEADLINE_MS);
  socket.onmessage = ({ data }): void => link.take(readFrame(data));
  socket.onclose = ({ code, reason }): void => link.end(code, reason);
  // A close follows, which says it all; but in Node, an error that nobody hears ends the process.
  socket.onerror = (): void => undefined;
  return link;
}
