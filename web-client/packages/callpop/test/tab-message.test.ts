import { expect, test } from "vitest";
import { call } from "../../../tests/support/calls.ts";
import { conversation } from "../../../tests/support/conversations.ts";
import { notice } from "../../../tests/support/notices.ts";
import { isEnvelope } from "../src/tab-message.ts";
import { opening } from "./fake-gateway.ts";

const reach = { visible: true, focused: true, sound: true, notifications: true };
const isTaken = (message: unknown, over: object = {}): boolean =>
  isEnvelope({ from: "x", to: null, reach, message, ...over });
const told = (over: object): object => ({
  type: "conversation",
  conversation: { ...conversation(), ...over },
});

test.each([
  { type: "hello" },
  { type: "lead", state: { phase: "connected", sessionId: "s1" } },
  opening("snapshot", { calls: [call()], notices: [notice()] }),
  { type: "call", seq: 1, call: call() },
  { type: "notice", seq: 1, notice: notice() },
  told({}),
  told({ legs: [], replaces: ["c0"] }),
  { type: "tick", t0: 1 },
])("what pages say is taken: $type", (message) => {
  expect(isTaken(message)).toBe(true);
  expect(isTaken(message, { to: "me" })).toBe(true);
});

test.each([
  ["a list", []],
  ["no type", {}],
  ["a type of another kind", { type: ["hello"] }],
  ["a name of every object", { type: "constructor" }],
  ["a state without a phase", { type: "lead", state: {} }],
  ["a list that is none", { ...opening(), calls: { length: 0 } }],
  ["a call that is none", { ...opening(), calls: [call(), null] }],
  ["a notice that is none", { ...opening(), notices: [{}] }],
  ["a call of another kind", { type: "call", seq: 1, call: { ...call(), extension: null } }],
  ["a conversation without legs", told({ legs: null })],
  ["a leg that is none", told({ legs: [null] })],
  ["a leg without an extension", told({ legs: [{ leg_id: "a" }] })],
  ["an id that is none", told({ replaces: [1] })],
  ["a token", { type: "token", token: "jwt" }],
  ["what a board is for", { type: "board", windows: [], by: [] }],
])("what is not so is passed over: %s", (_, message) => {
  expect(isTaken(message)).toBe(false);
});

test("an envelope says from whom, to whom, and what that page can do", () => {
  for (const over of [{ from: 1 }, { to: 1 }, { to: undefined }, { reach: null }]) {
    expect(isTaken({ type: "hello" }, over)).toBe(false);
  }
  for (const value of [null, 1, "x", []]) expect(isEnvelope(value)).toBe(false);
});
