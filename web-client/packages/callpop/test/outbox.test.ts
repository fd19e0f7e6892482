import type { Call, CallName } from "callpop";
import { describe, expect, test } from "vitest";
import { call } from "../../../tests/support/calls.ts";
import type { Act, Answer, Said, ToldAct } from "../src/acts.ts";
import { Outbox } from "../src/outbox.ts";

const A = { leg_id: "a" };
const NOTE = { disposition: null, note: "call back" };
const SAID = { ...NOTE, at: 1, by: "jane" };
const CLOSED: Act = { type: "dismiss", seen: 3 };

type Others = Said & { readonly nowMs?: number; readonly stored?: Call };

/** Does that; tells what came of it: nothing yet, "stored", or why it never will be. */
function act(outbox: Outbox, name: CallName, done: Act, others: Others = {}): { came: string } {
  const { nowMs = 1, stored, ...said } = others;
  const told = { came: "" };
  outbox.add(name, done, { ...said, nowMs, call: stored }).then(
    () => (told.came = "stored"),
    ({ code }) => (told.came = code),
  );
  return told;
}

const wrapUp = (
  outbox: Outbox,
  name: CallName,
  note: string,
  others: Others = {},
): { came: string } => act(outbox, name, { type: "wrap_up", disposition: null, note }, others);

/** What is sent now, over a socket of its own. */
const sent = (outbox: Outbox, known?: Call): readonly ToldAct[] =>
  outbox.take(1_000, false, () => known);

/** What is sent when a session begins. */
function afresh(outbox: Outbox, known?: Call): readonly ToldAct[] {
  outbox.restart();
  return sent(outbox, known);
}

async function answer(outbox: Outbox, given: object): Promise<void> {
  outbox.answer({ seq: 1, detail: "", ...A, ...given } as unknown as Answer);
  await Promise.resolve();
}
const durable = (outbox: Outbox, over: object = {}): Promise<void> =>
  answer(outbox, { type: "durable", ...over });
const refused = (outbox: Outbox, code: string, over: object = {}): Promise<void> =>
  answer(outbox, { type: "error", code, ...over });

test("an act is kept until it is durable, and is sent again in every session before", async () => {
  const outbox = new Outbox();
  const told = wrapUp(outbox, A, NOTE.note);
  const frames = [{ type: "wrap_up", ...A, ...NOTE }];
  expect(sent(outbox)).toEqual(frames);
  expect(sent(outbox)).toEqual([]);
  expect(afresh(outbox, call({ wrap_up: SAID }))).toEqual(frames);
  expect([outbox.stateOf(A), told.came]).toEqual(["saving", ""]);
  await durable(outbox);
  expect([outbox.stateOf(A), told.came]).toEqual([null, "stored"]);
  expect(afresh(outbox)).toEqual([]);
});

test("dismissed, told more and dismissed again while away: the second one is sent", async () => {
  const outbox = new Outbox();
  const first = act(outbox, A, { type: "dismiss", seen: 3 });
  sent(outbox);
  await durable(outbox);
  const second = act(outbox, A, { type: "dismiss", seen: 5 });
  expect(afresh(outbox, call({ dismissed_at: 1 }))).toEqual([{ type: "dismiss", ...A, seen: 5 }]);
  expect([first.came, second.came]).toEqual(["stored", ""]);
  await durable(outbox);
  expect(second.came).toBe("stored");
});

test("one that was not sent gives way to the next of its kind, and both are stored by that", async () => {
  const outbox = new Outbox();
  const both = [3, 5].map((seen) => act(outbox, A, { type: "dismiss", seen }));
  expect(sent(outbox)).toMatchObject([{ seen: 5 }]);
  await durable(outbox);
  expect(both.map(({ came }) => came)).toEqual(["stored", "stored"]);
});

test("what is under way does for the same done again", async () => {
  const outbox = new Outbox();
  const all = [
    act(outbox, A, CLOSED),
    act(outbox, A, CLOSED),
    act(outbox, A, { type: "dismiss", seen: 2 }),
  ];
  expect(sent(outbox)).toHaveLength(1);
  await durable(outbox);
  expect(all.map(({ came }) => came)).toEqual(["stored", "stored", "stored"]);
  expect(sent(outbox)).toEqual([]);
});

test("acts on one item are under way one at a time, in their order, so that each has its answer", async () => {
  const outbox = new Outbox();
  const acts = [
    act(outbox, A, CLOSED),
    wrapUp(outbox, A, "one"),
    act(outbox, { leg_id: "b" }, CLOSED),
  ];
  expect(sent(outbox).map(({ type, leg_id }) => [type, leg_id])).toEqual([
    ["dismiss", "a"],
    ["dismiss", "b"],
  ]);
  await durable(outbox);
  expect(acts.map(({ came }) => came)).toEqual(["stored", "", ""]);
  expect(sent(outbox)).toMatchObject([{ type: "wrap_up", note: "one" }]);
  await durable(outbox, { leg_id: "b" });
  await durable(outbox);
  expect(acts.map(({ came }) => came)).toEqual(["stored", "stored", "stored"]);
});

test("a wrap-up that was sent has its own answer, and what replaced it another", async () => {
  const outbox = new Outbox();
  const one = wrapUp(outbox, A, "one");
  sent(outbox);
  const two = wrapUp(outbox, A, "two");
  expect(sent(outbox)).toEqual([]);
  await durable(outbox);
  expect([one.came, two.came]).toEqual(["stored", ""]);
  expect(sent(outbox)).toMatchObject([{ note: "two" }]);
  await refused(outbox, "invalid_wrap_up");
  expect(two.came).toBe("invalid_wrap_up");
  expect(outbox.stateOf(A)).toBe("refused");
});

test("after a reconnect only the last of its kind is sent, for all of them", async () => {
  const outbox = new Outbox();
  const one = wrapUp(outbox, A, "one");
  sent(outbox);
  const two = wrapUp(outbox, A, "two");
  expect(afresh(outbox)).toMatchObject([{ note: "two" }]);
  await durable(outbox);
  expect([one.came, two.came]).toEqual(["stored", "stored"]);
  expect(afresh(outbox)).toEqual([]);
});

test("what the gateway refuses for good is not sent again, until it is done anew", async () => {
  const outbox = new Outbox();
  const told = wrapUp(outbox, A, "no");
  sent(outbox);
  await refused(outbox, "invalid_wrap_up");
  expect([outbox.stateOf(A), told.came]).toEqual(["refused", "invalid_wrap_up"]);
  expect(afresh(outbox)).toEqual([]);
  wrapUp(outbox, A, "no");
  expect(outbox.stateOf(A)).toBe("saving");
  expect(sent(outbox)).toHaveLength(1);
});

test("what it could not store now is sent again with the next heartbeat, and nothing else is", async () => {
  const outbox = new Outbox();
  const told = act(outbox, A, CLOSED);
  act(outbox, { leg_id: "b" }, CLOSED);
  sent(outbox);
  await refused(outbox, "unavailable");
  expect([told.came, sent(outbox)]).toEqual(["", []]);
  outbox.again(false);
  expect(sent(outbox)).toMatchObject([{ leg_id: "a" }]);
  await durable(outbox);
  expect(told.came).toBe("stored");
});

test("an answer before anything was sent is to somebody else", async () => {
  const outbox = new Outbox();
  const told = act(outbox, A, CLOSED);
  await durable(outbox);
  await refused(outbox, "unknown_call");
  await durable(outbox, { leg_id: undefined });
  expect(told.came).toBe("");
  expect(sent(outbox)).toHaveLength(1);
});

test("what another device said later stays", async () => {
  const outbox = new Outbox();
  const told = wrapUp(outbox, A, NOTE.note, { nowMs: 5_000 });
  sent(outbox);
  const other = { ...SAID, note: "sent the invoice" };
  expect(afresh(outbox, call({ wrap_up: { ...other, at: 4_999_000 } }))).toHaveLength(1);
  expect(afresh(outbox, call({ wrap_up: { ...other, at: 5_001_000 } }))).toEqual([]);
  await Promise.resolve();
  expect([told.came, outbox.stateOf(A)]).toEqual(["superseded", "refused"]);
});

test("what the user saw when they wrote does not stand for later, whatever the clocks say", () => {
  const outbox = new Outbox();
  const stored = call({ wrap_up: { ...SAID, note: "other", at: 9_000_000 } });
  wrapUp(outbox, A, NOTE.note, { nowMs: 5_000, stored });
  expect(sent(outbox, stored)).toHaveLength(1);
});

test("one's own words of before are not news", () => {
  const outbox = new Outbox();
  wrapUp(outbox, A, "one", { nowMs: 5_000 });
  sent(outbox);
  wrapUp(outbox, A, "two", { nowMs: 5_050 });
  const stored = { ...SAID, note: "one", at: 5_080_000 };
  expect(afresh(outbox, call({ wrap_up: stored }))).toMatchObject([{ note: "two" }]);
});

test("a note is sent as the gateway takes it", () => {
  const outbox = new Outbox();
  wrapUp(outbox, A, "first\r\nsecond\rthird \ud83d\ude00 \ud83d");
  expect(sent(outbox)).toMatchObject([{ note: "first\nsecond\nthird \ud83d\ude00 \ufffd" }]);
});

test("a gateway that is away for long does not make it grow", async () => {
  const outbox = new Outbox();
  const oldest = [act(outbox, A, CLOSED), wrapUp(outbox, A, "x")];
  for (let index = 0; index < 1_000; index += 1) {
    act(outbox, { leg_id: `closed-${index}` }, CLOSED);
    wrapUp(outbox, { leg_id: `written-${index}` }, "x");
  }
  const frames = sent(outbox);
  expect(frames).toHaveLength(850);
  expect(frames.at(-1)).toMatchObject({ leg_id: "written-999" });
  await Promise.resolve();
  expect(oldest.map(({ came }) => came)).toEqual(["forgotten", "forgotten"]);
});

test("so many at a time are taken, each once", () => {
  const outbox = new Outbox();
  for (const leg_id of ["a", "b", "c"]) act(outbox, { leg_id }, CLOSED);
  const take = (): unknown[] => outbox.take(2, false, () => undefined).map(({ leg_id }) => leg_id);
  expect([take(), take(), take()]).toEqual([["a", "b"], ["c"], []]);
});

test("another user's gateway is told nothing, and who waits hears of it", async () => {
  const outbox = new Outbox();
  const told = act(outbox, A, CLOSED);
  outbox.clear();
  await Promise.resolve();
  expect([told.came, afresh(outbox)]).toEqual(["other_user", []]);
});

describe("between tabs", () => {
  test("an act says when it was done, and is told again until somebody answers", () => {
    const outbox = new Outbox();
    wrapUp(outbox, A, "x", { nowMs: 7 });
    const toTab = (): readonly ToldAct[] => outbox.take(9, true, () => undefined);
    expect(toTab()).toMatchObject([{ note: "x", said_at: 7 }]);
    outbox.again(true);
    expect(toTab()).toHaveLength(1);
  });

  test("what was said before does not replace what was said since", () => {
    const outbox = new Outbox();
    const later = { nowMs: 6_000 };
    wrapUp(outbox, A, "mine", { nowMs: 5_000 });
    wrapUp(outbox, A, "older", { ...later, said_at: 4_999 });
    expect(afresh(outbox)).toMatchObject([{ note: "mine" }]);
    wrapUp(outbox, A, "newer", { ...later, said_at: 5_001 });
    expect(afresh(outbox)).toMatchObject([{ note: "newer" }]);
  });

  test("an answer that says which act it is about settles that one, and what it covers", async () => {
    const [leading, following] = [new Outbox(), new Outbox()];
    const mine = act(leading, A, { type: "dismiss", seen: 5 });
    const theirs = act(following, A, { type: "dismiss", seen: 4 });
    const written = wrapUp(following, A, "x");
    sent(leading);
    const [about] = leading.answer({ type: "durable", seq: 1, ...A } as Answer);
    await durable(following, { act: about });
    expect([mine, theirs, written].map(({ came }) => came)).toEqual(["stored", "stored", ""]);
  });
});

describe("one id on two extensions", () => {
  const source = "telsmart";
  const here = call({ leg_id: "a", extension: "200" });
  const there = call({ leg_id: "a", extension: "210" });

  test("is two dismissals, of which each says whose it is and is confirmed alone", async () => {
    const outbox = new Outbox();
    const [hers, his] = [there, here].map((name) => act(outbox, name, CLOSED));
    expect(sent(outbox)).toEqual([
      { type: "dismiss", source, extension: "210", leg_id: "a", seen: 3 },
      { type: "dismiss", source, extension: "200", leg_id: "a", seen: 3 },
    ]);
    await durable(outbox, { source, extension: "200" });
    expect([his?.came, hers?.came]).toEqual(["stored", ""]);
    expect(afresh(outbox)).toMatchObject([{ extension: "210" }]);
  });

  test("is two wrap-ups, and one that is refused is not the other", async () => {
    const outbox = new Outbox();
    for (const name of [here, there]) wrapUp(outbox, name, "x");
    sent(outbox);
    await refused(outbox, "invalid_wrap_up", { source, extension: "210" });
    expect([here, there].map((of) => outbox.stateOf(of))).toEqual(["saving", "refused"]);
  });

  test("an id alone is confirmed by the word on any call that has it", async () => {
    const outbox = new Outbox();
    const told = act(outbox, A, CLOSED);
    sent(outbox);
    await durable(outbox, { source, extension: "210" });
    expect(told.came).toBe("stored");
  });
});
