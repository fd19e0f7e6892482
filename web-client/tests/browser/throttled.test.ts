// Hidden tabs whose timers run once a minute only: what they do without a timer.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, test } from "vitest";
import {
  addPopup,
  heard,
  heardAgain,
  type InPage as AlertsInPage,
  observe,
  show,
  silent,
} from "../support/alerts-page.ts";
import { call } from "../support/calls.ts";
import { ClientTab } from "../support/client-tab.ts";
import { telsmartEvent } from "../support/events.ts";
import { eventually } from "../support/eventually.ts";
import { Gateway } from "../support/gateway.ts";
import { type Pages, servePages } from "../support/pages.ts";
import { startTicking, ticksOf, untilSlowed } from "../support/slowed.ts";
import { windowOfChromium } from "../support/window-of-chromium.ts";

/** Chromium waits a minute with a page that shows something, whatever its switches say. */
const SLOWED_WITHIN_MS = 120_000;
const MINUTES = 60_000_000;

const chromium = windowOfChromium({ throttleAfterSeconds: 1 });
let pages: Pages;

beforeAll(async () => {
  pages = await servePages();
});
afterAll(() => pages?.close());

test("they still ring, and stop", async () => {
  const tab = await chromium.window.openTab(pages.url, (opened) => opened.prepare(observe));
  await startTicking(tab);
  await addPopup(tab, []);
  await tab.click(4, 4);
  await tab.until(
    () => (globalThis as unknown as AlertsInPage).sources[0]?.reports.at(-1)?.sound === true,
  );
  await chromium.window.openTab();
  await tab.until(() => document.hidden);
  await untilSlowed(tab, SLOWED_WITHIN_MS);
  const now = Date.now() * 1000;
  await show(tab, [call({ since: now, updated_at: now, stale_at: now + 5 * MINUTES })]);
  await heard(tab, 0.1);
  // It repeats by itself.
  await heardAgain(tab);
  await show(tab, []);
  await silent(tab);
});

test("they hear a call before the next of their timers runs", async () => {
  const gateway = new Gateway([pages.origin]);
  try {
    await gateway.start();
    const token = gateway.token("200");
    pages.useGateway(gateway.url, () => token);
    const tabs: ClientTab[] = [];
    for (let count = 0; count < 2; count += 1) {
      const tab = await ClientTab.open(chromium.window, pages, gateway.url);
      tabs.push(await tab.connected());
    }
    await tabs[1]?.leads();
    for (const { tab } of tabs) await startTicking(tab);
    await chromium.window.openTab();
    for (const { tab } of tabs) await untilSlowed(tab);
    const ticks = (): Promise<number[]> => Promise.all(tabs.map(({ tab }) => ticksOf(tab)));
    // Again where a timer's minute came just then.
    await eventually("a call that was heard without a timer", async () => {
      const before = await ticks();
      const id = randomUUID();
      await gateway.post(telsmartEvent("RINGING", { id }));
      for (const tab of tabs) await tab.hears(id, "ringing");
      return (await ticks()).join() === before.join();
    });
  } finally {
    await gateway.dispose();
  }
});
