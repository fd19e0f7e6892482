// What happens to a page and its computer: the back/forward cache, freezing, sleep, dead networks,
// wrong clocks.

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { ClientTab, type InPage } from "../support/client-tab.ts";
import { telsmartEvent } from "../support/events.ts";
import { Gateway } from "../support/gateway.ts";
import { type Pages, servePages } from "../support/pages.ts";
import { windowOfChromium } from "../support/window-of-chromium.ts";

const TEN_MINUTES_MS = 600_000;
/** Tells a clock that is right from one that is not; how right it is, `make bench-web` measures. */
const NEAR_MS = 30_000;

const chromium = windowOfChromium();
let pages: Pages;
let gateway: Gateway;
let token: () => string;

beforeAll(async () => {
  pages = await servePages();
});
afterAll(() => pages?.close());
beforeEach(async () => {
  gateway = new Gateway([pages.origin]);
  await gateway.start();
  const fixed = gateway.token("200");
  token = () => fixed;
  pages.useGateway(gateway.url, () => token());
});
afterEach(() => gateway?.dispose());

const sessions = (count: number): Promise<boolean> =>
  eventually(`${count} sessions`, async () => (await gateway.metric("callpop_sessions")) === count);

/** Posts a call that rings; gives its leg. */
async function ring(): Promise<string> {
  const id = randomUUID();
  await gateway.post(telsmartEvent("RINGING", { id }));
  return id;
}

async function expectOnce(tab: ClientTab, ...legs: readonly string[]): Promise<void> {
  for (const leg of legs) await tab.hears(leg, "ringing");
  expect(await tab.heard).toEqual(legs.map((leg) => `${leg} ringing`));
}

test.each([true, false])(
  "a page in the back/forward cache holds nothing, and goes on when it is back (tabs: %s)",
  async (tabs) => {
    const tab = await (
      await ClientTab.open(chromium.window, pages, gateway.url, { tabs })
    ).connected();
    const before = await ring();
    await tab.hears(before, "ringing");
    await tab.tab.goto(`${pages.url}contacts.html`);
    await sessions(0);
    const meanwhile = await ring();
    await tab.tab.go(-1);
    // The same document: otherwise its client would be gone.
    await tab.tab.until(() => "client" in globalThis);
    await tab.connected();
    const after = await ring();
    await expectOnce(tab, before, meanwhile, after);
    await sessions(1);
  },
);

test("a frozen page lets go of its socket, and catches up when it thaws", async () => {
  const options = { tabs: false };
  const tab = await (
    await ClientTab.open(chromium.window, pages, gateway.url, options)
  ).connected();
  const before = await ring();
  await tab.hears(before, "ringing");
  await chromium.window.openTab();
  await tab.tab.until(() => document.hidden);
  await tab.tab.freeze();
  await sessions(0);
  const meanwhile = await ring();
  await tab.tab.thaw();
  await tab.connected();
  await expectOnce(tab, before, meanwhile);
});

test("a token that ended in the page's sleep is mended by the provider, once", async () => {
  let [asked, lifeSeconds, minted] = [0, 3, ""];
  token = () => {
    asked += 1;
    minted = gateway.token("200", lifeSeconds);
    return minted;
  };
  const options = { tabs: false };
  const tab = await (
    await ClientTab.open(chromium.window, pages, gateway.url, options)
  ).connected();
  await chromium.window.openTab();
  await tab.tab.until(() => document.hidden);
  await tab.tab.freeze();
  await sessions(0);
  const askedBefore = asked;
  await eventually("an expired token", () => Date.now() > endOf(minted));
  lifeSeconds = 3600;
  await tab.tab.thaw();
  await tab.connected();
  expect(asked).toBe(askedBefore + 1);
  expect(await tab.phases).not.toContain("refused");
});

test("a token that ends on an open socket is mended by the provider", async () => {
  const fresh = gateway.token("200");
  let short: string | null = null;
  // As a provider that caches: it has no better one before that one has ended.
  token = () => {
    short ??= gateway.token("200", 4);
    return Date.now() < endOf(short) ? short : fresh;
  };
  const tab = await (await ClientTab.open(chromium.window, pages, gateway.url)).connected();
  await eventually("another session", async () => (await tab.sockets).ever === 2);
  await tab.connected();
  expect(await tab.phases).toEqual(["connecting", "connected", "reconnecting", "connected"]);
  await tab.hears(await ring(), "ringing");
});

test("a socket that is open but silent is left soon after the browser goes offline", async () => {
  const tab = await (await ClientTab.open(chromium.window, pages, gateway.url)).connected();
  await tab.tab.setOffline(true);
  await tab.becomes("reconnecting");
  const meanwhile = await ring();
  await tab.tab.setOffline(false);
  await tab.connected();
  await expectOnce(tab, meanwhile);
  await sessions(1);
});

test("a word of being offline alone does not end a connection that lives", async () => {
  const tab = await (await ClientTab.open(chromium.window, pages, gateway.url)).connected();
  await tab.do(() => void dispatchEvent(new Event("offline")));
  const heardAt = await tab.do(() => performance.now());
  await tab.tab.until((since) => {
    const age = (globalThis as unknown as InPage).client.diagnose().lastFrameAgeMs ?? Infinity;
    return performance.now() - age > since;
  }, heardAt);
  const leg = await ring();
  await expectOnce(tab, leg);
  expect(await tab.phases).toEqual(["connecting", "connected"]);
});

test.each([TEN_MINUTES_MS, -TEN_MINUTES_MS])(
  "server time is right with a clock that is off by %d ms, and when it jumps back in a call",
  async (skew) => {
    const tab = await ClientTab.open(chromium.window, pages, gateway.url, {}, (opened) =>
      opened.prepare(skewClock, skew),
    );
    await tab.connected();
    await tab.hears(await ring(), "ringing");
    const skewIs = (by: number): Promise<boolean> =>
      tab.tab.until(
        (wanted, near) => Math.abs((globalThis as unknown as InPage).client.skew() - wanted) < near,
        by,
        NEAR_MS,
      );
    await skewIs(skew);
    expect(Math.abs(await clockError(tab))).toBeLessThan(NEAR_MS);
    await tab.do(() => Object.assign(globalThis, { wrongBy: 0 }) && undefined);
    expect(Math.abs(await clockError(tab))).toBeLessThan(NEAR_MS);
    await skewIs(0);
    expect(await tab.phases).toEqual(["connecting", "connected"]);
  },
);

test("after the computer's sleep the time is right again in every tab", async () => {
  const tabs: ClientTab[] = [];
  for (let count = 0; count < 2; count += 1) {
    const tab = await ClientTab.open(chromium.window, pages, gateway.url, {}, (opened) =>
      opened.prepare(sleepyClock),
    );
    tabs.push(await tab.connected());
  }
  await tabs[1]?.leads();
  for (const { tab } of tabs) {
    await tab.until(() => (globalThis as unknown as InPage).client.diagnose().roundTripMs !== null);
  }
  // In sleep only the wall clock goes on.
  for (const { tab } of tabs) {
    await tab.evaluate((ms) => void Object.assign(globalThis, { slept: ms }), TEN_MINUTES_MS);
  }
  for (const tab of tabs) {
    await eventually("the right time", async () => Math.abs(await clockError(tab)) < NEAR_MS);
    expect((await tab.state).phase).toBe("connected");
  }
});

test("close() stays closed, whatever happens to the page", async () => {
  const tab = await (await ClientTab.open(chromium.window, pages, gateway.url)).connected();
  await tab.do(() => (globalThis as unknown as InPage).client.close());
  await sessions(0);
  await tab.do(() => {
    for (const name of ["offline", "online"]) dispatchEvent(new Event(name));
  });
  const other = await chromium.window.openTab();
  await tab.tab.until(() => document.hidden);
  await tab.tab.freeze();
  await tab.tab.thaw();
  await tab.tab.bringToFront();
  await tab.tab.until(() => !document.hidden);
  await tab.tab.goto(`${pages.url}contacts.html`);
  await tab.tab.go(-1);
  await tab.tab.until(() => "client" in globalThis);
  await other.close();
  expect((await tab.state).phase).toBe("closed");
  expect(await tab.phases).toEqual(["connecting", "connected", "closed"]);
  expect(await tab.sockets).toEqual({ open: 0, ever: 1 });
});

/** When a token ends, in milliseconds. */
function endOf(jwt: string): number {
  return JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString()).exp * 1000;
}

/** By how much the client's server time is off; the gateway runs on this computer. */
function clockError(tab: ClientTab): Promise<number> {
  return tab.do(() => {
    const { client, trueNow } = globalThis as unknown as InPage & { trueNow(): number };
    return client.now() - trueNow();
  });
}

/** Makes the page's wall clock wrong, by `wrongBy` from then on. */
function skewClock(skew: number): void {
  const now = Date.now.bind(Date);
  Object.assign(globalThis, { wrongBy: skew, trueNow: now });
  Date.now = () => now() + (Reflect.get(globalThis, "wrongBy") as number);
}

/** Makes the page's own clock stand still for as long as `slept` is set to. */
function sleepyClock(): void {
  const real = performance.now.bind(performance);
  Object.assign(globalThis, { slept: 0, trueNow: Date.now.bind(Date) });
  performance.now = () => real() - (Reflect.get(globalThis, "slept") as number);
}
