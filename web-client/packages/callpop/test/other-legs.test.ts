import { expect, test } from "vitest";
import {
  call,
  CUSTOMER,
  endedCall,
  JANE,
  missedCall,
  secondsAgo,
} from "../../../tests/support/calls.ts";
import { tellMore } from "../src/element/extras/other-legs.ts";

const answered = endedCall({
  leg_id: "jane",
  extension: "210",
  local: JANE,
  started_at: secondsAgo(30),
  answered_at: secondsAgo(20),
  ended_at: secondsAgo(9),
});
const missed = missedCall({ started_at: secondsAgo(30), ended_at: secondsAgo(20) });
const after = call({ since: secondsAgo(8.5) });

test("a missed call that another extension answered while it rang was answered elsewhere", () => {
  expect(tellMore([missed, answered])[0]?.answeredBy).toEqual(JANE);
});

test("a call that begins when the caller left another extension comes from there", () => {
  expect(tellMore([after, answered])[0]?.handedBy).toEqual(JANE);
});

test.each([
  ["its own extension", { ...answered, extension: "200" }],
  ["another tenant", { ...answered, tenant_id: "other" }],
  ["another caller", { ...answered, remote: { number: "+3221234567", name: null } }],
  ["a colleague", { ...answered, internal: true }],
  ["one who withheld the number", { ...answered, remote: { ...CUSTOMER, number: null } }],
  ["a leg that nobody answered", { ...answered, answered_at: null }],
  [
    "a leg of another time",
    { ...answered, answered_at: secondsAgo(900), ended_at: secondsAgo(800) },
  ],
])("nothing is told from %s", (_, other) => {
  for (const one of [missed, after]) expect(tellMore([one, other])[0]).toBe(one);
});
