// Several tabs of one user with popups, fed by a real gateway: one ringtone, one notification, one
// receipt, and a self-check that tells how things are.

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
  clickButton,
  heard,
  type InPage,
  loudness,
  observe,
  silent,
} from "../support/alerts-page.ts";
import type { Tab } from "../support/cdp.ts";
import { eventually } from "../support/eventually.ts";
import { telsmartEvent } from "../support/events.ts";
import { Gateway } from "../support/gateway.ts";
import { type Pages, servePages } from "../support/pages.ts";
import { windowOfChromium } from "../support/window-of-chromium.ts";

const chromium = windowOfChromium();
let pages: Pages;
let gateway: Gateway;

beforeAll(async () => {
  pages = await servePages();
});
afterAll(() => pages?.close());
beforeEach(async () => {
  gateway = new Gateway([pages.origin]);
  await gateway.start();
  pages.useGateway(gateway.url, () => gateway.token("200"));
  await chromium.window.grant(pages.origin, ["notifications"]);
});
afterEach(() => gateway?.dispose());

/** A tab whose popup is connected, and whose sound is unlocked. */
async function openTab(token: string): Promise<Tab> {
  const tab = await chromium.window.openTab(pages.url, (opened) => opened.prepare(observe));
  await tab.evaluate(
    (url, jwt) => {
      const popup = document.createElement("call-popup");
      popup.setAttribute("url", url);
      popup.setAttribute("token", jwt);
      document.querySelector("main")?.append(popup);
    },
    gateway.url,
    token,
  );
  await inPopup(tab, "[data-phase=connected]");
  await inPopup(tab, ".alerts-button");
  await tab.click(4, 4);
  await tab.until(
    () =>
      document.querySelector("call-popup")?.shadowRoot?.querySelector(".alert-lines")
        ?.textContent === "",
  );
  return tab;
}

const inPopup = (tab: Tab, selector: string): Promise<unknown> =>
  tab.until(
    (wanted) =>
      document.querySelector("call-popup")?.shadowRoot?.querySelector(wanted) !== null &&
      document.querySelector("call-popup")?.shadowRoot !== null,
    selector,
  );

const notified = async (tabs: readonly Tab[]): Promise<{ shown: number; open: number }> => {
  const all = await Promise.all(
    tabs.map((tab) =>
      tab.evaluate(() =>
        (globalThis as unknown as InPage).notifications.map(({ isClosed }) => isClosed),
      ),
    ),
  );
  return { shown: all.flat().length, open: all.flat().filter((isClosed) => !isClosed).length };
};

const ringingTabs = async (tabs: readonly Tab[]): Promise<number> =>
  (await Promise.all(tabs.map((tab) => loudness(tab)))).filter((level) => level > 0.02).length;

/** Waits until the tabs know who of them leads. */
async function share(tabs: readonly Tab[]): Promise<void> {
  await eventually("one socket", async () => (await gateway.metric("callpop_sessions")) === 1);
  await Promise.all(tabs.map((tab) => inPopup(tab, "[data-phase=connected]")));
}

/** What a self-check finds now; the alerts are open. Afterwards it still stands there. */
async function selfCheck(tab: Tab): Promise<readonly string[]> {
  const isOpen = await tab.evaluate(
    () => document.querySelector("call-popup")?.shadowRoot?.querySelector(".check") !== null,
  );
  if (isOpen) await clickButton(tab, "Back");
  await clickButton(tab, "Self-check");
  await inPopup(tab, ".check li");
  return await tab.evaluate(() => {
    const root = document.querySelector("call-popup")?.shadowRoot;
    const found = [...(root?.querySelectorAll<HTMLElement>(".check li") ?? [])];
    return found.map(({ dataset }) => `${dataset.subject} ${dataset.health} ${dataset.code}`);
  });
}

test("five tabs ring once and notify once, and are silent when a colleague answers", async () => {
  const token = gateway.token("200");
  const tabs: Tab[] = [];
  for (let index = 0; index < 5; index += 1) tabs.push(await openTab(token));
  await chromium.window.openTab();
  await Promise.all(tabs.map((tab) => tab.until(() => document.hidden && !document.hasFocus())));
  await share(tabs);
  const one = { id: randomUUID(), caller_name: "Marie Peeters" };
  await gateway.post(telsmartEvent("RINGING", one));
  await Promise.all(tabs.map((tab) => inPopup(tab, '.card[data-state="ringing"]')));
  expect(await ringingTabs(tabs)).toBe(1);
  expect(await notified(tabs)).toEqual({ shown: 1, open: 1 });

  await gateway.post(telsmartEvent("ACTIVE", one));
  await Promise.all(tabs.map((tab) => inPopup(tab, '.card[data-state="active"]')));
  await eventually("no notification", async () => (await notified(tabs)).open === 0);
  await Promise.all(tabs.map(silent));
});

test("the tab in front rings, and nobody notifies", async () => {
  const token = gateway.token("200");
  const [behind, front] = [await openTab(token), await openTab(token)];
  await front.until(() => document.hasFocus());
  await share([behind, front]);
  await gateway.post(telsmartEvent("RINGING"));
  await Promise.all([behind, front].map((tab) => inPopup(tab, '.card[data-state="ringing"]')));
  await heard(front, 0.1);
  expect(await loudness(behind)).toBe(0);
  expect(await notified([behind, front])).toEqual({ shown: 0, open: 0 });
});

test("the gateway learns that a ringing call was on the screen", async () => {
  const tab = await openTab(gateway.token("200"));
  await gateway.post(telsmartEvent("RINGING"));
  await inPopup(tab, '.card[data-state="ringing"]');
  await eventually("a receipt", async () => (await gateway.metric("callpop_receipts_total")) === 1);
});

test("the self-check knows the real connection, and its report names nobody", async () => {
  const token = gateway.token("200");
  const [, tab] = [await openTab(token), await openTab(token)];
  await gateway.post(telsmartEvent("RINGING", { caller_name: "Marie Peeters" }));
  await inPopup(tab, '.card[data-state="ringing"]');
  await clickButton(tab, "Alerts");
  // The tab in front takes the lead once its own socket is open.
  await eventually("the lead", async () => (await selfCheck(tab)).includes("tabs good tabLeads"));
  expect(await selfCheck(tab)).toEqual([
    "sound good soundOn",
    "notifications good notesOn",
    "clock good clockRight",
    "connection good connected",
    "network good networkFree",
    "policy good policyClear",
    "storage good stored",
    "tabs good tabLeads",
    "window good windowAbove",
  ]);
  await tab.evaluate(() => {
    const copied: string[] = [];
    Object.assign(globalThis, { copied });
    const writeText = async (text: string): Promise<void> => void copied.push(text);
    Object.defineProperty(navigator, "clipboard", { value: { writeText } });
  });
  await clickButton(tab, "Copy report");
  const report = await tab.until(
    () => (globalThis as unknown as { copied: string[] }).copied[0] ?? "",
  );
  expect(report).toContain("connection: good (connected)");
  expect(report).toContain(`gateway: ${new URL(gateway.url).host}`);
  expect(report).not.toMatch(/Marie|2899|899 ?26|eyJ/);
  expect(report).not.toContain(token);
});

test("the self-check says what to do when the page's policy blocks the gateway", async () => {
  const tab = await openTab(gateway.token("200"));
  await tab.evaluate(() => {
    const meta = Object.assign(document.createElement("meta"), {
      httpEquiv: "Content-Security-Policy",
      content: "connect-src 'none'",
    });
    document.head.append(meta);
  });
  await gateway.kill();
  await inPopup(tab, "[data-phase=reconnecting]");
  await clickButton(tab, "Alerts");
  expect(await selfCheck(tab)).toContain("connection attention disconnected");
  await eventually("the violation", async () =>
    (await selfCheck(tab)).includes("policy attention policyBlocks"),
  );
});
