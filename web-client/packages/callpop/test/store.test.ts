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
  expect(store.get("live")).toBeDefined();
  expect(store.get("ended-699")).toBeDefined();
  expect(store.get("ended-0")).toBeUndefined();
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
