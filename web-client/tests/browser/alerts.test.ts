// What rings, notifies and stands in the title, in tabs as a user has them: no gesture of a test
// unlocks a sound, and tabs are really hidden and throttled.

import { afterAll, beforeAll, expect, test } from "vitest";
import {
  addPopup,
  clickButton,
  hasButton,
  heard,
  heardAgain,
  heardAtLast,
  type InPage,
  loudness,
  observe,
  show,
  silent,
  type SteppedClock,
  steppedClock,
  textOf,
  waitBySound,
} from "../support/alerts-page.ts";
import { activeCall, call, endedCall } from "../support/calls.ts";
import type { Tab } from "../support/cdp.ts";
import { eventually } from "../support/eventually.ts";
import { type Pages, servePages } from "../support/pages.ts";
import { windowOfChromium } from "../support/window-of-chromium.ts";

const MINUTES = 60_000_000;
const HOUR_MS = 3_600_000;
/** For how long a call that rings is believed without more news. */
const NEWS_FOR_S = 5;
const marie = { number: "+32470123456", name: "Marie Peeters" };

const chromium = windowOfChromium();
let pages: Pages;

beforeAll(async () => {
  pages = await servePages();
});
afterAll(() => pages?.close());

/** A tab that is listened to; `more` runs in it before the page's own scripts, too. */
async function openTab(more: () => void = () => undefined): Promise<Tab> {
  return await chromium.window.openTab(pages.url, async (tab) => {
    await tab.prepare(observe);
    await tab.prepare(more);
  });
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

/** A click of the user somewhere in the page. */
async function unlock(tab: Tab): Promise<void> {
  await tab.click(4, 4);
  await tab.until(() => {
    const { sources } = globalThis as unknown as InPage;
    return sources[0]?.reports.at(-1)?.sound === true;
  });
}

test("a locked sound shows the control, and a click anywhere unlocks it", async () => {
  const tab = await openTab();
  await addPopup(tab, [ringing()]);
  await isLocked(tab);
  expect(await loudness(tab)).toBe(0);
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
  // The proof has a second: of the sound's clock, which a busy machine lets begin late.
  const tab = await openTab(waitBySound);
  await addPopup(tab, []);
  await isLocked(tab);
  await clickButton(tab, "Enable sound");
  await heardAtLast(tab, async () => {
    // A proof that found nothing within its second asks nobody, and one that still runs has no button.
    const hasOne = async (): Promise<boolean> =>
      (await hasButton(tab, "No")) || (await hasButton(tab, "Test"));
    await eventually("the proof's end", hasOne);
    if (await hasButton(tab, "No")) await clickButton(tab, "No");
    await clickButton(tab, "Test");
  });
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
  test(`what rings is told to end at once by a call that is ${why}`, async () => {
    const tab = await openTab();
    await addPopup(tab, [ringing()]);
    await unlock(tab);
    await heard(tab);
    await show(tab, after);
    // Of the sound's own clock: what the machine has to do meanwhile does not count.
    await tab.until(() => ((globalThis as unknown as InPage).endsIn.at(-1) ?? Infinity) <= 0.05);
    await silent(tab);
  });
}

test("a dismissed call rings no more", async () => {
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
  await silent(tab);
});

test("a user who is talking hears a quiet beep", async () => {
  const tab = await openTab();
  const now = Date.now() * 1000;
  const active = activeCall({ stale_at: now + MINUTES });
  await addPopup(tab, [active, ringing({ leg_id: "b" })]);
  await unlock(tab);
  await heard(tab, 0.03);
  expect(await loudness(tab)).toBeLessThan(0.1);
});

test("a ringtone ends by the clock of the sound when its call has no more news", async () => {
  const tab = await openTab();
  await addPopup(tab, []);
  await unlock(tab);
  await show(tab, [ringing({ stale_at: Date.now() * 1000 + NEWS_FOR_S * 1_000_000 })]);
  await heard(tab);
  const end = await tab.evaluate(() => (globalThis as unknown as InPage).endsIn.at(-1));
  expect(end).toBeLessThanOrEqual(NEWS_FOR_S);
  await silent(tab);
});

test("a connection that is refused stops the ringtone", async () => {
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
  const tab = await openTab();
  await addPopup(tab, [ringing()]);
  await unlock(tab);
  await heard(tab);
  await tab.evaluate(() => (globalThis as unknown as InPage).sources[0]?.become("reconnecting"));
  await heard(tab);
  await silent(tab);
});

test("two popups of a page ring once, and one of them alone goes on", async () => {
  const tab = await openTab();
  await addPopup(tab, [ringing()]);
  await addPopup(tab, [ringing({ leg_id: "b" })]);
  await unlock(tab);
  await heard(tab);
  expect(await loudness(tab)).toBeLessThan(0.36);
  await show(tab, [], 0);
  await heardAgain(tab);
  await show(tab, [], 1);
  await silent(tab);
});

test("do not disturb mutes every tab, keeps the popup, and ends", async () => {
  const [tab, other] = [await openTab(), await openTab()];
  for (const one of [other, tab]) {
    await one.bringToFront();
    await addPopup(one, [ringing()]);
    await unlock(one);
  }
  await heard(tab);
  await clickButton(tab, "Alerts");
  await clickButton(tab, "30 min");
  await silent(tab);
  expect(await lines(tab)).toMatch(/Do not disturb until \d\d:\d\d/);
  expect(await textOf(tab, ".card .title")).toBe("Marie Peeters");
  await other.bringToFront();
  expect(await lines(other)).toMatch(/Do not disturb until/);
  await silent(other);
  expect(
    await other.evaluate(() => (globalThis as unknown as InPage).sources[0]?.reports.at(-1)),
  ).toEqual({ sound: false, notifications: false });
  await clickButton(other, "Turn off");
  await heard(other);
});

test("do not disturb ends by itself", async () => {
  const tab = await openTab(steppedClock);
  await tab.evaluate((ms) => {
    localStorage.setItem("callpop.alerts", JSON.stringify({ quietUntil: Date.now() + ms }));
  }, HOUR_MS);
  await tab.goto(pages.url);
  await addPopup(tab, [ringing({ stale_at: Date.now() * 1000 + 120 * MINUTES })]);
  await tab.click(4, 4);
  expect(await lines(tab)).toContain("Do not disturb");
  expect(await loudness(tab)).toBe(0);
  await tab.evaluate((ms) => (globalThis as unknown as SteppedClock).putForward(ms), HOUR_MS + 1);
  await heard(tab);
  expect(await lines(tab)).toBe("");
});

test("a ringtone that is turned off stays off, in the next page too", async () => {
  const tab = await openTab();
  await addPopup(tab, [ringing()]);
  await unlock(tab);
  await heard(tab);
  await clickButton(tab, "Alerts");
  await clickButton(tab, "Ringtone");
  await silent(tab);
  await tab.goto(pages.url);
  await addPopup(tab, [ringing()]);
  await tab.click(4, 4);
  expect(await loudness(tab)).toBe(0);
  expect(await lines(tab)).toBe("");
});

test("alerts that the page turned off neither ring nor show anything", async () => {
  const tab = await openTab();
  await addPopup(tab, [ringing()], { attributes: { alerts: "off" } });
  await tab.click(4, 4);
  expect(await loudness(tab)).toBe(0);
  expect(await textOf(tab, ".alerts-button")).toBeNull();
  expect(await tab.evaluate(() => document.title)).toBe("Popup under test");
  // Whether the popup was seen is told all the same.
  await tab.until(() => (globalThis as unknown as InPage).sources[0]?.paints.length === 1);
});
