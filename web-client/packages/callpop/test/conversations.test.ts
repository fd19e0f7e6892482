import { CallpopClient, type Conversation } from "callpop";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { call, missedCall } from "../../../tests/support/calls.ts";
import { conversation } from "../../../tests/support/conversations.ts";
import { FakeSocket, nextSocket, opening } from "./fake-gateway.ts";
import { jwtOf, settle } from "./fake-tabs.ts";

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.opened = [];
});
afterEach(() => {
  vi.useRealTimers();
});

const missed = missedCall();

interface Heard {
  readonly client: CallpopClient;
  readonly socket: FakeSocket;
  readonly told: Conversation[];
}

async function connected(
  over: { conversations?: boolean; token?: () => string } = {},
): Promise<Heard> {
  const options = { url: "https://gateway.example", token: () => "jwt-1", webSocket: FakeSocket };
  const client = new CallpopClient({ ...options, ...over });
  const told: Conversation[] = [];
  client.on("conversation", (one) => told.push(one));
  client.connect();
  const socket = await nextSocket();
  socket.receive(opening("snapshot", { calls: [missed] }));
  return { client, socket, told };
}

async function receive({ socket }: Heard, ...conversations: Conversation[]): Promise<void> {
  for (const one of conversations) socket.receive({ type: "conversation", conversation: one });
  await settle();
}

test("the gateway is asked for conversations, unless they are not wanted", async () => {
  const [{ socket }, without] = [await connected(), await connected({ conversations: false })];
  expect(new URL(socket.url).searchParams.get("want")).toBe("conversation");
  expect(new URL(without.socket.url).search).toBe("");
});

test("a call has none where the gateway says none", async () => {
  const { client, told } = await connected();
  expect(client.conversationOf(missed)).toBeNull();
  expect(told).toEqual([]);
});

test("the latest of a call is held, and told of", async () => {
  const here = await connected();
  const [open, answered] = [conversation({ outcome: "open", answered_by: null }), conversation()];
  await receive(here, open, answered);
  expect(here.told).toEqual([open, answered]);
  expect(here.client.conversationOf(missed)).toEqual(answered);
  const { source, extension, leg_id } = missed;
  expect(here.client.conversationOf({ source, extension, leg_id })).toEqual(answered);
});

test("the same id on another extension, or from another source, is another call", async () => {
  const here = await connected();
  await receive(here, conversation());
  for (const over of [{ extension: "210" }, { source: "clinic" }]) {
    expect(here.client.conversationOf({ ...missed, ...over })).toBeNull();
  }
  await receive(here, conversation({ source: "clinic" }));
  expect(here.told).toHaveLength(1);
});

test("one without a call that is held is passed over", async () => {
  const here = await connected();
  await receive(here, conversation({ legs: [{ extension: "210", leg_id: "jane" }] }));
  expect(here.told).toEqual([]);
});

test("what is replaced is gone, also where a leg left it", async () => {
  const here = await connected();
  const other = call({ leg_id: "other" });
  here.socket.receive({ type: "call", seq: 11, call: other });
  const [mine, others] = [missed, other].map(({ extension, leg_id }) => ({ extension, leg_id }));
  if (mine === undefined || others === undefined) throw new Error("two legs");
  await receive(here, conversation({ conversation_id: "old", legs: [mine, others] }));
  const now = conversation({ conversation_id: "new", legs: [mine], replaces: ["old"] });
  await receive(here, now);
  expect(here.client.conversationOf(missed)).toEqual(now);
  expect(here.client.conversationOf(other)).toBeNull();
});

test("it is forgotten with its call", async () => {
  const here = await connected();
  const other = call({ leg_id: "other" });
  await receive(here, conversation());
  here.socket.receive(opening("snapshot", { epoch: "e2", calls: [other] }));
  const { extension, leg_id } = other;
  await receive(here, conversation({ conversation_id: "c2", legs: [{ extension, leg_id }] }));
  here.socket.receive({ type: "call", seq: 12, call: missed });
  expect(here.client.conversationOf(missed)).toBeNull();
  here.client.close();
  expect(here.client.conversationOf(other)).toBeNull();
});

test("another user's is not there, though its code came late", async () => {
  let user = "jane";
  const here = await connected({ token: () => jwtOf(user) });
  here.socket.receive({ type: "conversation", conversation: conversation() });
  user = "john";
  here.client.renew();
  await settle();
  (await nextSocket()).receive(opening());
  await settle();
  expect(here.client.conversationOf(missed)).toBeNull();
});
