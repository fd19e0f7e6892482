import { expect, test } from "vitest";
import { call } from "../../../tests/support/calls.ts";
import { Outbox } from "../src/outbox.ts";

const NOTE = { disposition: null, note: "call back" };
const SAID = { ...NOTE, at: 1, by: "jane" };

test("a wrap-up is kept until the call says the same", () => {
  const outbox = new Outbox();
  expect(outbox.wrapUp("a", NOTE, call({ leg_id: "a" }), 1)).not.toBeNull();
  outbox.confirm(() => call({ wrap_up: { ...SAID, note: "other" } }));
  expect(outbox.stateOf("a")).toBe("saving");
  expect(outbox.frames).toEqual([{ type: "wrap_up", leg_id: "a", ...NOTE }]);
  outbox.confirm(() => call({ wrap_up: SAID }));
  expect(outbox.stateOf("a")).toBeNull();
  expect(outbox.frames).toEqual([]);
});

test("what another device said later stays", () => {
  const outbox = new Outbox();
  outbox.wrapUp("a", NOTE, undefined, 5_000);
  const other = { ...SAID, note: "sent the invoice" };
  outbox.confirm(() => call({ wrap_up: { ...other, at: 4_999_000 } }));
  expect(outbox.stateOf("a")).toBe("saving");
  outbox.confirm(() => call({ wrap_up: { ...other, at: 5_001_000 } }));
  expect(outbox.frames).toEqual([]);
});

test("a note is sent as the gateway takes it", () => {
  const note = "first\r\nsecond\rthird \ud83d\ude00 \ud83d";
  const sent = new Outbox().wrapUp("a", { disposition: null, note }, undefined, 1);
  expect(sent).toMatchObject({ note: "first\nsecond\nthird \ud83d\ude00 \ufffd" });
});

test("what the call says already is not sent, but what takes back one under way is", () => {
  const outbox = new Outbox();
  const said = call({ wrap_up: SAID });
  expect(outbox.wrapUp("a", NOTE, said, 1)).toBeNull();
  expect(outbox.wrapUp("a", { ...NOTE, note: "no" }, said, 1)).not.toBeNull();
  expect(outbox.wrapUp("a", { ...NOTE, note: "no" }, said, 1)).toBeNull();
  expect(outbox.wrapUp("a", NOTE, said, 1)).not.toBeNull();
});

test("an empty one takes back what was said", () => {
  const outbox = new Outbox();
  expect(
    outbox.wrapUp("a", { disposition: null, note: "" }, call({ wrap_up: SAID }), 1),
  ).not.toBeNull();
  outbox.confirm(() => call({ wrap_up: null }));
  expect(outbox.stateOf("a")).toBeNull();
});

test("one that was refused is not sent again, until it is made anew", () => {
  const outbox = new Outbox();
  outbox.wrapUp("a", NOTE, undefined, 1);
  expect(outbox.refuse("a")).toBe(true);
  expect(outbox.stateOf("a")).toBe("refused");
  expect(outbox.frames).toEqual([]);
  expect(outbox.wrapUp("a", NOTE, undefined, 1)).not.toBeNull();
  expect(outbox.stateOf("a")).toBe("saving");
});

test("a gateway that is away for long does not make it grow", () => {
  const outbox = new Outbox();
  for (let index = 0; index < 200; index += 1) {
    outbox.dismiss(`leg-${index}`);
    outbox.wrapUp(`leg-${index}`, NOTE, undefined, 1);
  }
  expect(outbox.frames).toHaveLength(100);
  expect(outbox.frames.at(-1)).toMatchObject({ leg_id: "leg-199" });
});
