import { describe, expect, test } from "vitest";
import { call, secondsAgo } from "../../../tests/support/calls.ts";
import type { ClientFrame } from "callpop";
import { Outbox } from "../src/outbox.ts";

const NOTE = { disposition: null, note: "call back" };
const SAID = { ...NOTE, at: 1, by: "jane" };
const A = { leg_id: "a" };

/** Everything that is not confirmed. */
function framesOf(outbox: Outbox): ClientFrame[] {
  outbox.again();
  return outbox.take(1_000, false);
}

test("a wrap-up is kept until the call says the same", () => {
  const outbox = new Outbox();
  expect(outbox.wrapUp(A, NOTE, call({ leg_id: "a" }), 1)).toBe(true);
  outbox.confirm(() => call({ wrap_up: { ...SAID, note: "other" } }));
  expect(outbox.stateOf(A)).toBe("saving");
  expect(framesOf(outbox)).toEqual([{ type: "wrap_up", leg_id: "a", ...NOTE }]);
  outbox.confirm(() => call({ wrap_up: SAID }));
  expect(outbox.stateOf(A)).toBeNull();
  expect(framesOf(outbox)).toEqual([]);
});

test("what another device said later stays", () => {
  const outbox = new Outbox();
  outbox.wrapUp(A, NOTE, undefined, 5_000);
  const other = { ...SAID, note: "sent the invoice" };
  outbox.confirm(() => call({ wrap_up: { ...other, at: 4_999_000 } }));
  expect(outbox.stateOf(A)).toBe("saving");
  outbox.confirm(() => call({ wrap_up: { ...other, at: 5_001_000 } }));
  expect(framesOf(outbox)).toEqual([]);
});

test("a note is sent as the gateway takes it", () => {
  const note = "first\r\nsecond\rthird \ud83d\ude00 \ud83d";
  const outbox = new Outbox();
  outbox.wrapUp(A, { disposition: null, note }, undefined, 1);
  expect(framesOf(outbox)).toMatchObject([{ note: "first\nsecond\nthird \ud83d\ude00 \ufffd" }]);
});

test("what the call says already is not sent, but what takes back one under way is", () => {
  const outbox = new Outbox();
  const said = call({ wrap_up: SAID });
  expect(outbox.wrapUp(A, NOTE, said, 1)).toBe(false);
  expect(outbox.wrapUp(A, { ...NOTE, note: "no" }, said, 1)).toBe(true);
  expect(outbox.wrapUp(A, { ...NOTE, note: "no" }, said, 1)).toBe(false);
  expect(outbox.wrapUp(A, NOTE, said, 1)).toBe(true);
});

test("an empty one takes back what was said", () => {
  const outbox = new Outbox();
  expect(outbox.wrapUp(A, { disposition: null, note: "" }, call({ wrap_up: SAID }), 1)).toBe(true);
  outbox.confirm(() => call({ wrap_up: null }));
  expect(outbox.stateOf(A)).toBeNull();
});

test("one that was refused is not sent again, until it is made anew", () => {
  const outbox = new Outbox();
  outbox.wrapUp(A, NOTE, undefined, 1);
  expect(outbox.refuse(A)).toBe(true);
  expect(outbox.stateOf(A)).toBe("refused");
  expect(framesOf(outbox)).toEqual([]);
  expect(outbox.wrapUp(A, NOTE, undefined, 1)).toBe(true);
  expect(outbox.stateOf(A)).toBe("saving");
});

test("a gateway that is away for long does not make it grow", () => {
  const outbox = new Outbox();
  for (let index = 0; index < 1_000; index += 1) {
    outbox.dismiss({ leg_id: `leg-${index}` });
    outbox.wrapUp({ leg_id: `leg-${index}` }, NOTE, undefined, 1);
  }
  expect(framesOf(outbox)).toHaveLength(650);
  expect(framesOf(outbox).at(-1)).toMatchObject({ leg_id: "leg-999" });
});

test("the answer to what one said before does not stop what one said since", () => {
  const outbox = new Outbox();
  outbox.wrapUp(A, NOTE, undefined, 5_000);
  outbox.wrapUp(A, { ...NOTE, note: "call back today" }, undefined, 5_050);
  outbox.confirm(() => call({ wrap_up: { ...SAID, at: 5_080_000 } }));
  expect(framesOf(outbox)).toMatchObject([{ note: "call back today" }]);
  outbox.confirm(() => call({ wrap_up: { ...SAID, note: "other", at: 5_081_000 } }));
  expect(framesOf(outbox)).toEqual([]);
});

test("what another tab said before does not replace what was said since", () => {
  const outbox = new Outbox();
  outbox.wrapUp(A, NOTE, undefined, 5_000);
  expect(outbox.wrapUp(A, { ...NOTE, note: "older", said_at: 4_999 }, undefined, 6_000)).toBe(
    false,
  );
  expect(outbox.wrapUp(A, { ...NOTE, note: "newer", said_at: 5_001 }, undefined, 6_000)).toBe(true);
  expect(framesOf(outbox)).toMatchObject([{ note: "newer" }]);
  expect(outbox.wrapUp(A, { ...NOTE, note: "own" }, undefined, 4_000)).toBe(true);
});

test("so many at a time are taken, each once, and another tab is told when it was said", () => {
  const outbox = new Outbox();
  for (const leg_id of ["a", "b", "c"]) outbox.dismiss({ leg_id });
  outbox.wrapUp(A, NOTE, undefined, 7);
  expect(outbox.take(2, true).map((frame) => frame.type)).toEqual(["dismiss", "dismiss"]);
  expect(outbox.take(2, true)).toMatchObject([{ leg_id: "c" }, { type: "wrap_up", said_at: 7 }]);
  expect(outbox.take(2, true)).toEqual([]);
});

describe("one id on two extensions", () => {
  const here = call({ leg_id: "a", extension: "200" });
  const there = call({ leg_id: "a", extension: "210" });
  const source = "telsmart";

  test("is two dismissals, of which each says whose it is", () => {
    const outbox = new Outbox();
    outbox.dismiss(here);
    outbox.dismiss(there);
    expect(framesOf(outbox)).toEqual([
      { type: "dismiss", source, extension: "200", leg_id: "a" },
      { type: "dismiss", source, extension: "210", leg_id: "a" },
    ]);
    outbox.confirm(({ extension }) =>
      extension === "200" ? { ...here, dismissed_at: secondsAgo(0) } : there,
    );
    expect(framesOf(outbox)).toMatchObject([{ extension: "210" }]);
  });

  test("is two wrap-ups, and one that is refused is not the other", () => {
    const outbox = new Outbox();
    outbox.wrapUp(here, NOTE, here, 1);
    outbox.wrapUp(there, NOTE, there, 1);
    expect(framesOf(outbox)).toMatchObject([{ extension: "200" }, { extension: "210" }]);
    outbox.refuse({ leg_id: "a", source, extension: "210" });
    expect([here, there].map((of) => outbox.stateOf(of))).toEqual(["saving", "refused"]);
    expect(outbox.refuse({ leg_id: "a" })).toBe(true);
    expect(outbox.stateOf(here)).toBe("refused");
  });
});
