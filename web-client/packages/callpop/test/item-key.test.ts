import { expect, test } from "vitest";
import { isMeant, keyOf, nameAlone } from "../src/item-key.ts";

const CALL = { source: "telsmart", extension: "200", leg_id: "a" };

test("no two items have one key, whatever their ids are made of", () => {
  const items = [
    CALL,
    { ...CALL, source: "clinic" },
    { ...CALL, extension: "201" },
    { ...CALL, extension: "200 a", leg_id: "b" },
    { ...CALL, extension: "200", leg_id: "a b" },
    { leg_id: "a" },
    { source: "telsmart", extension: "200", notice_id: "a" },
    { notice_id: "a" },
  ];
  expect(new Set(items.map(keyOf)).size).toBe(items.length);
  expect(keyOf({ ...CALL })).toBe(keyOf(CALL));
});

test("a frame carries the name alone, as far as it is known", () => {
  expect(nameAlone({ ...CALL, state: "ringing" } as typeof CALL)).toEqual(CALL);
  expect(JSON.stringify(nameAlone({ leg_id: "a" }))).toBe('{"leg_id":"a"}');
});

test.each([
  [{ leg_id: "a" }, true],
  [{ leg_id: "b" }, false],
  [{ leg_id: "a", extension: "200" }, true],
  [{ leg_id: "a", extension: "201" }, false],
  [{ leg_id: "a", source: "clinic" }, false],
])("%j means the call: %s", (meant, expected) => {
  expect([isMeant(CALL, meant), isMeant(meant, CALL)]).toEqual([expected, expected]);
});
