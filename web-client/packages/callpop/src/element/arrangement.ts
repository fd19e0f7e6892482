// Which calls are shown where: pure, from the calls and what the user has chosen.

import { isClosed } from "../closed.ts";
import { keyOf } from "../item-key.ts";
import type { Call, Notice } from "../wire.ts";
import type { Attention } from "./attention.ts";
import type { ShownCall } from "./shown-call.ts";

export interface Arrangement {
  /** Live calls, then those that have just ended or are written about; the first is the primary. */
  readonly cards: readonly ShownCall[];
  /** The call whose summary is on the stage. */
  readonly summary: ShownCall | null;
  /** Ended calls, the latest first. */
  readonly recent: readonly ShownCall[];
  /** How many of the recent ones were missed and not seen. */
  readonly missed: number;
}

/** What the user has chosen in this popup. */
export interface Choices {
  /** Calls whose card was closed here, by their keys; the gateway's word may still be on its way. */
  readonly closed: ReadonlySet<string>;
  /** The call whose summary was opened by hand. */
  readonly summaryOf: string | null;
  /** Ended calls that stay in sight: something is being written about them. */
  readonly kept: ReadonlySet<string>;
}

/** Arranges the calls for the eye. */
export function arrange(
  calls: readonly ShownCall[],
  choices: Choices,
  attention: Attention,
  nowMs: number,
): Arrangement {
  const isGone = (call: Call): boolean => isClosed(call) || choices.closed.has(keyOf(call));
  const summary = summaryOnStage(calls, choices, attention);
  const ended = calls.filter((call) => call.state === "ended").sort((a, b) => endOf(b) - endOf(a));
  const last = ended.find((call) => attention.lingersUntil(call) > nowMs && !isGone(call));
  const cards = calls
    .filter((call) => call.state !== "ended" && !isGone(call))
    .sort((a, b) => rank(a) - rank(b) || b.since - a.since);
  // A summary says whose call it was, so the call itself needs no card any more.
  cards.push(
    ...ended.filter((call) => isKept(call, choices) || (call === last && call !== summary)),
  );
  const recent = ended.filter((call) => !cards.includes(call));
  return {
    cards,
    summary,
    recent,
    missed: recent.filter((call) => isUnseen(call) && !isGone(call)).length,
  };
}

/** A missed call that its user has not acknowledged. */
export function isUnseen(call: ShownCall): boolean {
  return call.outcome === "missed" && call.answeredBy === undefined && !isClosed(call);
}

/** Also when it was dismissed elsewhere: what is typed here is not lost. */
function isKept(call: Call, { kept, closed }: Choices): boolean {
  const key = keyOf(call);
  return kept.has(key) && !closed.has(key);
}

/** After this, a live call without news is shown as unconfirmed. */
export function isUnconfirmed(call: Call, nowMs: number): boolean {
  return call.state !== "ended" && call.stale_at !== null && nowMs > call.stale_at / 1000;
}

/** A notice of the last minutes is news, which is told of. */
const FRESH_NOTICE_MS = 2 * 60_000;

/** Whether a notice is worth a card; `hidden` has those that were closed here, by their versions. */
export function isOpenNotice(
  notice: Notice,
  hidden: ReadonlyMap<string, number>,
  nowMs: number,
): boolean {
  const { state, dismissed_at, expires_at, version } = notice;
  if (state === "done" || dismissed_at !== null || version <= (hidden.get(keyOf(notice)) ?? -1)) {
    return false;
  }
  return expires_at === null || expires_at / 1000 > nowMs;
}

export function isNews({ at }: Notice, nowMs: number): boolean {
  return nowMs - at / 1000 < FRESH_NOTICE_MS;
}

/** What is talked on comes first, then what asks for an answer, then what waits. */
function rank(call: Call): number {
  switch (call.state) {
    case "active":
      return 0;
    case "ringing":
      return call.direction === "inbound" ? 1 : 2;
    case "held":
      return 3;
    case "ended":
      return 4;
  }
}

function summaryOnStage(
  calls: readonly Call[],
  choices: Choices,
  attention: Attention,
): Call | null {
  const chosen = calls.find((call) => call.summary !== null && keyOf(call) === choices.summaryOf);
  if (chosen !== undefined) return chosen;
  return calls
    .filter((call) => attention.hasFreshSummary(call))
    .reduce<Call | null>(
      (latest, call) => (reported(call) > reported(latest) ? call : latest),
      null,
    );
}

function reported(call: Call | null): number {
  return call?.summary?.reported_at ?? 0;
}

function endOf(call: Call): number {
  return call.ended_at ?? call.updated_at;
}
