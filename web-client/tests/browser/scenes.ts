// Every state that the popup can show, as data for a client that is none.

import type { Call, ConnectionState, Notice } from "callpop";
import type { Page } from "playwright-core";
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
import { notice } from "../support/notices.ts";
import { FULL_CONTENT } from "../support/summaries.ts";

export interface Scene {
  readonly connection?: ConnectionState;
  readonly calls: readonly Call[];
  /** What is held before, for what only shows itself on a change. */
  readonly before?: readonly Call[];
  readonly notices?: readonly Notice[];
  /** Whose items are seen; none: the gateway does not say it. */
  readonly extensions?: readonly string[];
  readonly scope?: "tenant";
  readonly dispositions?: readonly string[];
  /** How the last wrap-up stands. */
  readonly progress?: "saving" | "refused";
  readonly attributes?: Readonly<Record<string, string>>;
  /** What its user does then. */
  readonly act?: (page: Page) => Promise<void>;
}

export const NOW: number = NOW_MS;

const marie = { number: "+32470123456", name: "Marie Peeters" };

const transfer = {
  kind: "attended" as const,
  original_number: "+3228992675",
  via: JOHN,
  completed_at: null,
};

const summary = {
  language: "en-GB",
  reported_at: secondsAgo(4),
  content: FULL_CONTENT,
};

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
    summary_seen: true,
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

const wrapUp = {
  disposition: "Call back",
  note: "Refund promised by Thursday; she wants a written confirmation.",
  at: secondsAgo(60),
  by: "user",
};

/** An ended call of Marie's that is written about. */
const written = (over: Partial<Call> = {}): Call => endedCall({ remote: marie, ...over });
const fillNote =
  (text: string) =>
  async (page: Page): Promise<void> =>
    await page.locator("call-popup textarea").first().fill(text);
const press =
  (selector: string) =>
  async (page: Page): Promise<void> =>
    await page.locator(`call-popup ${selector}`).first().click();
const POP = { "screen-pop": "/contacts?phone={remote.number}" };

const shown = (...calls: readonly Call[]): Scene => ({ calls });
const lingering = (ended: Call): Scene => ({ calls: [ended] });

const ticket = notice({ notice_id: "n1" });
const appointment = notice({
  notice_id: "n2",
  kind: "appointment",
  title: "Intake with Karim El Amrani",
  body: null,
  remote: { number: "+32478112233", name: "Karim El Amrani" },
  at: secondsAgo(25 * minutes),
  expires_at: secondsAgo(-35 * minutes),
});
const voicemail = notice({
  notice_id: "n3",
  kind: "voicemail",
  title: "Voicemail, 0:42",
  body: null,
  link: null,
  remote: { number: "+3228992675", name: null },
  at: secondsAgo(26 * 60 * minutes),
});
const kinds = (["message", "chat", "automation", "other"] as const).map((kind, index) =>
  notice({
    notice_id: kind,
    kind,
    title: {
      message: "Text from Marie Peeters",
      chat: "Somebody waits in the chat of the shop",
      automation: "The import of contacts has failed",
      other: "Line 2 is back in service",
    }[kind],
    body:
      kind === "message"
        ? "Hello, could you send me the confirmation of the refund again? The first one went to my old address. It would also be good to know by when the second payment will be on my account, as I have to plan the rent. Thank you, Marie"
        : null,
    remote: null,
    link: kind === "other" ? null : "https://crm.example/",
    at: secondsAgo(3_000 + index * 60),
  }),
);
const past: readonly Notice[] = [
  notice({ notice_id: "p1", state: "done", done_at: secondsAgo(60), at: secondsAgo(900) }),
  notice({ ...voicemail, notice_id: "p2", dismissed_at: secondsAgo(60) }),
  notice({ ...appointment, notice_id: "p3", at: secondsAgo(4_000), expires_at: secondsAgo(60) }),
];

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
  "blind-transfer": shown(
    call({ leg_id: "b", extension: "210", local: JANE, since: secondsAgo(7) }),
    endedCall({
      leg_id: "a",
      remote: CUSTOMER,
      ended_at: secondsAgo(7.2),
      dismissed_at: secondsAgo(6),
    }),
  ),
  "answered-elsewhere": shown(
    missedCall({ leg_id: "a", started_at: secondsAgo(22), ended_at: secondsAgo(2) }),
    activeCall({
      leg_id: "b",
      extension: "210",
      local: JANE,
      answered_at: secondsAgo(2.1),
      dismissed_at: secondsAgo(1),
    }),
  ),
  "transfer-announced-by-unknown": shown(
    call({
      internal: true,
      remote: { number: "200", name: null },
      local: JANE,
      transfer: { ...transfer, original_number: "", via: { number: null, name: null } },
    }),
  ),
  "missed-only": {
    calls: history,
    act: press(".head .missed"),
  },
  "wrap-up-saved": shown(written({ wrap_up: { ...wrapUp, at: secondsAgo(1) } })),
  "wrap-up-typing": {
    calls: [written()],
    act: async (page) => {
      await page.locator("call-popup .choice").nth(2).click();
      await fillNote("Called back at once.\nShe will send the invoice again.")(page);
    },
  },
  "wrap-up-many-choices": {
    calls: [written()],
    dispositions: [
      "Resolved",
      "Call back",
      "Complaint",
      "Sale",
      "Spam",
      "Lead",
      "Other",
      "None yet",
    ],
  },
  "wrap-up-long-choices": {
    calls: [written()],
    dispositions: [
      "Doorgestuurd naar de dienst Naverkoop en Herstellingen (tweede lijn)",
      "Rappel demandé par le client avant la fin de la semaine prochaine",
      "OK",
    ],
  },
  "wrap-up-note-only": { calls: [written()], dispositions: [] },
  "wrap-up-nearly-full": { calls: [written()], act: fillNote("Lorem ipsum dolor. ".repeat(100)) },
  "wrap-up-saving": {
    calls: [written()],
    act: async (page) => {
      await fillNote("Will pay on Friday.")(page);
      await press(".wrap-up .button")(page);
    },
  },
  "wrap-up-refused": {
    calls: [written()],
    act: async (page) => {
      await fillNote("Will pay on Friday.")(page);
      await press(".wrap-up .button")(page);
      await page.evaluate(() => {
        const popup = document.querySelector("call-popup") as unknown as {
          client: { progress: string; calls: unknown; show(calls: unknown): void };
        };
        popup.client.progress = "refused";
        popup.client.show(popup.client.calls);
      });
      await page.locator('call-popup .wrap-up [data-tone="missed"]').waitFor();
    },
  },
  "wrap-up-changed-elsewhere": {
    calls: [written()],
    act: async (page) => {
      await fillNote("My own words")(page);
      await page.evaluate(
        (calls) => {
          const popup = document.querySelector("call-popup") as unknown as {
            client: { show(calls: unknown): void };
          };
          popup.client.show(calls);
        },
        [written({ version: 9, wrap_up: { ...wrapUp, at: secondsAgo(1) } })],
      );
      await page.locator("call-popup .wrap-up .notice").waitFor();
    },
  },
  "wrap-up-and-a-new-call": {
    calls: [written({ leg_id: "w" })],
    act: async (page) => {
      await fillNote("Half a sentence")(page);
      await page.evaluate(
        (calls) => {
          const popup = document.querySelector("call-popup") as unknown as {
            client: { show(calls: unknown): void };
          };
          popup.client.show(calls);
        },
        [call({ leg_id: "n" }), written({ leg_id: "w" })],
      );
      await page.locator('call-popup .card[data-state="ringing"]').waitFor();
    },
  },
  "wrap-up-recent": shown(
    ...history.map((ended) => (ended.leg_id === "r2" ? { ...ended, wrap_up: wrapUp } : ended)),
  ),
  "wrap-up-recent-open": {
    calls: history.map((ended) => (ended.leg_id === "r2" ? { ...ended, wrap_up: wrapUp } : ended)),
    act: press('.recent-call[data-leg="r2"] [aria-expanded]'),
  },
  "wrap-up-off": { calls: [written()], attributes: { "wrap-up": "off" } },
  "screen-pop-link": { calls: [call()], attributes: POP },
  "screen-pop-blocked": {
    calls: [activeCall({ remote: marie })],
    attributes: POP,
    act: async (page) => {
      await page.evaluate(() => Object.assign(globalThis, { open: () => null }));
      await press(".pop a")(page);
      await page.locator("call-popup .pop[data-blocked]").waitFor();
    },
  },
  "summary-copied": {
    calls: [endedCall({ remote: marie, ended_at: secondsAgo(300), summary })],
    act: async (page) => {
      await page.evaluate(() => {
        Object.defineProperty(navigator, "clipboard", {
          configurable: true,
          value: { writeText: async () => undefined },
        });
      });
      await press(".actions .copy")(page);
      await page.locator("call-popup .copy[data-done]").waitFor();
    },
  },
  "summary-copy-refused": {
    calls: [endedCall({ remote: marie, ended_at: secondsAgo(300), summary })],
    act: async (page) => {
      await page.evaluate(() => {
        Object.defineProperty(navigator, "clipboard", { configurable: true, value: undefined });
      });
      await press(".group-head .copy")(page);
      await page.locator("call-popup textarea[readonly]").waitFor();
    },
  },
  "summary-empty": shown(
    endedCall({ remote: marie, ended_at: secondsAgo(300), summary: { ...summary, content: {} } }),
  ),
  "notices-one": { calls: [], notices: [ticket] },
  "notices-below-a-call": { calls: [call({ remote: marie })], notices: [ticket, appointment] },
  "notices-of-all-kinds": { calls: [], notices: [ticket, appointment, ...kinds, voicemail] },
  "notices-read-in-full": {
    calls: [],
    notices: [...kinds.slice(0, 1), voicemail],
    act: press(".notice-more"),
  },
  "notices-among-recent": { calls: history.slice(0, 3), notices: [...past, ticket] },
  "notices-long-words": {
    calls: [],
    notices: [
      notice({
        title: `${"Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft ".repeat(2)}`,
        body: "x".repeat(400),
        expires_at: secondsAgo(-26 * 60 * minutes),
      }),
    ],
  },
  "no-extension": { calls: [], extensions: [] },
  everything: {
    notices: [ticket, ...past],
    calls: [
      call({ leg_id: "b" }),
      written({ leg_id: "w" }),
      endedCall({ leg_id: "s", ended_at: secondsAgo(300), summary }),
      ...history,
    ],
    attributes: POP,
    act: async (page) => {
      await press('[data-leg="w"] [aria-expanded]')(page);
      await press(".summary .end")(page);
    },
  },
};
