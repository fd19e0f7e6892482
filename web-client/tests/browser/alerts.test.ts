// What rings, notifies and stands in the title, in tabs as a user has them: no gesture of a test
// unlocks a sound, and tabs are really hidden and throttled.

import { afterEach, beforeEach, expect, test } from "vitest";
import {
  addPopup,
  clickButton,
  heard,
  type InPage,
  loudness,
  observe,
  show,
  textOf,
} from "../support/alerts-page.ts";
import { activeCall, call, endedCall } from "../support/calls.ts";
import { eventually, RawChromium, type RawOptions, type Tab } from "../support/cdp.ts";
import { type Pages, servePages } from "../support/pages.ts";

const MINUTES = 60_000_000;
const marie = { number: "+32470123456", name: "Marie Peeters" };

let browser: RawChromium;
let pages: Pages;

beforeEach(async () => {
  pages = await servePages();
});
afterEach(async () => {
  await browser?.stop();
  pages?.close();
});

async function start(options: RawOptions = {}): Promise<void> {
  browser = await RawChromium.start(options);
}

async function openTab(): Promise<Tab> {
  return await browser.openTab(pages.url, (tab) => tab.prepare(observe));
}

/** A call that began to ring now, by the computer's own clock. */
function ringing(over: Parameters<typeof call>[0] = {}): ReturnType<typeof call> {
  const now = Date.now() * 1000;
  return call({ since: now, updated_at: now, stale_at: now + 5 * MINUTES, remote: marie, ...over });
}

const lines = (tab: Tab): Promise<string | null> => textOf(tab, ".alert-lines");
const isLocked = (tab: Tab): Promise<boolean> =>
  tab.until(() =>
    document
      .querySelector("call-popup")
      ?.shadowRoot?.querySelector(".alert-line")
      ?.textContent?.includes("Enable sound"),
  ) as Promise<boolean>;

/** Waits until it is silent for longer than the ringtone pauses. */
const silent = (tab: Tab): Promise<boolean> =>
  eventually("silence", async () => (await loudness(tab, 3_000)) === 0);

/** A click of the user somewhere in the page. */
async function unlock(tab: Tab): Promise<void> {
  await tab.click(4, 4);
  await tab.until(() => {
    const { sources } = globalThis as unknown as InPage;
    return sources[0]?.reports.at(-1)?.sound === true;
  });
}

test("a locked sound shows the control, and a click anywhere unlocks it", async () => {
  await start();
  const tab = await openTab();
  await addPopup(tab, [ringing()]);
  await isLocked(tab);
  expect(await loudness(tab, 500)).toBe(0);
  expect(await tab.evaluate(() => (globalThis as unknown as InPage).sources[0]?.reports)).toEqual([
    { sound: false, notifications: false },
  ]);
  await unlock(tab);
  await heard(tab);
  expect(await lines(tab)).toBe("");
  expect(await tab.evaluate(() => (globalThis as unknown as InPage).contexts.length)).toBe(1);
  expect(tab.problems).toEqual([]);
});

test("the control proves the sound, asks whether it was heard, and remembers that", async () => {
  await start();
  const tab = await openTab();
  await addPopup(tab, []);
  await isLocked(tab);
  await clickButton(tab, "Enable sound");
  await heard(tab);
  await clickButton(tab, "No");
  expect(await lines(tab)).toContain("Check the volume");
  await clickButton(tab, "Test");
  await clickButton(tab, "Yes");
  await tab.until(
    () =>
      document.querySelector("call-popup")?.shadowRoot?.querySelector(".alert-lines")
        ?.textContent === "",
  );
  expect(await tab.evaluate(() => localStorage.getItem("callpop.alerts"))).toContain(
    '"sound":true',
  );
  expect(tab.problems).toEqual([]);
});

for (const [why, after] of [
  ["answered here or elsewhere", [activeCall()]],
  ["ended", [endedCall({ ended_at: Date.now() * 1000 })]],
  ["dismissed on another device", [call({ dismissed_at: 1, version: 2 })]],
  ["without news for too long", [call({ stale_at: 1, version: 2 })]],
] as const) {
  test(`it is silent within 50 ms of a call that is ${why}`, async () => {
    await start();
    const tab = await openTab();
    await addPopup(tab, [ringing()]);
    await unlock(tab);
    // From the very beginning of a burst, which would last for 400 ms.
    const silentAfter = await tab.evaluate(async (calls) => {
      const page = globalThis as unknown as InPage;
      const turn = (): Promise<void> =>
        new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = (): void => resolve();
          port2.postMessage(null);
        });
      while (page.level() > 0) await turn();
      while (page.level() < 0.05) await turn();
      const began = performance.now();
      page.sources[0]?.show(calls);
      while (page.level() > 0.001) await turn();
      return performance.now() - began;
    }, after);
    expect(silentAfter).toBeLessThan(50);
    expect(await loudness(tab, 3_200)).toBeLessThan(0.001);
  });
}

test("a dismissed call rings no more", async () => {
  await start();
  const tab = await openTab();
  await addPopup(tab, [ringing()]);
  await unlock(tab);
  await heard(tab);
  await tab.evaluate(() =>
    document
      .querySelector("call-popup")
      ?.shadowRoot?.querySelector<HTMLElement>("[part~=dismiss]")
      ?.click(),
  );
  await tab.until(() => (globalThis as unknown as InPage).level() === 0);
  expect(await loudness(tab, 3_200)).toBeLessThan(0.001);
});

test("a user who is talking hears a quiet beep", async () => {
  await start();
  const tab = await openTab();
  const now = Date.now() * 1000;
  const active = activeCall({ stale_at: now + MINUTES });
  await addPopup(tab, [active, ringing({ leg_id: "b" })]);
  await unlock(tab);
  await tab.until(() => (globalThis as unknown as InPage).level() > 0.01);
  const beep = await loudness(tab, 6_500);
  expect(beep).toBeGreaterThan(0.03);
  expect(beep).toBeLessThan(0.1);
});

test("hidden for longer than the throttling of timers waits, it still rings and stops", async () => {
  await start({ throttleAfterSeconds: 2 });
  const tab = await openTab();
  await tab.evaluate(() => {
    Object.assign(globalThis, { ticks: 0 });
    setInterval(() => {
      (globalThis as unknown as { ticks: number }).ticks += 1;
    }, 100);
  });
  await addPopup(tab, []);
  await unlock(tab);
  await browser.openTab();
  await tab.until(() => document.hidden);
  // Proof of the throttling: what should come ten times a second does not come for four.
  const ticks = (): Promise<number> =>
    tab.evaluate(() => (globalThis as unknown as { ticks: number }).ticks);
  let [last, since] = [0, 0];
  const isThrottled = async (): Promise<boolean> => {
    const now = await ticks();
    if (now !== last) [last, since] = [now, performance.now()];
    return performance.now() - since > 4_000;
  };
  // Chromium waits a minute with a page that shows something, whatever its switches say.
  await eventually("four seconds without a tick", isThrottled, 120_000);
  await show(tab, [ringing()]);
  expect(await loudness(tab, 1_000)).toBeGreaterThan(0.1);
  // Longer than one period: it repeats without any timer.
  await loudness(tab, 3_000);
  expect(await loudness(tab, 3_100)).toBeGreaterThan(0.1);
  await show(tab, []);
  await loudness(tab, 50);
  expect(await loudness(tab, 3_200)).toBeLessThan(0.001);
}, 180_000);

test("a ringtone ends by the clock of the sound when its call has no more news", async () => {
  await start();
  const tab = await openTab();
  await addPopup(tab, []);
  await unlock(tab);
  const stale = Date.now() * 1000 + 1_500_000;
  await show(tab, [ringing({ stale_at: stale })]);
  await heard(tab);
  await tab.until((at) => Date.now() > at, stale / 1000 + 60);
  expect(await loudness(tab, 3_200)).toBeLessThan(0.001);
});

test("a connection that is refused stops the ringtone", async () => {
  await start();
  const tab = await openTab();
  await addPopup(tab, [ringing()]);
  await unlock(tab);
  await heard(tab);
  const become = (phase: "connected" | "reconnecting" | "refused"): Promise<void> =>
    tab.evaluate((to) => (globalThis as unknown as InPage).sources[0]?.become(to), phase);
  await become("reconnecting");
  await heard(tab);
  await become("refused");
  await silent(tab);
  await become("connected");
  await heard(tab);
});

test("a connection that does not come back stops the ringtone after ten seconds", async () => {
  await start();
  const tab = await openTab();
  await addPopup(tab, [ringing()]);
  await unlock(tab);
  await heard(tab);
  await tab.evaluate(() => (globalThis as unknown as InPage).sources[0]?.become("reconnecting"));
  await heard(tab);
  await silent(tab);
});

test("two popups of a page ring once, and one of them alone goes on", async () => {
  await start();
  const tab = await openTab();
  await addPopup(tab, [ringing()]);
  await addPopup(tab, [ringing({ leg_id: "b" })]);
  await unlock(tab);
  await heard(tab);
  const loudest = await loudness(tab, 3_200);
  expect(loudest).toBeLessThan(0.36);
  await show(tab, [], 0);
  expect(await loudness(tab, 3_200)).toBeGreaterThan(0.1);
  await show(tab, [], 1);
  await loudness(tab, 50);
  expect(await loudness(tab, 3_200)).toBeLessThan(0.001);
});

test("do not disturb mutes every tab, keeps the popup, and ends", async () => {
  await start();
  const [tab, other] = [await openTab(), await openTab()];
  for (const one of [other, tab]) {
    await one.bringToFront();
    await addPopup(one, [ringing()]);
    await unlock(one);
  }
  await heard(tab);
  await clickButton(tab, "Alerts");
  await clickButton(tab, "30 min");
  await tab.until(() => (globalThis as unknown as InPage).level() === 0);
  expect(await loudness(tab, 3_200)).toBeLessThan(0.001);
  expect(await lines(tab)).toMatch(/Do not disturb until \d\d:\d\d/);
  expect(await textOf(tab, ".card .title")).toBe("Marie Peeters");
  await other.bringToFront();
  expect(await lines(other)).toMatch(/Do not disturb until/);
  expect(await loudness(other, 3_200)).toBeLessThan(0.001);
  expect(
    await other.evaluate(() => (globalThis as unknown as InPage).sources[0]?.reports.at(-1)),
  ).toEqual({ sound: false, notifications: false });
  await clickButton(other, "Turn off");
  await heard(other);
});

test("do not disturb ends by itself", async () => {
  await start();
  const tab = await openTab();
  await tab.evaluate(() =>
    localStorage.setItem("callpop.alerts", JSON.stringify({ quietUntil: Date.now() + 2_500 })),
  );
  await tab.goto(pages.url);
  await addPopup(tab, [ringing()]);
  await tab.click(4, 4);
  expect(await lines(tab)).toContain("Do not disturb");
  expect(await loudness(tab, 800)).toBe(0);
  await heard(tab);
  expect(await lines(tab)).toBe("");
});

test("a ringtone that is turned off stays off, in the next page too", async () => {
  await start();
  const tab = await openTab();
  await addPopup(tab, [ringing()]);
  await unlock(tab);
  await heard(tab);
  await clickButton(tab, "Alerts");
  await clickButton(tab, "Ringtone");
  await tab.until(() => (globalThis as unknown as InPage).level() === 0);
  await tab.goto(pages.url);
  await addPopup(tab, [ringing()]);
  await tab.click(4, 4);
  expect(await loudness(tab, 3_200)).toBe(0);
  expect(await lines(tab)).toBe("");
});

test("alerts that the page turned off neither ring nor show anything", async () => {
  await start();
  const tab = await openTab();
  await addPopup(tab, [ringing()], { attributes: { alerts: "off" } });
  await tab.click(4, 4);
  expect(await loudness(tab, 1_000)).toBe(0);
  expect(await textOf(tab, ".alerts-button")).toBeNull();
  expect(await tab.evaluate(() => document.title)).toBe("Popup under test");
  // Whether the popup was seen is told all the same.
  await tab.until(() => (globalThis as unknown as InPage).sources[0]?.paints.length === 1);
});
