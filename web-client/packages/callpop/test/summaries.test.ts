import { CallpopClient } from "callpop";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { call, endedCall, secondsAgo } from "../../../tests/support/calls.ts";
import { FakeSocket, nextSocket, opening, sentTypes } from "./fake-gateway.ts";

const CONTENT = { title: "What was said" };
const long = endedCall({
  summary: { language: "en-GB", reported_at: secondsAgo(60), content: null, more: true },
});
const whole = {
  ...long,
  summary: { language: "en-GB", reported_at: secondsAgo(60), content: CONTENT },
};

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.opened = [];
});
afterEach(() => {
  vi.useRealTimers();
});

async function connected(): Promise<[CallpopClient, FakeSocket]> {
  const client = new CallpopClient({
    url: "https://gateway.example/",
    token: () => "jwt-1",
    webSocket: FakeSocket,
  });
  client.connect();
  const socket = await nextSocket();
  socket.receive(opening("snapshot", { calls: [long] }));
  return [client, socket];
}

/** The part that is loaded has come. */
async function loaded(): Promise<void> {
  await vi.dynamicImportSettled();
  await vi.advanceTimersByTimeAsync(0);
}

test("a long summary is asked for on the same socket, and changes no call", async () => {
  const [client, socket] = await connected();
  const changes: unknown[] = [];
  client.on("call", (change) => changes.push(change));
  const content = client.summary(long);
  await loaded();
  const { leg_id, source, extension } = long;
  const asked = socket.sent.filter(({ type }) => type === "summary");
  expect(asked).toEqual([{ type: "summary", leg_id, source, extension }]);
  socket.receive({ type: "call", seq: 10, call: call({ leg_id: "another" }) });
  socket.receive({ type: "call", seq: 11, call: long });
  socket.receive({ type: "call", seq: 11, call: whole });
  await expect(content).resolves.toEqual(CONTENT);
  expect(changes).toHaveLength(1);
  expect(client.calls.find((known) => known.leg_id === leg_id)?.summary?.more).toBe(true);
});

test("what is held already is told at once", async () => {
  const [client, socket] = await connected();
  socket.receive({ type: "call", seq: 11, call: { ...whole, version: 99 } });
  const content = client.summary(whole.leg_id);
  await loaded();
  await expect(content).resolves.toEqual(CONTENT);
  expect(sentTypes(socket)).not.toContain("summary");
});

test("a call without a summary is an error at once, silence after a while", async () => {
  const [client, socket] = await connected();
  const refused = client.summary(long);
  const failed = expect(refused).rejects.toThrow("unknown_call");
  await loaded();
  const { leg_id } = long;
  socket.receive({ type: "error", code: "unknown_call", detail: "none", leg_id });
  await failed;
  const silent = expect(client.summary(long)).rejects.toThrow("unavailable");
  await loaded();
  await vi.advanceTimersByTimeAsync(20_000);
  await silent;
});

test("it is asked for again over the next connection", async () => {
  const [client, socket] = await connected();
  const content = client.summary(long);
  await loaded();
  socket.end(1006);
  await vi.advanceTimersByTimeAsync(5_000);
  const next = await nextSocket();
  expect(next).not.toBe(socket);
  next.receive(opening("resumed"));
  expect(sentTypes(next)).toContain("summary");
  next.receive({ type: "call", seq: 10, call: whole });
  await expect(content).resolves.toEqual(CONTENT);
});
