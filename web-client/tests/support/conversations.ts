// Conversations to test with: two telephones rang for one caller, and the other one answered.

import type { Conversation } from "callpop";
import { CUSTOMER, missedCall, secondsAgo } from "./calls.ts";

/** Of the call of `missedCall()`, which 210 answered, with what is given put over it. */
export function conversation(over: Partial<Conversation> = {}): Conversation {
  const { tenant_id, source, extension, leg_id, started_at } = missedCall();
  return {
    conversation_id: "c1",
    tenant_id,
    source,
    kind: "inbound",
    outcome: "answered",
    basis: "inferred",
    rules: ["ring_group"],
    certainty: "high",
    ambiguous: false,
    number: CUSTOMER.number,
    name: CUSTOMER.name,
    started_at,
    answered_at: secondsAgo(2),
    ended_at: null,
    wait_ms: 18_000,
    talk_ms: 0,
    hold_ms: 0,
    limbo_ms: null,
    answered_by: "210",
    talked: [],
    hops: 0,
    transfers: [],
    legs: [
      { extension, leg_id },
      { extension: "210", leg_id: "jane" },
    ],
    replaces: [],
    summary: false,
    ...over,
  };
}
