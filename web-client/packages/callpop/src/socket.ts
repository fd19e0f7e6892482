// A WebSocket to the gateway: frames in and out, from its handshake to its end. Whether anybody still
// answers on it is the machine's business (liveness.ts).

import { readFrame } from "./frames.ts";
import { look } from "./page.ts";
import type { LinkHappenings, PageHappenings } from "./turn.ts";
import type { Union } from "./union.ts";

const SUBPROTOCOL = "callpop.v1";
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

/** Opens a socket; throws where the browser does not allow this page to. */
export function openSocket(
  implementation: SocketConstructor,
  url: string,
  token: string,
  link: number,
  tell: (...event: Union<LinkHappenings & PageHappenings>) => void,
): SocketLike {
  const socket = new implementation(url, [SUBPROTOCOL, `bearer.${token}`]);
  socket.onmessage = ({ data }): void => {
    // Whoever hears of a call knows first whether the page is seen.
    look(tell);
    tell("frame", link, readFrame(data));
  };
  socket.onclose = ({ code, reason }): void => tell("lost", link, code, reason);
  // A close follows, which says it all; but in Node, an error that nobody hears ends the process.
  socket.onerror = (): void => undefined;
  return socket;
}

export function isOpen(socket: SocketLike | undefined): socket is SocketLike {
  return socket?.readyState === SOCKET_OPEN;
}

/** Ends it without another word to its owner. */
export function closeSocket(socket: SocketLike | undefined): void {
  if (socket === undefined) return;
  socket.onmessage = null;
  socket.onclose = null;
  // Not `onerror`: `ws` tells an error when it is closed while it connects.
  socket.close(1000);
}
