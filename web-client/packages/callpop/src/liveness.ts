// Whether anybody still answers on a link: ticks, and how long it may be silent. A link never
// connects again; that is the machine's business.

import type { Opening } from "./frames.ts";
import { act, type Link, type Turn, wait } from "./turn.ts";
import type { ServerFrame } from "./wire.ts";

/** How long the gateway may take where there is a reason to doubt. */
const DOUBT_DEADLINE_MS = 3_000;
/** Ticks soon after the opening, so that timers are right from their first seconds. */
const FIRST_TICKS_MS = [0, 80, 200, 400, 800];
const LEAST_HEARTBEAT_MS = 1_000;
const NEVER = Number.POSITIVE_INFINITY;

/** Lost when nothing comes within `answerMs`, now or after a tick. */
export function newLink(turn: Turn, kind: Link["kind"], answerMs: number): Link {
  turn.links += 1;
  const link: Link = {
    kind,
    id: turn.links,
    answerMs,
    heartbeatMs: 0,
    heardAt: null,
    deadlineAt: NEVER,
    doubtedAt: 0,
  };
  return expecting(turn, link, answerMs);
}

/** Begins to ask for the server's time: a few times at once, then at every heartbeat. */
export function startTicking(turn: Turn, link: Link, everyMs: Opening["heartbeat_ms"]): void {
  const heartbeatMs = Math.max(everyMs, LEAST_HEARTBEAT_MS);
  turn.link = { ...link, heartbeatMs };
  for (const ms of FIRST_TICKS_MS) wait(turn, `tick${ms}`, ms, link.id);
  wait(turn, "heartbeat", heartbeatMs, link.id);
}

/** Sends a tick; when no frame at all follows it in time, the link is lost. False: it takes none. */
export function probe(turn: Turn, withinMs: number = Number.NaN): boolean {
  const { link } = turn;
  if (link === null || !(link.kind === "tab" || turn.canSend)) return false;
  act(turn, "send", { type: "tick", t0: micros(turn.now) });
  turn.link = expecting(turn, link, Math.min(withinMs || link.heartbeatMs, link.answerMs));
  return true;
}

/**
 * Sends a tick where there is a reason to doubt that anybody is still there. Only its own answer
 * will do: other frames may have been on their way before.
 */
export function doubt(turn: Turn): void {
  if (!probe(turn, DOUBT_DEADLINE_MS) || turn.link?.kind !== "socket") return;
  turn.link = { ...turn.link, doubtedAt: micros(turn.now) };
}

/** Something came, which shows that the other side lives; null when it was no frame. */
export function heard(link: Link, frame: ServerFrame | null, now: number): Link {
  const isAnswer = frame?.type === "tock" && frame.t0 >= link.doubtedAt;
  if (link.doubtedAt !== 0 && !isAnswer) return { ...link, heardAt: now };
  return { ...link, heardAt: now, doubtedAt: 0, deadlineAt: NEVER };
}

/** Whether its deadline, which is due, still counts. */
export function isOverdue(link: Link): boolean {
  return link.deadlineAt !== NEVER;
}

function expecting(turn: Turn, link: Link, ms: number): Link {
  const deadlineAt = turn.now + ms;
  if (deadlineAt >= link.deadlineAt) return link;
  wait(turn, "overdue", ms, link.id);
  return { ...link, deadlineAt };
}

function micros(ms: number): number {
  return Math.round(ms * 1000);
}
