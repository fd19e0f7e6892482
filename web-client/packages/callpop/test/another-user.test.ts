import { CallpopClient } from "callpop";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { call, NOW_MS } from "../../../tests/support/calls.ts";
import { FakeSocket, opening, sentTypes } from "./fake-gateway.ts";
import { jwtOf, settle, stubTabs } from "./fake-tabs.ts";

const NOTE = { disposition: null, note: "jane's words" };

let token: () => string | Promise<string>;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS });
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  FakeSocket.opened = [];
  stubTabs();
  token = (): string => jwtOf("jane");
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const latest = (): FakeSocket => {
  const socket = FakeSocket.opened.at(-1);
  if (socket === undefined) throw new Error("no socket was opened");
  return socket;
};
const bearer = (): string | undefined => latest().protocols[1];
const legs = (client: CallpopClient): string[] => client.calls.map(({ leg_id }) => leg_id);

/** Jane's, with a call and a note of it that the gateway did not confirm yet. */
async function connected(tabs = true): Promise<CallpopClient> {
  const url = "https://gateway.example";
  const client = new CallpopClient({ url, token: () => token(), tabs, webSocket: FakeSocket });
  client.connect();
  await settle();
  if (FakeSocket.opened.length === 1) {
    const token_expires_at = NOW_MS / 1000 + 10;
    latest().receive(opening("snapshot", { calls: [call({ leg_id: "janes" })], token_expires_at }));
  }
  await settle();
  client.wrapUp("janes", NOTE);
  return client;
}

/** The client is Bob's from now on, and nothing of Jane's is with it. */
async function expectBobs(client: CallpopClient): Promise<void> {
  expect(bearer()).toBe(`bearer.${jwtOf("bob")}`);
  expect(latest().url).not.toContain("resume");
  expect(legs(client)).toEqual([]);
  latest().receive(opening("snapshot", { calls: [call({ leg_id: "janes" })] }));
  await settle();
  expect(client.state.phase).toBe("connected");
  expect(client.wrapUpState("janes")).toBeNull();
  expect(sentTypes(latest())).not.toContain("wrap_up");
  client.painted("janes");
  expect(sentTypes(latest())).toContain("painted");
}

test.each([true, false])("a fresh token of another user begins anew (tabs: %s)", async (tabs) => {
  const client = await connected(tabs);
  client.painted("janes");
  const janes = latest();
  const lists: number[] = [];
  client.on("calls", (calls) => lists.push(calls.length));
  token = (): string => jwtOf("bob");
  await vi.advanceTimersByTimeAsync(8_000);
  await settle();
  expect(sentTypes(janes)).not.toContain("token");
  expect(janes.closedWith).toEqual([1000]);
  expect(client.state.phase).toBe("reconnecting");
  expect(lists).toEqual([0]);
  await expectBobs(client);
});

test("so does one with other extensions", async () => {
  const client = await connected();
  token = (): string => jwtOf("jane", ["200", "201"]);
  await vi.advanceTimersByTimeAsync(8_000);
  await settle();
  expect(FakeSocket.opened).toHaveLength(2);
  expect(legs(client)).toEqual([]);
});

test("so does a reconnect with another user's token", async () => {
  const client = await connected();
  client.painted("janes");
  token = (): string => jwtOf("bob");
  latest().end(4401, "expired");
  await vi.advanceTimersByTimeAsync(125);
  await settle();
  await expectBobs(client);
});

test("renew() asks at once: the same user stays, another one begins anew", async () => {
  const client = await connected();
  const janes = latest();
  client.renew();
  await settle();
  expect(FakeSocket.opened).toHaveLength(1);
  expect(sentTypes(janes)).not.toContain("token");
  token = (): string => jwtOf("bob");
  client.renew();
  await settle();
  expect(janes.closedWith).toEqual([1000]);
  await expectBobs(client);
});

test("renew() in a tab without a socket leaves the others, and sends no token to them", async () => {
  const first = await connected();
  const second = await connected();
  expect(second.diagnose().transport).toBe("shared");
  token = (): string => jwtOf("bob");
  second.renew();
  await settle();
  expect(FakeSocket.opened).toHaveLength(2);
  await expectBobs(second);
  expect(legs(first)).toEqual(["janes"]);
  expect(first.state.phase).toBe("connected");
});

test("renew() overtakes a token that is still on its way", async () => {
  const given: ((token: string) => void)[] = [];
  token = (): Promise<string> => new Promise((resolve) => given.push(resolve));
  const options = { url: "https://gateway.example", token: () => token(), webSocket: FakeSocket };
  const client = new CallpopClient(options);
  client.connect();
  await settle();
  client.renew();
  await settle();
  given[1]?.(jwtOf("bob"));
  given[0]?.(jwtOf("jane"));
  await settle();
  expect(FakeSocket.opened).toHaveLength(1);
  await expectBobs(client);
});

test("a token that was asked for before close() opens nothing after it", async () => {
  const given: ((token: string) => void)[] = [];
  token = (): Promise<string> => new Promise((resolve) => given.push(resolve));
  const options = { url: "https://gateway.example", token: () => token(), webSocket: FakeSocket };
  const client = new CallpopClient(options);
  client.connect();
  await settle();
  client.close();
  client.connect();
  await settle();
  given[0]?.(jwtOf("jane"));
  await settle();
  expect(FakeSocket.opened).toHaveLength(0);
  given[1]?.(jwtOf("bob"));
  await settle();
  expect(bearer()).toBe(`bearer.${jwtOf("bob")}`);
});

test("close() shows nothing any more, and connect() as another user sends nothing of the former", async () => {
  const client = await connected();
  client.painted("janes");
  client.close();
  expect(legs(client)).toEqual([]);
  token = (): string => jwtOf("bob");
  client.connect();
  await settle();
  await expectBobs(client);
});

test("connect() of the same user still sends what was not confirmed", async () => {
  const client = await connected();
  client.close();
  client.connect();
  await settle();
  latest().receive(opening("snapshot", { calls: [call({ leg_id: "janes" })] }));
  expect(sentTypes(latest())).toContain("wrap_up");
});

test("a fresh token that was refused in band is not the present one", async () => {
  const client = await connected(false);
  token = (): string => `${jwtOf("jane")}2`;
  await vi.advanceTimersByTimeAsync(8_000);
  expect(sentTypes(latest())).toContain("token");
  latest().receive({ type: "error", code: "token_refused", detail: "not yet valid" });
  latest().end(4401, "expired");
  await vi.advanceTimersByTimeAsync(125);
  await settle();
  expect(bearer()).toBe(`bearer.${jwtOf("jane")}2`);
  expect(client.state.phase).toBe("reconnecting");
});
