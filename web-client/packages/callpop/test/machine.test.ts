// The machine by itself: what each event makes of each state, and what is to be done then.

import { describe, expect, test } from "vitest";
import { IDLE, step } from "../src/machine.ts";
import { RULES } from "../src/sharing-rules.ts";
import type { Effect, Machine, MachineEvent, Moment, SharingRules } from "../src/turn.ts";
import type { ServerFrame } from "../src/wire.ts";
import { opening } from "./fake-gateway.ts";
import { jwtOf } from "./fake-tabs.ts";

const MOMENT: Moment = {
  now: 1_000,
  chance: 0.5,

  token: null,
  canSend: true,
  company: null,
};
const JANE = jwtOf("jane");

/** Frozen to its last field, so that a step that changes what it was given throws. */
function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

function take(
  machine: Machine,
  event: MachineEvent,
  moment: Partial<Moment> = {},
  rules: SharingRules | null = null,
): [Machine, readonly Effect[]] {
  return step(frozen(machine), frozen(event), frozen({ ...MOMENT, ...moment }), rules);
}

/** The state after those events, one after the other. */
const after = (...events: readonly MachineEvent[]): Machine =>
  events.reduce((machine, event) => take(machine, event)[0], IDLE);

const began: ServerFrame = opening();
const DIALLING: readonly MachineEvent[] = [["start"], ["token", 1, JANE]];
const CONNECTED: readonly MachineEvent[] = [...DIALLING, ["frame", 1, began]];

const STATES: Readonly<Record<string, Machine>> = {
  idle: IDLE,
  asking: after(["start"]),
  dialling: after(...DIALLING),
  connected: after(...CONNECTED),
  waiting: after(...CONNECTED, ["lost", 1, 1006, ""]),
  refused: after(...CONNECTED, ["lost", 1, 4409, "too many"]),
  closed: after(...CONNECTED, ["stop"]),
  suspended: after(...CONNECTED, ["suspend"]),
};

const EVENTS: Readonly<Record<string, MachineEvent>> = {
  start: ["start"],
  stop: ["stop"],
  renew: ["renew"],
  back: ["back"],
  doubt: ["doubt"],
  suspend: ["suspend"],
  resume: ["resume"],
  "a token": ["token", 1, JANE],
  "no network for a token": ["noToken", 1, null],
  "no token": ["noToken", 1, "signed out"],
  "no further token": ["signedOut", "signed out"],
  "a fresh token": ["fresh", JANE],
  "a word to leave": ["frame", 1, { type: "reconnect", after_ms: 10 }],
  "the end": ["lost", 1, 1006, ""],
  "an end for good": ["lost", 1, 4403, "no"],
  "another link's frame": ["frame", 9, began],
  "another link's end": ["lost", 9, 4403, ""],
  "the next attempt": ["due", "retry", 0],
  "a silence": ["due", "overdue", 1],
  "a heartbeat": ["due", "heartbeat", 1],
};

function outcome(state: string, event: string): string {
  const [machine, effects] = take(STATES[state] ?? IDLE, EVENTS[event] ?? ["back"]);
  const deeds = effects.map(([name, ...given]) =>
    name === "timer" ? `timer ${String(given[0])}` : name,
  );
  return [machine.state.phase, ...deeds].join(" ");
}

const ENDS = "closed endLinks forgetPage forget state cleared";
const SIGNED_OUT = "refused endLinks forgetPage forget state cleared";
const BEGINS = "connecting forgetAsked heedPage fetch state";

/** The phase that follows, then what is done; what is not here changes no phase and does nothing. */
const TABLE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  idle: {
    start: BEGINS,
    stop: ENDS,
    renew: "idle forgetAsked",
    suspend: "idle endLinks",
    "no further token": SIGNED_OUT,
    "a fresh token": "idle send",
  },
  asking: {
    stop: ENDS,
    renew: "connecting forgetAsked fetch",
    suspend: "connecting endLinks",
    "a token": "connecting take timer overdue dial",
    "no network for a token": "connecting timer retry state",
    "no token": SIGNED_OUT,
    "no further token": SIGNED_OUT,
    "a fresh token": "connecting send",
  },
  dialling: {
    // A socket beside the one that is there, to take over from it.
    "a token": "connecting take timer overdue dial",
    stop: ENDS,
    renew: "connecting forgetAsked refresh",
    back: "connecting send timer overdue",
    doubt: "connecting send timer overdue",
    suspend: "connecting endLinks",
    "no further token": SIGNED_OUT,
    "a fresh token": "connecting send",
    "a word to leave": "connecting timer retry",
    "the end": "connecting endLinks timer retry state",
    "an end for good": "refused endLinks endLinks forgetPage state cleared",
    "a silence": "connecting hangUp endLinks timer retry state",
    "a heartbeat": "connecting send timer overdue timer heartbeat heartbeat",
  },
  connected: {
    "a token": "connected take timer overdue dial",
    stop: ENDS,
    renew: "connected forgetAsked refresh",
    back: "connected send timer overdue",
    doubt: "connected send timer overdue",
    suspend: "reconnecting endLinks state",
    "no further token": SIGNED_OUT,
    "a fresh token": "connected send",
    "a word to leave": "connected timer retry",
    "the end": "reconnecting endLinks timer retry state",
    "an end for good": "refused endLinks endLinks forgetPage state cleared",
    "a heartbeat": "connected send timer overdue send timer heartbeat heartbeat",
  },
  waiting: {
    stop: ENDS,
    renew: "reconnecting forgetAsked",
    back: "reconnecting timer retry",
    suspend: "reconnecting endLinks",
    "no further token": SIGNED_OUT,
    "a fresh token": "reconnecting send",
    "the next attempt": "reconnecting endLinks fetch",
  },
  refused: {
    start: BEGINS,
    stop: ENDS,
    renew: BEGINS,
    suspend: "refused endLinks",
    "no further token": SIGNED_OUT,
    "a fresh token": "refused send",
  },
  closed: {
    start: BEGINS,
    stop: ENDS,
    renew: "closed forgetAsked",
    suspend: "closed endLinks",
    "no further token": SIGNED_OUT,
    "a fresh token": "closed send",
  },
  suspended: {
    stop: ENDS,
    renew: "reconnecting forgetAsked fetch",
    suspend: "reconnecting endLinks",
    resume: "reconnecting timer retry",
    "no further token": SIGNED_OUT,
    "a fresh token": "reconnecting send",
  },
};

describe.each(Object.entries(STATES))("%s", (state, machine) => {
  test.each(Object.keys(EVENTS))("%s", (event) => {
    expect(outcome(state, event)).toBe(TABLE[state]?.[event] ?? machine.state.phase);
  });

  test.each(Object.entries(EVENTS))("%s gives the same again", (_, event) => {
    expect(take(machine, event)).toEqual(take(machine, event));
  });
});

const named = (effects: readonly Effect[], name: string): readonly Effect[] =>
  effects.filter(([one]) => one === name);

describe("an attempt", () => {
  test.each([
    [1, 62.5],
    [2, 125],
    [9, 10_000],
  ])("number %d comes after full jitter", (attempt, ms) => {
    const machine = { ...(STATES.connected ?? IDLE), attempt: attempt - 1 };
    const [next, effects] = take(machine, ["lost", 1, 1006, ""], { chance: 0.25 });
    expect(named(effects, "timer")).toEqual([["timer", "retry", 0, attempt === 9 ? 5_000 : ms]]);
    expect(next.attempt).toBe(attempt);
  });

  test("waits for as long as the gateway said, and no sign of the network hastens it", () => {
    const [told] = take(STATES.connected ?? IDLE, EVENTS["a word to leave"] ?? ["back"]);
    const [lost, effects] = take(told, ["lost", 1, 4503, ""], { now: 1_004 });
    expect(named(effects, "timer")).toEqual([["timer", "retry", 0, 6]]);
    expect(take(lost, ["back"], { now: 1_005 })[1]).toEqual([]);
    expect(take(lost, ["back"], { now: 1_010 })[1]).toEqual([["timer", "retry", 0, 0]]);
  });

  test("by a token of an attempt that is over opens nothing", () => {
    const restarted = after(["start"], ["stop"], ["start"]);
    expect(take(restarted, ["token", 1, JANE])[1]).toEqual([]);
  });

  test("is made once more with another token after 4401, and not with the same", () => {
    const [waiting] = take(STATES.connected ?? IDLE, ["lost", 1, 4401, "old"], { token: JANE });
    expect(waiting.state.phase).toBe("reconnecting");
    const [asking] = take(waiting, ["due", "retry", 0]);
    const { round } = asking;
    expect(take(asking, ["token", round, JANE])[0].state).toEqual({
      phase: "refused",
      reason: "token",
      detail: "old",
    });
    expect(named(take(asking, ["token", round, `${JANE}2`])[1], "dial")).toHaveLength(1);
  });

  test.each([[undefined], [null], [7], ["<html>"], [""]])("with %o for a token ends", (token) => {
    expect(take(STATES.asking ?? IDLE, ["token", 1, token])[0].state).toMatchObject({
      phase: "refused",
      reason: "token",
    });
  });
});

describe("another user's token", () => {
  const bob = jwtOf("bob");

  test.each([
    ["fresh", ["fresh", bob]],
    ["for an attempt", ["token", 1, bob]],
  ] as const)("%s: forgets, then begins with that token", (_, event) => {
    const [next, effects] = take(STATES.connected ?? IDLE, event, { token: JANE });
    expect(next).toMatchObject({ link: null, opening: null, spare: bob });
    const names = effects.map(([name]) => name);
    expect(names).not.toContain("send");
    expect(names.indexOf("endLinks")).toBeLessThan(names.indexOf("fetch"));
    // What the client hears comes last.
    expect(names.slice(-3)).toEqual(["otherUser", "state", "cleared"]);
  });
});

describe("with other tabs", () => {
  const others = [{ id: "other", leads: true, reach: IDLE.reach }];
  const follows = { company: { id: "me", leads: false, others }, token: JANE };
  const leads = { company: { id: "me", leads: true, others: [] }, token: JANE };
  const shared = (machine: Machine, event: MachineEvent, moment = {}): ReturnType<typeof take> =>
    take(machine, event, moment, RULES);
  const [following] = shared(STATES.asking ?? IDLE, ["token", 1, JANE], { token: JANE });
  const [live] = shared(following, ["message", began as never, "other"], follows);
  const [opening1] = shared(live, ["lead"], leads);
  const [dialled] = shared(opening1, ["token", opening1.round, JANE], leads);
  const [leading] = shared(dialled, ["frame", dialled.links, began], leads);

  test("it goes through the leader, whose frames alone it takes", () => {
    expect(following.link?.kind).toBe("tab");
    expect(live.state.phase).toBe("connected");
    const [same, effects] = shared(following, ["message", began as never, "stranger"], follows);
    expect([same.state.phase, effects]).toEqual(["connecting", []]);
  });

  test("a fresh token goes nowhere from a tab without a socket", () => {
    expect(shared(live, ["fresh", `${JANE}2`], follows)[1]).toEqual([["take", `${JANE}2`]]);
  });

  test("who gets the lead opens a socket, and says that it is connected meanwhile", () => {
    expect([opening1.state.phase, opening1.link]).toEqual(["connected", null]);
    expect(leading.link?.kind).toBe("socket");
    const [late] = shared(opening1, ["due", "lasting", 0], leads);
    expect(late.state).toEqual({ phase: "reconnecting", attempt: 0 });
  });

  test("who loses it lets go of its socket, and follows", () => {
    const [next, effects] = shared(leading, ["deposed"], follows);
    expect(next.link?.kind).toBe("tab");
    const names = effects.map(([name]) => name);
    expect(names.slice(0, 2)).toEqual(["endLinks", "lock"]);
  });

  test("the leader hands on calls, and answers ticks in the gateway's place", () => {
    const call = { type: "call", seq: 11, call: {} } as unknown as ServerFrame;
    const [, passed] = shared(leading, ["frame", leading.links, call], leads);
    expect(named(passed, "post")).toEqual([["post", call, null]]);
    const tick = { type: "tick", t0: 1 } as const;
    const [, answered] = shared(leading, ["message", tick, "other"], leads);
    expect(answered).toEqual([["answer", tick, "other"]]);
    expect(shared(live, ["message", tick, "other"], follows)[1]).toEqual([]);
  });

  test("a leader that is silent twice is robbed of the lead by a tab that is seen", () => {
    const seen = { ...live, reach: { ...live.reach, visible: true } };
    const [once, first] = shared(seen, ["lost", live.links, 1006, ""], follows);
    expect(named(first, "lock")).toEqual([["lock", "queue"]]);
    const [, second] = shared(once, ["lost", once.links, 1006, ""], follows);
    expect(named(second, "lock")).toEqual([["lock", "seize"]]);
  });

  test("a tab in front takes the lead only once its own socket lives", () => {
    const seen = { ...live, reach: { ...live.reach, visible: true } };
    const [settling, settles] = shared(seen, ["peers"], follows);
    expect(named(settles, "timer")).toEqual([["timer", "settle", 0, 200]]);
    const [rising, asks] = shared(settling, ["due", "settle", 0], follows);
    expect(named(asks, "fetch")).toHaveLength(1);
    const [beside] = shared(rising, ["token", rising.round, JANE], follows);
    expect([beside.link?.kind, beside.rising?.kind]).toEqual(["tab", "socket"]);
    const [given] = shared(beside, ["lost", beside.rising?.id ?? 0, 4409, ""], follows);
    expect([given.link?.kind, given.state.phase]).toEqual(["tab", "connected"]);
    const [taken, effects] = shared(beside, ["frame", beside.rising?.id ?? 0, began], follows);
    expect(taken.link?.kind).toBe("socket");
    expect(named(effects, "lock")).toEqual([["lock", "seize"]]);
  });
});
