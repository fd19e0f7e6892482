import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { call } from "../../../tests/support/calls.ts";
import { keyOf } from "../src/item-key.ts";

const noted = new Map<string, string>();

beforeEach(() => {
  noted.clear();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => noted.get(key) ?? null,
    setItem: (key: string, text: string) => noted.set(key, text),
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/** As another tab has it: the same storage, and nothing else. */
async function anotherTab(): Promise<(call: string) => boolean> {
  vi.resetModules();
  return (await import("../src/element/screen-pop/popped.ts")).takeTurn;
}

test("one id on two extensions opens two addresses, each in one tab only", async () => {
  const calls = [call({ leg_id: "a b" }), call({ leg_id: "a b", extension: "210" })].map(keyOf);
  const here = await anotherTab();
  expect(calls.map(here)).toEqual([true, true]);
  expect(calls.map(here)).toEqual([false, false]);
  expect(calls.map(await anotherTab())).toEqual([false, false]);
});

test("the last fifty are noted", async () => {
  const takeTurn = await anotherTab();
  for (let index = 0; index < 60; index += 1) takeTurn(`call-${index}`);
  const there = await anotherTab();
  expect([there("call-9"), there("call-11")]).toEqual([true, false]);
});
