// Several tabs of one user with popups, fed by a real gateway: one ringtone, one notification, one
// receipt, and a self-check that tells how things are.

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { clickButton, type InPage, loudness, observe } from "../support/alerts-page.ts";
import { eventually, RawChromium, type Tab } from "../support/cdp.ts";
import { telsmartEvent } from "../support/events.ts";
import { Gateway } from "../support/gateway.ts";
import { type Pages, servePages } from "../support/pages.ts";

let pages: Pages;
let gateway: Gateway;
let browser: RawChromium;

beforeAll(async () => {
  pages = await servePages();
});
afterAll(() => pages?.close());
beforeEach(async () => {
  gateway = new Gateway([pages.origin]);
  await gateway.start();
  pages.useGateway(gateway.url, () => gateway.token("200"));
  browser = await RawChromium.start();
  await browser.grant(pages.origin, ["notifications"]);
});
afterEach(async () => {
  await browser?.stop();
  await gateway?.dispose();
});

/** A tab whose popup is connected, and whose sound is unlocked. */
async function openTab(token: string): Promise<Tab> {
  const tab = await browser.openTab(pages.url, (opened) => opened.prepare(observe));
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
  (await Promise.all(tabs.map((tab) => loudness(tab, 3_200)))).filter((level) => level > 0.02)
    .length;

test("five tabs ring once and notify once, and are silent when a colleague answers", async () => {
  const token = gateway.token("200");
  const tabs: Tab[] = [];
  for (let index = 0; index < 5; index += 1) tabs.push(await openTab(token));
  await browser.openTab();
  await Promise.all(tabs.map((tab) => tab.until(() => document.hidden && !document.hasFocus())));
  const one = { id: randomUUID(), caller_name: "Marie Peeters" };
  await gateway.post(telsmartEvent("RINGING", one));
  await Promise.all(tabs.map((tab) => inPopup(tab, '.card[data-state="ringing"]')));
  expect(await ringingTabs(tabs)).toBe(1);
  expect(await notified(tabs)).toEqual({ shown: 1, open: 1 });

  await gateway.post(telsmartEvent("ACTIVE", one));
  await Promise.all(tabs.map((tab) => inPopup(tab, '.card[data-state="active"]')));
  await eventually("no notification", async () => (await notified(tabs)).open === 0);
  // What fades out is heard for 20 ms.
  await Promise.all(tabs.map((tab) => loudness(tab, 50)));
  expect(await ringingTabs(tabs)).toBe(0);
});

test("the tab in front rings, and nobody notifies", async () => {
  const token = gateway.token("200");
  const [behind, front] = [await openTab(token), await openTab(token)];
  await front.until(() => document.hasFocus());
  await gateway.post(telsmartEvent("RINGING"));
  await Promise.all([behind, front].map((tab) => inPopup(tab, '.card[data-state="ringing"]')));
  expect(await loudness(front, 3_200)).toBeGreaterThan(0.1);
  expect(await loudness(behind, 3_200)).toBe(0);
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
  await clickButton(tab, "Self-check");
  await inPopup(tab, ".check li");
  const found = await tab.evaluate(() =>
    [
      ...(document
        .querySelector("call-popup")
        ?.shadowRoot?.querySelectorAll<HTMLElement>(".check li") ?? []),
    ].map(({ dataset }) => `${dataset.subject} ${dataset.health} ${dataset.code}`),
  );
  expect(found).toEqual([
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
  await clickButton(tab, "Self-check");
  const code = (subject: string): Promise<string | undefined> =>
    tab.evaluate(
      (of) =>
        document
          .querySelector("call-popup")
          ?.shadowRoot?.querySelector<HTMLElement>(`.check li[data-subject=${of}]`)?.dataset.code,
      subject,
    );
  await inPopup(tab, ".check li");
  expect(await code("connection")).toBe("disconnected");
  await eventually("the violation", async () => {
    await clickButton(tab, "Back");
    await clickButton(tab, "Self-check");
    await inPopup(tab, ".check li");
    return (await code("policy")) === "policyBlocks";
  });
});
