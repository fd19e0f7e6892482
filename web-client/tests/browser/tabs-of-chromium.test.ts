// That the browser of the tests of tabs does with them what a user's browser does.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Tab } from "../support/cdp.ts";
import { eventually } from "../support/eventually.ts";
import { type Pages, servePages } from "../support/pages.ts";
import { startTicking, ticksOf, untilSlowed } from "../support/slowed.ts";
import { windowOfChromium } from "../support/window-of-chromium.ts";

const chromium = windowOfChromium({ throttleAfterSeconds: 1 });
let pages: Pages;

beforeAll(async () => {
  pages = await servePages();
});
afterAll(() => pages?.close());

/** A page that notes what happens to it. */
async function openNoting(): Promise<Tab> {
  return await chromium.window.openTab(pages.url, (tab) =>
    tab.prepare(() => {
      const noted: string[] = [];
      Object.assign(globalThis, { noted });
      for (const name of ["freeze", "resume"]) {
        document.addEventListener(name, () => noted.push(name));
      }
      for (const name of ["pagehide", "pageshow"] as const) {
        addEventListener(name, (event) => noted.push(`${name} ${event.persisted}`));
      }
    }),
  );
}

const noted = (tab: Tab): Promise<string[]> =>
  tab.evaluate(() => (globalThis as unknown as { noted: string[] }).noted);

test("a second tab makes the first one hidden", async () => {
  const first = await openNoting();
  await first.until(() => document.visibilityState === "visible" && document.hasFocus());
  const second = await openNoting();
  await first.until(() => document.hidden);
  await second.until(() => document.visibilityState === "visible");
  expect(await first.evaluate(() => document.hasFocus())).toBe(false);
  await first.bringToFront();
  await second.until(() => document.hidden);
  await first.until(() => !document.hidden);
  expect(await first.evaluate(() => navigator.userActivation.hasBeenActive)).toBe(false);
});

test("a hidden tab that is frozen hears of it, and again when it thaws", async () => {
  const first = await openNoting();
  await openNoting();
  await first.until(() => document.hidden);
  await first.freeze();
  await first.thaw();
  await first.until(() => (globalThis as unknown as { noted: string[] }).noted.includes("resume"));
  expect(await noted(first)).toEqual(["pageshow false", "freeze", "resume"]);
});

test("a page comes back from the back/forward cache", async () => {
  const tab = await openNoting();
  await tab.evaluate(() => void Object.assign(globalThis, { stayed: true }));
  await tab.goto(`${pages.url}contacts.html`);
  await tab.go(-1);
  await tab.until(() => "stayed" in globalThis);
  expect(await noted(tab)).toContain("pageshow true");
});

test("timers of a hidden tab run rarely after the time that was given", async () => {
  const tab = await openNoting();
  await startTicking(tab);
  await openNoting();
  await tab.until(() => document.hidden);
  await untilSlowed(tab);
  const last = await ticksOf(tab);
  await tab.bringToFront();
  await eventually("ticks again", async () => (await ticksOf(tab)) > last);
});
