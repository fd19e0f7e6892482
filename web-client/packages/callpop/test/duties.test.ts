import { expect, test } from "vitest";
import { dutiesOf } from "../src/duties.ts";
import { NO_REACH, type Peer, type Reach } from "../src/reach.ts";

const peer = (id: string, reach: Partial<Reach> = {}, leads = false): Peer => ({
  id,
  leads,
  reach: { ...NO_REACH, ...reach },
});

/** Who rings and who notifies, as all of them see it. */
function doers(...all: readonly Peer[]): { rings: string[]; notifies: string[] } {
  const duties = all.map((me) => ({
    id: me.id,
    ...dutiesOf(
      me,
      all.filter((other) => other !== me),
    ),
  }));
  const ids = (does: "rings" | "notifies"): string[] =>
    duties.filter((page) => page[does]).map(({ id }) => id);
  return { rings: ids("rings"), notifies: ids("notifies") };
}

test("without anything to go by, the leader does it all", () => {
  expect(doers(peer("a"), peer("b", {}, true), peer("c"))).toEqual({
    rings: ["b"],
    notifies: ["b"],
  });
});

test("a visible page with sound rings, before the leader and before others with sound", () => {
  const visible = peer("c", { visible: true, sound: true });
  expect(
    doers(peer("a", { sound: true }), peer("b", { sound: true }, true), visible).rings,
  ).toEqual(["c"]);
});

test("the leader rings before another page behind, and any page with sound before none", () => {
  expect(doers(peer("a", { sound: true }), peer("b", { sound: true }, true)).rings).toEqual(["b"]);
  expect(doers(peer("a", { sound: true }), peer("b", { visible: true }, true)).rings).toEqual([
    "a",
  ]);
});

test("of two that could, all choose the same one", () => {
  const both = { visible: true, sound: true, notifications: true };
  expect(doers(peer("b", both), peer("a", both), peer("c", {}, true))).toEqual({
    rings: ["a"],
    notifies: ["a"],
  });
});

test("nobody notifies while one of the pages has the focus", () => {
  const may = { notifications: true };
  expect(doers(peer("a", may, true), peer("b", { focused: true })).notifies).toEqual([]);
  expect(doers(peer("a", {}, true), peer("b", may)).notifies).toEqual(["b"]);
});
