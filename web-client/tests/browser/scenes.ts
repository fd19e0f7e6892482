// Every state that the popup can show, as data for a client that is none.

import type { Call, ConnectionState } from "callpop";
import {
  activeCall,
  call,
  CUSTOMER,
  endedCall,
  heldCall,
  JANE,
  JOHN,
  missedCall,
  NOW_MS,
  secondsAgo,
} from "../support/calls.ts";
import { FULL_CONTENT } from "../support/summaries.ts";

export interface Scene {
  readonly connection?: ConnectionState;
  readonly calls: readonly Call[];
  /** What is held before, for what only shows itself on a change. */
  readonly before?: readonly Call[];
}

export const NOW: number = NOW_MS;

const marie = { number: "+32470123456", name: "Marie Peeters" };

const transfer = {
  kind: "attended" as const,
  original_number: "+3228992675",
  via: JOHN,
  completed_at: null,
};

const summary = { language: "en-GB", reported_at: secondsAgo(4), content: FULL_CONTENT };

const minutes = 60;
const history: readonly Call[] = [
  missedCall({
    leg_id: "r1",
    ended_at: secondsAgo(9 * minutes),
    started_at: secondsAgo(10 * minutes),
  }),
  endedCall({
    leg_id: "r2",
    remote: marie,
    ended_at: secondsAgo(31 * minutes),
    started_at: secondsAgo(34 * minutes),
    dismissed_at: secondsAgo(20 * minutes),
    summary: { ...summary, reported_at: secondsAgo(26 * minutes) },
  }),
  endedCall({
    leg_id: "r3",
    direction: "outbound",
    internal: true,
    remote: JANE,
    talk_ms: 3_723_000,
    ended_at: secondsAgo(95 * minutes),
    started_at: secondsAgo(160 * minutes),
  }),
  endedCall({
    leg_id: "r4",
    direction: "outbound",
    outcome: "no_answer",
    talk_ms: 0,
    remote: { number: "+33612345678", name: null },
    ended_at: secondsAgo(26 * 60 * minutes),
    started_at: secondsAgo(26 * 60 * minutes),
  }),
  missedCall({
    leg_id: "r5",
    remote: marie,
    ended_at: secondsAgo(50 * 60 * minutes),
    started_at: secondsAgo(50 * 60 * minutes),
  }),
  endedCall({
    leg_id: "r6",
    outcome: "expired",
    ended_at: secondsAgo(70 * 60 * minutes),
    started_at: secondsAgo(80 * 60 * minutes),
  }),
];

const shown = (...calls: readonly Call[]): Scene => ({ calls });
const lingering = (ended: Call): Scene => ({ calls: [ended] });

export const SCENES: Readonly<Record<string, Scene>> = {
  quiet: shown(),
  "quiet-with-recent": shown(...history),
  connecting: { connection: { phase: "connecting", attempt: 0 }, calls: [] },
  unreachable: { connection: { phase: "connecting", attempt: 4 }, calls: [] },
  reconnecting: { connection: { phase: "reconnecting", attempt: 2 }, calls: [activeCall()] },
  refused: {
    connection: { phase: "refused", reason: "token", detail: "the token has expired" },
    calls: [],
  },
  "ringing-number": shown(call()),
  "ringing-name": shown(call({ remote: marie }), ...history),
  "ringing-unknown": shown(call({ remote: { number: null, name: null } })),
  "ringing-internal": shown(call({ internal: true, remote: JANE })),
  calling: shown(call({ direction: "outbound", remote: marie })),
  active: shown(activeCall({ remote: marie })),
  "active-after-hold": shown(activeCall({ remote: marie, talk_ms: 3_605_000, hold_ms: 26_000 })),
  held: shown(heldCall({ remote: marie })),
  "transfer-ringing": shown(call({ internal: true, remote: JOHN, local: JANE, transfer })),
  "transfer-completed": shown(
    activeCall({ local: JANE, transfer: { ...transfer, completed_at: secondsAgo(40) } }),
  ),
  unconfirmed: shown(activeCall({ remote: marie, stale_at: secondsAgo(60) })),
  "ended-answered": lingering(endedCall({ remote: marie, hold_ms: 12_000 })),
  "ended-missed": lingering(missedCall()),
  "ended-no-answer": lingering(
    endedCall({
      direction: "outbound",
      outcome: "no_answer",
      answered_at: null,
      talk_ms: 0,
      ring_ms: 22_000,
      remote: marie,
    }),
  ),
  "ended-expired": lingering(endedCall({ outcome: "expired", remote: marie })),
  several: shown(
    activeCall({ remote: marie }),
    call({ leg_id: "b", remote: CUSTOMER }),
    heldCall({ leg_id: "c", remote: { number: "+33612345678", name: "Boulangerie Saint-Honoré" } }),
  ),
  "attended-transfer-by-john": shown(
    heldCall({ leg_id: "a" }),
    call({ leg_id: "b", direction: "outbound", internal: true, remote: JANE }),
  ),
  summary: shown(
    endedCall({ remote: marie, ended_at: secondsAgo(300), started_at: secondsAgo(460), summary }),
    ...history,
  ),
  "summary-during-call": shown(
    activeCall({ leg_id: "b" }),
    endedCall({ remote: marie, ended_at: secondsAgo(300), started_at: secondsAgo(460), summary }),
  ),
  "long-names": shown(
    call({
      remote: {
        number: "+32470123456",
        name: "Wolfeschlegelsteinhausenbergerdorff-Vandenbroucke Maximiliaan Alexander van den Oudenhoven",
      },
      local: { number: "200", name: "Afdeling Klantenservice en Naverkoop Vlaanderen" },
      transfer: {
        ...transfer,
        via: { number: "200", name: "Hubert Blaine Wolfeschlegelsteinhausenbergerdorff" },
      },
    }),
  ),
};
