import type { Call, CallName } from "callpop";
import { expect, test } from "vitest";
import { call, endedCall, secondsAgo } from "../../../tests/support/calls.ts";
import { notice } from "../../../tests/support/notices.ts";
import { Store } from "../src/store.ts";
import { opening } from "./fake-gateway.ts";

type Opening = Parameters<Store["open"]>[0];
const open = (...args: Parameters<typeof opening>): Opening => opening(...args) as Opening;

test("the highest version of a leg stays, in whatever order they come", () => {
  const store = new Store();
  store.open(open());
  expect(store.addCall(12, call({ version: 3, state: "held" }))).toHaveLength(1);
  expect(store.addCall(11, call({ version: 2, state: "active" }))).toEqual([]);
  expect(store.addCall(12, call({ version: 3, state: "held" }))).toEqual([]);
  expect(store.calls.list.map((held) => held.state)).toEqual(["held"]);
});

test("a change tells what was held before", () => {
  const store = new Store();
  store.open(open());
  const ringing = call({ version: 1 });
  expect(store.addCall(11, ringing)).toEqual([[ringing, null]]);
  const active = call({ version: 2, state: "active" });
  expect(store.addCall(12, active)).toEqual([[active, ringing]]);
});

test("a snapshot replaces everything, versions included", () => {
  const store = new Store();
  store.open(
    open("snapshot", { calls: [call({ leg_id: "a", version: 9 }), call({ leg_id: "b" })] }),
  );
  store.open(open("snapshot", { epoch: "e2", seq: 1, calls: [call({ leg_id: "a", version: 2 })] }));
  expect(store.calls.list.map(({ leg_id, version }) => [leg_id, version])).toEqual([["a", 2]]);
  expect(store.resume).toBe("e2:1:mine");
});

test("resumed adds to what is held", () => {
  const store = new Store();
  store.open(open("snapshot", { calls: [call({ leg_id: "a" }), call({ leg_id: "b" })] }));
  const changed = call({ leg_id: "b", version: 2, state: "active" });
  const changes = store.open(open("resumed", { seq: 14, calls: [changed] }));
  expect(changes.calls.map(([item]) => item)).toEqual([changed]);
  expect(store.calls.list).toHaveLength(2);
});

test("resume asks from the highest seq seen, also when no call was", () => {
  const store = new Store();
  expect(store.resume).toBeNull();
  store.open(open("snapshot", { seq: 0 }));
  expect(store.resume).toBe("e1:0:mine");
  store.addCall(17, call());
  store.addCall(15, call({ leg_id: "b" }));
  expect(store.resume).toBe("e1:17:mine");
});

test("the newest call comes first", () => {
  const store = new Store();
  store.open(open());
  store.addCall(11, call({ leg_id: "old", started_at: secondsAgo(60) }));
  store.addCall(12, call({ leg_id: "new", started_at: secondsAgo(1) }));
  expect(store.calls.list.map((held) => held.leg_id)).toEqual(["new", "old"]);
});

test("a page that stays open for weeks does not grow", () => {
  const store = new Store();
  store.open(open());
  store.addCall(11, call({ leg_id: "live", started_at: secondsAgo(99_999) }));
  for (let index = 0; index < 700; index += 1) {
    store.addCall(
      12 + index,
      endedCall({ leg_id: `ended-${index}`, started_at: secondsAgo(9_000 - index) }),
    );
  }
  expect(store.calls.list).toHaveLength(501);
  const kept = store.calls.list.map(({ leg_id }) => leg_id);
  expect([kept[0], kept.at(-2), kept.at(-1)]).toEqual(["ended-699", "ended-200", "live"]);
  store.open(open("snapshot", { epoch: "e2", calls: [endedCall({ leg_id: "ended-699" })] }));
  store.addCall(11, endedCall({ leg_id: "ended-0", started_at: secondsAgo(9_000) }));
  expect(store.calls.list).toHaveLength(2);
});

test("a snapshot that is behind what is held adds to it: a tab has just taken the lead", () => {
  const store = new Store();
  store.open(open("snapshot", { seq: 10, calls: [call({ leg_id: "a", version: 2 })] }));
  store.addCall(12, call({ leg_id: "b" }));
  const older = [call({ leg_id: "a", version: 1 })];
  expect(store.open(open("snapshot", { seq: 11, calls: older }))).toEqual({
    calls: [],
    notices: [],
  });
  expect(store.calls.list.map(({ leg_id, version }) => `${leg_id}${version}`).sort()).toEqual([
    "a2",
    "b1",
  ]);
  expect(store.resume).toBe("e1:12:mine");
});

test("one id on two extensions, or of two sources, is as many calls", () => {
  const store = new Store();
  store.open(open());
  store.addCall(11, call({ extension: "610", version: 3, state: "held" }));
  store.addCall(12, call({ extension: "611", version: 1 }));
  store.addCall(13, call({ extension: "611", source: "clinic", version: 2 }));
  const active = call({ extension: "611", version: 2, state: "active" });
  expect(store.addCall(14, active)).toMatchObject([
    [{ version: 2 }, { extension: "611", version: 1 }],
  ]);
  expect(
    store.calls.list.map(({ extension, source, state }) => [extension, source, state]),
  ).toEqual([
    ["610", "telsmart", "held"],
    ["611", "telsmart", "active"],
    ["611", "clinic", "ringing"],
  ]);
});

test("an id alone means every call that has it, and one that nobody has stays as it is", () => {
  const store = new Store();
  store.open(open());
  for (const extension of ["610", "611"]) store.addCall(11, call({ leg_id: "a", extension }));
  const meant = (name: CallName): unknown[] =>
    store.calls.meant(name).map(({ extension, source }) => [extension, source]);
  expect(meant({ leg_id: "a" })).toEqual([
    ["610", "telsmart"],
    ["611", "telsmart"],
  ]);
  expect(meant({ leg_id: "a", extension: "611" })).toEqual([["611", "telsmart"]]);
  expect(store.calls.meant({ leg_id: "b", extension: "611" })).toEqual([
    { leg_id: "b", extension: "611" },
  ]);
});

test("a list that was given out stays as it was, and there is another one after a change only", () => {
  const store = new Store();
  store.open(open("snapshot", { calls: [call({ leg_id: "a" })] }));
  const before = store.calls.list;
  store.addCall(11, call({ leg_id: "a" }));
  expect(store.calls.list).toBe(before);
  store.addCall(12, call({ leg_id: "a", version: 2, state: "active" }));
  expect(store.calls.list).not.toBe(before);
  expect(before.map(({ state }) => state)).toEqual(["ringing"]);
});

test("a call keeps its place among those of the same moment, and leaves it when it began before", () => {
  const store = new Store();
  store.open(open());
  const at = (leg_id: string, version: number, seconds: number): Call =>
    call({ leg_id, version, started_at: secondsAgo(seconds) });
  for (const leg_id of ["a", "b", "c"]) store.addCall(11, at(leg_id, 1, 5));
  store.addCall(12, at("b", 2, 5));
  store.addCall(13, at("new", 1, 1));
  expect(store.calls.list.map(({ leg_id }) => leg_id)).toEqual(["new", "a", "b", "c"]);
  store.addCall(14, at("a", 2, 9));
  expect(store.calls.list.map(({ leg_id }) => leg_id)).toEqual(["new", "b", "c", "a"]);
});

test("notices are kept as calls are: the highest version, by their names, the newest first", () => {
  const store = new Store();
  const old = notice({ notice_id: "a", at: secondsAgo(60) });
  store.open(
    open("snapshot", {
      notices: [old, notice({ notice_id: "a", extension: "210", at: secondsAgo(30) })],
    }),
  );
  expect(store.notices.list.map(({ extension }) => extension)).toEqual(["210", "200"]);
  const reposted = notice({ notice_id: "a", version: 2, at: secondsAgo(1) });
  expect(store.addNotice(11, reposted)).toEqual([[reposted, old]]);
  expect(store.addNotice(11, old)).toEqual([]);
  expect(store.notices.list[0]).toBe(reposted);
  expect(store.resume).toBe("e1:11:mine");
  store.open(open("resumed", { seq: 12 }));
  expect(store.notices.list).toHaveLength(2);
  store.open(open("snapshot", { epoch: "e2" }));
  expect(store.notices.list).toEqual([]);
});

test("notices of weeks do not make it grow, and a call of the same id is none", () => {
  const store = new Store();
  store.open(open());
  for (let index = 0; index < 300; index += 1) {
    store.addNotice(11, notice({ notice_id: `n-${index}`, at: secondsAgo(9_000 - index) }));
  }
  store.addCall(12, call({ leg_id: "n-299" }));
  expect(store.notices.list).toHaveLength(200);
  expect(store.notices.list[0]?.notice_id).toBe("n-299");
});

test("a gateway that tells of no notices has none", () => {
  const store = new Store();
  const { notices: _, ...frame } = open();
  expect(store.open(frame as Opening)).toEqual({ calls: [], notices: [] });
});
