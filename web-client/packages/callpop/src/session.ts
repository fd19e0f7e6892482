// What the frames say of the session itself; the rest is the client's business.

import type { Opening } from "./frames.ts";
import { heard, startTicking } from "./liveness.ts";
import { onPeers, tellGateway } from "./presence.ts";
import { become, retryIn } from "./transitions.ts";
import { act, isShared, type Link, type Turn, wait } from "./turn.ts";
import type { ServerFrame } from "./wire.ts";

const STABLE_AFTER_MS = 60_000;

/** Something came on the present link. */
export function hear(turn: Turn, frame: ServerFrame | null): void {
  if (turn.link === null) return;
  const link = heard(turn.link, frame, turn.now);
  turn.link = link;
  if (frame !== null) onFrame(turn, link, frame);
}

function onFrame(turn: Turn, link: Link, frame: ServerFrame): void {
  switch (frame.type) {
    case "snapshot":
    case "resumed":
      return onOpening(turn, link, frame);
    case "tock":
      return act(turn, "learn", frame);
    case "token_expiring":
      return act(turn, "refresh");
    case "token_accepted":
      act(turn, "accept");
      return act(turn, "keepFresh", frame.token_expires_at);
    case "reconnect":
      return onReconnect(turn, frame);
    case "error":
      // The old token still counts, so there may be time for a better one.
      if (frame.code === "token_refused") act(turn, "keepFresh");
      break;
    case "durable":
      // The client knows which act that is about, and tells the other tabs.
      break;
    default:
      // Whoever hears of a call knows first what it has to do.
      onPeers(turn);
      turn.rules?.passOn(turn, frame);
  }
  act(turn, "frame", frame);
}

function onOpening(turn: Turn, link: Link, frame: Opening): void {
  turn.opening = frame;
  turn.refused = turn.spare = null;
  turn.notBefore = 0;
  turn.isFresh = false;
  startTicking(turn, link, frame.heartbeat_ms);
  // The calls are there before anybody hears that it is connected, in this tab or in another.
  act(turn, "store", frame);
  if (!isShared(turn)) act(turn, "keepFresh", frame.token_expires_at);
  wait(turn, "lasting", STABLE_AFTER_MS);
  become(turn, { phase: "connected", sessionId: frame.session_id });
  tellGateway(turn);
  act(turn, "opening", frame);
}

function onReconnect(turn: Turn, frame: Extract<ServerFrame, { type: "reconnect" }>): void {
  turn.notBefore = turn.now + frame.after_ms;
  if (isShared(turn)) return;
  turn.rules?.passOn(turn, frame);
  // The gateway closes when it is ready; until then its frames are still good.
  retryIn(turn, frame.after_ms);
}
