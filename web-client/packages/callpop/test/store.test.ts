import type { Call, CallName } from "callpop";
import { expect, test } from "vitest";
import { call, endedCall, secondsAgo } from "../../../tests/support/calls.ts";
import { CallStore } from "../src/store.ts";
import { opening } from "./fake-gateway.ts";

type Opening = Parameters<CallStore["open"]>[0];
const open = (...args: Parameters<typeof opening>): Opening => opening(...args) as Opening;

test("the highest version of a leg stays, in whatever order they come", () => {
  const store = new CallStore();
  store.open(open());
  expect(store.add(12, call({ version: 3, state: "held" }))).toHaveLength(1);
  expect(store.add(11, call({ version: 2, state: "active" }))).toEqual([]);
  expect(store.add(12, call({ version: 3, state: "held" }))).toEqual([]);
  expect(store.list.map((held) => held.state)).toEqual(["held"]);
});

test("a change tells what was held before", () => {
  const store = new CallStore();
  store.open(open());
  const ringing = call({ version: 1 });
  expect(store.add(11, ringing)).toEqual([{ call: ringing, previous: null }]);
  const active = call({ version: 2, state: "active" });
  expect(store.add(12, active)).toEqual([{ call: active, previous: ringing }]);
});

test("a snapshot replaces everything, versions included", () => {
  const store = new CallStore();
  store.open(
    open("snapshot", { calls: [call({ leg_id: "a", version: 9 }), call({ leg_id: "b" })] }),
  );
  store.open(open("snapshot", { epoch: "e2", seq: 1, calls: [call({ leg_id: "a", version: 2 })] }));
  expect(store.list.map(({ leg_id, version }) => [leg_id, version])).toEqual([["a", 2]]);
  expect(store.resume).toBe("e2:1:mine");
});

test("resumed adds to what is held", () => {
  const store = new CallStore();
  store.open(open("snapshot", { calls: [call({ leg_id: "a" }), call({ leg_id: "b" })] }));
  const changed = call({ leg_id: "b", version: 2, state: "active" });
  const changes = store.open(open("resumed", { seq: 14, calls: [changed] }));
  expect(changes.map((change) => change.call)).toEqual([changed]);
  expect(store.list).toHaveLength(2);
});

test("resume asks from the highest seq seen, also when no call was", () => {
  const store = new CallStore();
  expect(store.resume).toBeNull();
  store.open(open("snapshot", { seq: 0 }));
  expect(store.resume).toBe("e1:0:mine");
  store.add(17, call());
  store.add(15, call({ leg_id: "b" }));
  expect(store.resume).toBe("e1:17:mine");
});

test("the newest call comes first", () => {
  const store = new CallStore();
  store.open(open());
  store.add(11, call({ leg_id: "old", started_at: secondsAgo(60) }));
  store.add(12, call({ leg_id: "new", started_at: secondsAgo(1) }));
  expect(store.list.map((held) => held.leg_id)).toEqual(["new", "old"]);
});

test("a page that stays open for weeks does not grow", () => {
  const store = new CallStore();
  store.open(open());
  store.add(11, call({ leg_id: "live", started_at: secondsAgo(99_999) }));
  for (let index = 0; index < 700; index += 1) {
    store.add(
      12 + index,
      endedCall({ leg_id: `ended-${index}`, started_at: secondsAgo(9_000 - index) }),
    );
  }
  expect(store.list).toHaveLength(501);
  const kept = store.list.map(({ leg_id }) => leg_id);
  expect([kept[0], kept.at(-2), kept.at(-1)]).toEqual(["ended-699", "ended-200", "live"]);
  store.open(open("snapshot", { epoch: "e2", calls: [endedCall({ leg_id: "ended-699" })] }));
  store.add(11, endedCall({ leg_id: "ended-0", started_at: secondsAgo(9_000) }));
  expect(store.list).toHaveLength(2);
});

test("a snapshot that is behind what is held adds to it: a tab has just taken the lead", () => {
  const store = new CallStore();
  store.open(open("snapshot", { seq: 10, calls: [call({ leg_id: "a", version: 2 })] }));
  store.add(12, call({ leg_id: "b" }));
  const older = [call({ leg_id: "a", version: 1 })];
  expect(store.open(open("snapshot", { seq: 11, calls: older }))).toEqual([]);
  expect(store.list.map(({ leg_id, version }) => `${leg_id}${version}`).sort()).toEqual([
    "a2",
    "b1",
  ]);
  expect(store.resume).toBe("e1:12:mine");
});

test("one id on two extensions, or of two sources, is as many calls", () => {
  const store = new CallStore();
  store.open(open());
  store.add(11, call({ extension: "610", version: 3, state: "held" }));
  store.add(12, call({ extension: "611", version: 1 }));
  store.add(13, call({ extension: "611", source: "clinic", version: 2 }));
  const active = call({ extension: "611", version: 2, state: "active" });
  expect(store.add(14, active)).toMatchObject([{ previous: { extension: "611", version: 1 } }]);
  expect(store.list.map(({ extension, source, state }) => [extension, source, state])).toEqual([
    ["610", "telsmart", "held"],
    ["611", "telsmart", "active"],
    ["611", "clinic", "ringing"],
  ]);
});

test("an id alone means every call that has it, and one that nobody has stays as it is", () => {
  const store = new CallStore();
  store.open(open());
  for (const extension of ["610", "611"]) store.add(11, call({ leg_id: "a", extension }));
  const meant = (name: CallName): unknown[] =>
    store.meant(name).map(({ extension, source }) => [extension, source]);
  expect(meant({ leg_id: "a" })).toEqual([
    ["610", "telsmart"],
    ["611", "telsmart"],
  ]);
  expect(meant({ leg_id: "a", extension: "611" })).toEqual([["611", "telsmart"]]);
  expect(store.meant({ leg_id: "b", extension: "611" })).toEqual([
    { leg_id: "b", extension: "611" },
  ]);
});

test("a list that was given out stays as it was, and there is another one after a change only", () => {
  const store = new CallStore();
  store.open(open("snapshot", { calls: [call({ leg_id: "a" })] }));
  const before = store.list;
  store.add(11, call({ leg_id: "a" }));
  expect(store.list).toBe(before);
  store.add(12, call({ leg_id: "a", version: 2, state: "active" }));
  expect(store.list).not.toBe(before);
  expect(before.map(({ state }) => state)).toEqual(["ringing"]);
});

test("a call keeps its place among those of the same moment, and leaves it when it began before", () => {
  const store = new CallStore();
  store.open(open());
  const at = (leg_id: string, version: number, seconds: number): Call =>
    call({ leg_id, version, started_at: secondsAgo(seconds) });
  for (const leg_id of ["a", "b", "c"]) store.add(11, at(leg_id, 1, 5));
  store.add(12, at("b", 2, 5));
  store.add(13, at("new", 1, 1));
  expect(store.list.map(({ leg_id }) => leg_id)).toEqual(["new", "a", "b", "c"]);
  store.add(14, at("a", 2, 9));
  expect(store.list.map(({ leg_id }) => leg_id)).toEqual(["new", "b", "c", "a"]);
});
