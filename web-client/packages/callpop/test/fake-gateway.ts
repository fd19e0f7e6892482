// A gateway as far as the client can tell: sockets that a test answers by hand.

import type { ClientFrame, ServerFrame, SocketLike } from "callpop";
import { vi } from "vitest";
import type { State } from "../src/wire.ts";

export class FakeSocket implements SocketLike {
  static opened: FakeSocket[] = [];
  readyState = 1;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly sent: ClientFrame[] = [];
  readonly closedWith: (number | undefined)[] = [];
  readonly url: string;
  readonly protocols: string[];

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.opened.push(this);
  }

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }

  close(code?: number): void {
    this.readyState = 3;
    this.closedWith.push(code);
  }

  /** The gateway sends this. */
  receive(frame: ServerFrame | object | string): void {
    const data = typeof frame === "string" ? frame : JSON.stringify(frame);
    this.onmessage?.(new MessageEvent("message", { data }));
  }

  /** The gateway, or the network with 1006, ends it. */
  end(code: number, reason = ""): void {
    this.readyState = 3;
    this.onclose?.(
      Object.assign(new Event("close"), { code, reason, wasClean: true }) as CloseEvent,
    );
  }
}

/** The frame that opens a session on a gateway whose clock agrees with ours. */
export function opening(
  type: "snapshot" | "resumed" = "snapshot",
  over: Partial<State> = {},
): ServerFrame {
  return {
    type,
    epoch: "e1",
    seq: 10,
    server_time: Date.now() * 1000,
    session_id: "s1",
    stream: "mine",
    heartbeat_ms: 15_000,
    token_expires_at: Math.floor(Date.now() / 1000) + 3600,
    calls: [],
    notices: [],
    extensions: ["200"],
    dispositions: [],
    ...over,
  };
}

/** The socket that was opened last, once the client got as far as opening one. */
export async function nextSocket(): Promise<FakeSocket> {
  const before = FakeSocket.opened.length;
  await vi.advanceTimersByTimeAsync(0);
  const socket = FakeSocket.opened.at(-1);
  if (socket === undefined) throw new Error(`no socket was opened (there were ${before})`);
  return socket;
}

export function sentTypes(socket: FakeSocket): string[] {
  return socket.sent.map((frame) => frame.type);
}
