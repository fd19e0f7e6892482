// Connections that end, are dead, or come back all at once.

import { randomUUID } from "node:crypto";
import type { CallpopClient } from "callpop";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually, RawChromium } from "../support/cdp.ts";
import { ClientTab, type InPage, keepSockets } from "../support/client-tab.ts";
import { telsmartEvent } from "../support/events.ts";
import { Gateway } from "../support/gateway.ts";
import { type Pages, servePages } from "../support/pages.ts";

let pages: Pages;
let gateway: Gateway;
let browser: RawChromium;

beforeAll(async () => {
  pages = await servePages();
  browser = await RawChromium.start();
});
afterAll(async () => {
  await browser?.stop();
  pages?.close();
});
beforeEach(async () => {
  gateway = new Gateway([pages.origin]);
  await gateway.start();
  const token = gateway.token("200");
  pages.useGateway(gateway.url, () => token);
});
afterEach(() => gateway?.dispose());

test("five cuts in a row lose no call and repeat none", async () => {
  const options = { tabs: false };
  const tab = await (await ClientTab.open(browser, pages, gateway.url, options)).connected();
  const expected: string[] = [];
  for (let cut = 1; cut <= 5; cut += 1) {
    const id = randomUUID();
    await gateway.post(telsmartEvent("RINGING", { id }));
    await tab.do(() => (globalThis as unknown as InPage).sockets.at(-1)?.close());
    await gateway.post(telsmartEvent("HANGUP", { id }));
    await eventually("another socket", async () => (await tab.sockets).ever > cut);
    await tab.connected();
    await tab.hears(id, "ended");
    expected.push(`${id} ended`);
  }
  const heard = await tab.heard;
  expect(heard.length).toBe(new Set(heard).size);
  expect(heard.filter((line) => line.endsWith(" ended"))).toEqual(expected);
  const urls = await tab.do(() =>
    (globalThis as unknown as InPage).sockets.map(({ url }) => url.includes("resume=")),
  );
  expect(urls.slice(1)).not.toContain(false);
  await tab.tab.close();
});

test("a socket that is open but silent is left when its user comes back to the page", async () => {
  const tab = await (await ClientTab.open(browser, pages, gateway.url)).connected();
  const other = await browser.openTab();
  await tab.tab.until(() => document.hidden);
  await gateway.stall();
  const backAt = Date.now();
  await tab.tab.bringToFront();
  await tab.becomes("reconnecting");
  expect(Date.now() - backAt).toBeLessThan(6_000);
  gateway.goOn();
  await tab.connected();
  const id = randomUUID();
  await gateway.post(telsmartEvent("RINGING", { id }));
  await tab.hears(id, "ringing");
  await Promise.all([tab.tab.close(), other.close()]);
});

interface Crowd {
  readonly crowd: CallpopClient[];
  /** When each attempt began, by `performance.now()`. */
  readonly attempts: number[];
  readonly callpop: { readonly ready: Promise<{ CallpopClient: typeof CallpopClient }> };
}

test("fifty clients come back spread after a restart, all of them", async () => {
  const tokens = Array.from({ length: 5 }, (_, index) => gateway.token(`20${index}`));
  const tab = await browser.openTab(pages.url, (opened) => opened.prepare(keepSockets));
  await tab.evaluate(
    async (url, given) => {
      const { callpop } = globalThis as unknown as Crowd;
      const { CallpopClient } = await callpop.ready;
      const attempts: number[] = [];
      class Noted extends WebSocket {
        constructor(address: string | URL, protocols?: string | string[]) {
          super(address, protocols);
          attempts.push(performance.now());
        }
      }
      const crowd = Array.from({ length: 50 }, (_, index) => {
        const token = (): string => given[index % given.length] ?? "";
        return new CallpopClient({ url, token, tabs: false, webSocket: Noted });
      });
      for (const client of crowd) client.connect();
      Object.assign(globalThis, { crowd, attempts });
    },
    gateway.url,
    tokens,
  );
  const connected = (): Promise<number> =>
    tab.evaluate(() => {
      const { crowd } = globalThis as unknown as Crowd;
      return crowd.filter(({ state }) => state.phase === "connected").length;
    });
  await eventually("all connected", async () => (await connected()) === 50);
  await gateway.kill();
  // By the fifth attempt the waits are up to four seconds.
  await tab.until(() => {
    const { crowd } = globalThis as unknown as Crowd;
    return crowd.every(({ state }) => "attempt" in state && state.attempt >= 4);
  });
  const before = await tab.evaluate(() => (globalThis as unknown as Crowd).attempts.length);
  await gateway.start();
  await eventually("all back", async () => (await connected()) === 50);
  const times = await tab.evaluate(
    (from) => (globalThis as unknown as Crowd).attempts.slice(from),
    before,
  );
  // No tenth of a second sees more than a third of them.
  const most = Math.max(
    ...times.map((time) => times.filter((other) => other >= time && other < time + 100).length),
  );
  expect(most).toBeLessThanOrEqual(17);
  expect(await gateway.metric("callpop_sessions")).toBe(50);
  await tab.close();
});
