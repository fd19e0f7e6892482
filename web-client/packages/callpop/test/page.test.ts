import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { call } from "../../../tests/support/calls.ts";
import { CallpopClient } from "../src/client.ts";
import { FakeSocket, nextSocket, opening } from "./fake-gateway.ts";

const page = Object.assign(new EventTarget(), {
  visibilityState: "visible",
  hasFocus: (): boolean => true,
});

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.opened = [];
  page.hasFocus = (): boolean => true;
  vi.stubGlobal("document", page);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function connected(): Promise<[CallpopClient, FakeSocket]> {
  const options = { url: "https://g.example", token: () => "t", tabs: false };
  const client = new CallpopClient({ ...options, webSocket: FakeSocket });
  client.connect();
  const socket = await nextSocket();
  socket.receive(opening());
  expect(client.duties.notifies).toBe(false);
  return [client, socket];
}

test("a focus that went without an event is missed within two seconds", async () => {
  const [client] = await connected();
  page.hasFocus = (): boolean => false;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(client.duties.notifies).toBe(true);
  client.close();
});

test("it is missed before a call is told", async () => {
  const [client, socket] = await connected();
  page.hasFocus = (): boolean => false;
  const told: boolean[] = [];
  client.on("call", () => told.push(client.duties.notifies));
  socket.receive({ type: "call", seq: 11, call: call() });
  expect(told).toEqual([true]);
  client.close();
});
