import type { Call, Conversation } from "callpop";
import { describe, expect, test } from "vitest";
import {
  call,
  CUSTOMER,
  endedCall,
  JANE,
  missedCall,
  secondsAgo,
} from "../../../tests/support/calls.ts";
import { conversation } from "../../../tests/support/conversations.ts";
import { tellMore as tell } from "../src/element/extras/other-legs.ts";
import type { ShownCall } from "../src/element/shown-call.ts";

/** As a gateway that makes this of every call. */
function tellMore(
  calls: readonly Call[],
  made: Partial<Conversation> | null = null,
): readonly ShownCall[] {
  return tell(calls, () => made && conversation(made));
}

const answered = endedCall({
  leg_id: "jane",
  extension: "210",
  local: JANE,
  started_at: secondsAgo(30),
  answered_at: secondsAgo(20),
  ended_at: secondsAgo(9),
});
const missed = missedCall({ started_at: secondsAgo(30), ended_at: secondsAgo(20) });
const JANE_210 = { number: "210", name: "Jane Doe (210)" };
const after = call({ since: secondsAgo(8.5) });

test("a missed call that another extension answered while it rang was answered elsewhere", () => {
  expect(tellMore([missed, answered])[0]?.answeredBy).toEqual(JANE_210);
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

describe("as the gateway makes it out, a missed call", () => {
  const answeredBy = (calls: readonly Call[], made: Partial<Conversation>): unknown =>
    tellMore(calls, made)[0]?.answeredBy;
  const at = { answered_at: secondsAgo(20) };
  const NUMBER = { number: "210", name: null };

  test("was answered by a colleague, of whom no call is seen", () => {
    expect(answeredBy([missed], at)).toEqual(NUMBER);
  });

  test("was answered long after it had stopped to ring here", () => {
    expect(answeredBy([missed], { rules: ["hop"], answered_at: secondsAgo(3) })).toEqual(NUMBER);
  });

  test("was answered by somebody at some time", () => {
    expect(answeredBy([missed], { answered_at: null })).toEqual(NUMBER);
  });

  const transfer = {
    kind: "attended",
    original_number: "+3220000000",
    completed_at: null,
  } as const;
  test.each<[string, Partial<Call>]>([
    ["a call with her", { internal: true, remote: JANE }],
    ["a call that she handed over", { transfer: { ...transfer, via: JANE } }],
    ["a call of hers", { extension: "210", local: JANE }],
  ])("has the colleague's name from %s", (_, over) => {
    expect(answeredBy([missed, call({ leg_id: "told", ...over })], at)).toEqual(JANE_210);
  });

  test("has the name that was told last", () => {
    const [now, before] = ["Jane Smith", "Jane Doe"].map((name) =>
      call({ leg_id: name, internal: true, remote: { number: "210", name } }),
    );
    const told = answeredBy([missed, now as Call, before as Call], at);
    expect(told).toEqual({ number: "210", name: "Jane Smith (210)" });
  });

  test.each<[string, Partial<Conversation>]>([
    ["it may still ring elsewhere", { outcome: "open", answered_by: null }],
    ["nothing is claimed before it is decided", { outcome: "open" }],
    ["nobody answered", { outcome: "missed", answered_by: null, answered_at: null }],
    ["its own extension answered", { answered_by: "200" }],
    ["somebody answered before it rang here: a transfer", { answered_at: secondsAgo(31) }],
  ])("stays missed: %s", (_, made) => {
    expect(answeredBy([missed, answered], { ...at, ...made })).toBeUndefined();
    expect(tellMore([missed], { ...at, ...made })[0]?.outcome).toBe("missed");
  });

  test("is no answered one by a guess; what is seen here stays", () => {
    expect(answeredBy([missed], { ...at, certainty: "low" })).toBeUndefined();
    expect(answeredBy([missed, answered], { ...at, certainty: "low" })).toEqual(JANE_210);
    expect(answeredBy([missed, answered], { certainty: "low", outcome: "missed" })).toEqual(
      JANE_210,
    );
  });
});

test("a call that was answered here, or goes on, is nobody else's", () => {
  for (const one of [endedCall(), call()]) {
    expect(tellMore([one], { answered_at: secondsAgo(0) })[0]).toBe(one);
  }
});
