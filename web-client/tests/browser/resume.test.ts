// Connections that end, are dead, or come back all at once.

import { randomUUID } from "node:crypto";
import type { CallpopClient } from "callpop";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { ClientTab, type InPage } from "../support/client-tab.ts";
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
  const token = gateway.token("200");
  pages.useGateway(gateway.url, () => token);
});
afterEach(() => gateway?.dispose());

test("five cuts in a row lose no call and repeat none", async () => {
  const options = { tabs: false };
  const tab = await (
    await ClientTab.open(chromium.window, pages, gateway.url, options)
  ).connected();
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
});

test("a socket that is open but silent is left when its user comes back to the page", async () => {
  const tab = await (await ClientTab.open(chromium.window, pages, gateway.url)).connected();
  await chromium.window.openTab();
  await tab.tab.until(() => document.hidden);
  await gateway.stall();
  await tab.tab.bringToFront();
  await tab.becomes("reconnecting");
  gateway.goOn();
  await tab.connected();
  const id = randomUUID();
  await gateway.post(telsmartEvent("RINGING", { id }));
  await tab.hears(id, "ringing");
});

interface Crowd {
  readonly crowd: CallpopClient[];
  /** How long the clients chose to wait until their next attempts, in milliseconds. */
  readonly waits: number[];
  readonly callpop: { readonly ready: Promise<{ CallpopClient: typeof CallpopClient }> };
}

test("fifty clients come back spread after a restart, all of them", async () => {
  const tokens = Array.from({ length: 5 }, (_, index) => gateway.token(`20${index}`));
  const tab = await chromium.window.openTab(pages.url, (opened) => opened.prepare(keepWaits));
  await tab.evaluate(
    async (url, given) => {
      const { callpop } = globalThis as unknown as Crowd;
      const { CallpopClient } = await callpop.ready;
      const crowd = Array.from({ length: 50 }, (_, index) => {
        const token = (): string => given[index % given.length] ?? "";
        return new CallpopClient({ url, token, tabs: false });
      });
      for (const client of crowd) client.connect();
      Object.assign(globalThis, { crowd });
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
  await tab.evaluate(() => void (globalThis as unknown as Crowd).waits.splice(0));
  const waits = (await tab.until(() => {
    const { waits: chosen } = globalThis as unknown as Crowd;
    return chosen.length >= 50 ? chosen.slice(0, 50) : null;
  })) as number[];
  await gateway.start();
  await eventually("all back", async () => (await connected()) === 50);
  // No tenth of a second is chosen by more than a third of them.
  const most = Math.max(
    ...waits.map((wait) => waits.filter((other) => other >= wait && other < wait + 100).length),
  );
  expect(most).toBeLessThanOrEqual(17);
  expect(await gateway.metric("callpop_sessions")).toBe(50);
});

/** Notes the waits that are chosen at random: those that are no whole number of milliseconds. */
function keepWaits(): void {
  const waits: number[] = [];
  const real = setTimeout;
  Object.assign(globalThis, {
    waits,
    setTimeout: (run: () => void, ms = 0, ...args: unknown[]) => {
      if (!Number.isInteger(ms)) waits.push(ms);
      return real(run, ms, ...args);
    },
  });
}
