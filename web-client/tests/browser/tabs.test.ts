// Several tabs of one user: one socket, one that leads, and every call heard once in each of them.

import { randomUUID } from "node:crypto";
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
let token: string;

beforeAll(async () => {
  pages = await servePages();
});
afterAll(() => pages?.close());
beforeEach(async () => {
  gateway = new Gateway([pages.origin]);
  await gateway.start();
  token = gateway.token("200");
  pages.useGateway(gateway.url, () => token);
});
afterEach(() => gateway?.dispose());

const open = (): Promise<ClientTab> => ClientTab.open(chromium.window, pages, gateway.url);

async function openSeveral(count: number): Promise<ClientTab[]> {
  const tabs: ClientTab[] = [];
  for (let index = 0; index < count; index += 1) tabs.push(await (await open()).connected());
  await tabs.at(-1)?.leads();
  return tabs;
}

/** Waits until that many sockets are open, here and at the gateway. */
async function expectSockets(tabs: readonly ClientTab[], count: number): Promise<void> {
  await eventually(`${count} sockets`, async () => {
    const open = await Promise.all(tabs.map((tab) => tab.sockets));
    const here = open.reduce((sum, sockets) => sum + sockets.open, 0);
    return here === count && (await gateway.metric("callpop_sessions")) === count;
  });
}

/** Posts calls one after the other until `meanwhile` is done; gives what was posted. */
async function postThroughout(meanwhile: () => Promise<void>): Promise<string[]> {
  const posted: string[] = [];
  let isDone = false;
  const done = meanwhile().finally(() => {
    isDone = true;
  });
  while (!isDone || posted.length < 20) {
    const id = randomUUID();
    await gateway.post(telsmartEvent("RINGING", { id }));
    await gateway.post(telsmartEvent("HANGUP", { id }));
    posted.push(id);
  }
  await done;
  const last = randomUUID();
  await gateway.post(telsmartEvent("RINGING", { id: last }));
  return [...posted, last];
}

/** Every one of these calls was heard in that tab to its end, and nothing twice. */
async function expectEachOnce(tab: ClientTab, posted: readonly string[]): Promise<void> {
  await tab.hears(posted.at(-1) ?? "", "ringing");
  const heard = await tab.heard;
  expect(heard.length).toBe(new Set(heard).size);
  const ended = posted.slice(0, -1).map((id) => `${id} ended`);
  expect(heard).toEqual(expect.arrayContaining(ended));
}

test("five tabs have one socket, and hear the same", async () => {
  const tabs = await openSeveral(5);
  await expectSockets(tabs, 1);
  const id = randomUUID();
  await gateway.post(telsmartEvent("RINGING", { id }));
  for (const tab of tabs) await tab.hears(id, "ringing");
  const leaders = await Promise.all(tabs.map(async (tab) => (await tab.duties).leads));
  expect(leaders).toEqual([false, false, false, false, true]);
  for (const tab of tabs) expect(await tab.heard).toEqual([`${id} ringing`]);
});

test("the tab in front takes the lead without a gap", async () => {
  const tabs = await openSeveral(3);
  const posted = await postThroughout(async () => {
    for (const tab of [...tabs, ...tabs]) {
      await tab.tab.bringToFront();
      await tab.leads();
    }
  });
  await expectSockets(tabs, 1);
  for (const tab of tabs) {
    await expectEachOnce(tab, posted);
    expect(await tab.phases).not.toContain("reconnecting");
  }
});

test("a leader that is closed is replaced, and nothing is lost", async () => {
  const tabs = await openSeveral(3);
  const [heir, other, leader] = tabs as [ClientTab, ClientTab, ClientTab];
  const posted = await postThroughout(async () => {
    await leader.tab.close();
    await eventually("another leader", async () => {
      const leads = await Promise.all([heir, other].map(async (tab) => (await tab.duties).leads));
      return leads.includes(true);
    });
  });
  await expectSockets([heir, other], 1);
  for (const tab of [heir, other]) await expectEachOnce(tab, posted);
});

test("a leader that freezes hands over, and follows when it thaws", async () => {
  const [first, second] = (await openSeveral(2)) as [ClientTab, ClientTab];
  await first.tab.bringToFront();
  await first.leads();
  await second.follows();
  await second.tab.freeze();
  await first.tab.freeze();
  const id = randomUUID();
  await gateway.post(telsmartEvent("RINGING", { id }));
  await eventually("no session", async () => (await gateway.metric("callpop_sessions")) === 0);
  await second.tab.thaw();
  await second.hears(id, "ringing");
  await second.leads();
  await first.tab.thaw();
  await first.hears(id, "ringing");
  await expectSockets([first, second], 1);
});

test("a leader that answers nobody is replaced", async () => {
  const [hung] = (await openSeveral(1)) as [ClientTab];
  await hung.tab.send("Debugger.enable");
  await hung.tab.send("Debugger.pause");
  const posted = randomUUID();
  const next = await open();
  await next.leads();
  await gateway.post(telsmartEvent("RINGING", { id: posted }));
  await next.hears(posted, "ringing");
  await hung.tab.send("Debugger.disable");
  await hung.follows();
  await hung.hears(posted, "ringing");
  await expectSockets([hung, next], 1);
});

test("all tabs say when the gateway is gone, and are back with one socket", async () => {
  const tabs = await openSeveral(3);
  await gateway.kill();
  for (const tab of tabs) await tab.becomes("reconnecting");
  await gateway.start();
  for (const tab of tabs) await tab.becomes("connected");
  await expectSockets(tabs, 1);
  const id = randomUUID();
  await gateway.post(telsmartEvent("RINGING", { id }));
  for (const tab of tabs) await tab.hears(id, "ringing");
});

test("a refusal stops all tabs, and connect() in any of them starts all again", async () => {
  const tabs = await openSeveral(3);
  const good = token;
  token = `${good.slice(0, -4)}AAAA`;
  await gateway.kill();
  await gateway.start();
  for (const tab of tabs) await tab.becomes("refused");
  const sockets = await Promise.all(tabs.map((tab) => tab.sockets));
  token = good;
  const [first] = tabs as [ClientTab];
  await first.do(() => (globalThis as unknown as InPage).client.connect());
  for (const tab of tabs) await tab.becomes("connected");
  await expectSockets(tabs, 1);
  // Only who led had tried before.
  expect(sockets.filter(({ open }) => open > 0)).toEqual([]);
});

test("what is dismissed, wrapped up and painted in one tab is so in all", async () => {
  const tabs = await openSeveral(3);
  const [first, , leader] = tabs as [ClientTab, ClientTab, ClientTab];
  const id = randomUUID();
  await gateway.post(telsmartEvent("RINGING", { id }));
  for (const tab of tabs) await tab.hears(id, "ringing");
  for (const tab of tabs) {
    await tab.do((leg) => (globalThis as unknown as InPage).client.painted(leg), id);
  }
  await first.do((leg) => (globalThis as unknown as InPage).client.dismiss(leg), id);
  await first.do((leg) => {
    const { client } = globalThis as unknown as InPage;
    client.wrapUp(leg, { disposition: null, note: "call back" });
  }, id);
  for (const tab of tabs) {
    await tab.tab.until((leg) => {
      const { client } = globalThis as unknown as InPage;
      const call = client.calls.find(({ leg_id }) => leg_id === leg);
      const isSaved = client.wrapUpState(leg) === null;
      return call?.dismissed_at && call.wrap_up?.note === "call back" && isSaved;
    }, id);
  }
  const painted = (): Promise<number> => gateway.metric("callpop_receipts_total");
  await eventually("a receipt", async () => (await painted()) >= 1);
  expect(await painted()).toBe(1);
  expect((await leader.sockets).ever).toBe(1);
});

test("close() in the leader closes that tab only", async () => {
  const tabs = await openSeveral(2);
  const [heir, closed] = tabs as [ClientTab, ClientTab];
  await closed.do(() => (globalThis as unknown as InPage).client.close());
  await heir.leads();
  await heir.tab.bringToFront();
  await closed.tab.bringToFront();
  await expectSockets(tabs, 1);
  expect((await closed.state).phase).toBe("closed");
});

test("exactly one tab rings, and none notifies while one has the focus", async () => {
  const tabs = await openSeveral(3);
  const duties = (): Promise<readonly [number, number]> =>
    Promise.all(tabs.map((tab) => tab.duties)).then((all) => [
      all.filter(({ rings }) => rings).length,
      all.filter(({ notifies }) => notifies).length,
    ]);
  await eventually("one rings", async () => (await duties()).join() === "1,0");
  const [first] = tabs as [ClientTab];
  await first.do(() => {
    (globalThis as unknown as InPage).client.report({ sound: true, notifications: true });
  });
  await first.tab.until(() => (globalThis as unknown as InPage).client.duties.rings);
  await eventually("still one", async () => (await duties()).join() === "1,0");
  await eventually("one of each, by the one that may", async () => {
    // A page hears late that its window has the focus, and says so after this.
    for (const tab of tabs) {
      await tab.do(() => (globalThis as unknown as InPage).client.report({ focused: false }));
    }
    return (await duties()).join() === "1,1" && (await first.duties).notifies;
  });
});
