// That the browser of the tests of tabs does with them what a user's browser does.

import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, RawChromium, type Tab } from "../support/cdp.ts";
import { type Pages, servePages } from "../support/pages.ts";

let browser: RawChromium;
let pages: Pages;

beforeAll(async () => {
  pages = await servePages();
  browser = await RawChromium.start({ throttleAfterSeconds: 1 });
});
afterAll(async () => {
  await browser?.stop();
  pages?.close();
});

/** A page that notes what happens to it. */
async function openNoting(): Promise<Tab> {
  return await browser.openTab(pages.url, (tab) =>
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
  await Promise.all([first.close(), second.close()]);
});

test("a hidden tab that is frozen hears of it, and again when it thaws", async () => {
  const first = await openNoting();
  const second = await openNoting();
  await first.until(() => document.hidden);
  await first.freeze();
  await first.thaw();
  await first.until(() => (globalThis as unknown as { noted: string[] }).noted.includes("resume"));
  expect(await noted(first)).toEqual(["pageshow false", "freeze", "resume"]);
  await Promise.all([first.close(), second.close()]);
});

test("a page comes back from the back/forward cache", async () => {
  const tab = await openNoting();
  await tab.evaluate(() => void Object.assign(globalThis, { stayed: true }));
  await tab.goto(`${pages.url}contacts.html`);
  await tab.go(-1);
  await tab.until(() => "stayed" in globalThis);
  expect(await noted(tab)).toContain("pageshow true");
  await tab.close();
});

test("timers of a hidden tab run rarely after the time that was given", async () => {
  const first = await openNoting();
  await first.evaluate(() => {
    let last = performance.now();
    const gaps: number[] = [];
    const tick = (): void => {
      gaps.push(performance.now() - last);
      last = performance.now();
      setTimeout(tick, 100);
    };
    tick();
    Object.assign(globalThis, { gaps });
  });
  const second = await openNoting();
  await first.until(() => document.hidden);
  const ticks = (): Promise<number> =>
    first.evaluate(() => (globalThis as unknown as { gaps: number[] }).gaps.length);
  let [last, since] = [0, 0];
  // Timers that run once a second, as in any hidden tab, would never let that much time pass.
  await eventually("three seconds without a tick", async () => {
    const now = await ticks();
    if (now !== last) [last, since] = [now, performance.now()];
    return performance.now() - since > 3_000;
  });
  await first.bringToFront();
  await eventually("ticks again", async () => (await ticks()) > last);
  await Promise.all([first.close(), second.close()]);
});
