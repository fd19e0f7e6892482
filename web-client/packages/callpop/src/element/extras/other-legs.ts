// What the other legs of a call tell about it: as the gateway makes it out, and where that says nothing,
// what can be seen here. Only who sees several extensions sees more than one leg of a call, and all of it
// only afterwards: so this is loaded after the first draw.

import type { Call, Conversation, Party } from "../../wire.ts";
import type { ShownCall } from "../shown-call.ts";

/** What happens within this time belongs together, in microseconds. */
const TOGETHER_US = 2_000_000;

/** The calls with what is known besides; a call about which nothing is known is the same object. */
export function tellMore(
  calls: readonly Call[],
  conversationOf: (call: Call) => Conversation | null,
): readonly ShownCall[] {
  const others = legsByCaller(calls);
  const names = colleagues(calls);
  return calls.map((call) => {
    const seen = fromOtherLegs(call, others.get(callerOf(call)) ?? []);
    const conversation = call.outcome === "missed" ? conversationOf(call) : null;
    // What is hardly more than a guess makes no missed call an answered one, nor the other way round.
    const isUnsaid = conversation === null || conversation.certainty === "low";
    const told = isUnsaid ? seen : { ...seen, ...fromConversation(call, conversation, names) };
    return told === null ? call : { ...call, ...told };
  });
}

/** Whoever answered it after it had begun to ring here: a transfer that nobody took was missed. */
function fromConversation(
  { extension, started_at: began }: Call,
  { outcome, answered_by: by, answered_at: at }: Conversation,
  names: ReadonlyMap<string, Party>,
): Partial<ShownCall> {
  const isTold = outcome !== "open" && by !== null && by !== extension && (at ?? began) >= began;
  return {
    answeredBy: isTold ? withNumber(names.get(by) ?? { number: by, name: null }) : undefined,
  };
}

/** "Jane Roe (210)": of colleagues it matters where they are, too. */
function withNumber({ number, name }: Party): Party {
  return { number, name: name && number ? `${name} (${number})` : name };
}

/** Those whose names some call has told, by their extensions; the latest name counts. */
function colleagues(calls: readonly Call[]): ReadonlyMap<string, Party> {
  const parties = calls.flatMap(({ local, remote, transfer }) => [transfer?.via, remote, local]);
  const named = parties.filter((party) => party != null && party.name !== null) as Party[];
  return new Map(named.toReversed().map((party) => [String(party.number), party]));
}

function fromOtherLegs(call: Call, legs: readonly Call[]): Partial<ShownCall> | null {
  if (call.direction !== "inbound" || call.internal || call.transfer !== null) return null;
  for (const { extension, answered_at: answered, ended_at: ended, local } of legs) {
    if (extension === call.extension || answered === null) continue;
    const rangThen = call.started_at <= answered && answered <= (call.ended_at ?? 0) + TOGETHER_US;
    if (call.outcome === "missed" && rangThen) return { answeredBy: withNumber(local) };
    const gap = Math.abs(call.started_at - (ended ?? 0));
    if (gap <= TOGETHER_US && answered < call.started_at) return { handedBy: local };
  }
  return null;
}

function legsByCaller(calls: readonly Call[]): ReadonlyMap<string, readonly Call[]> {
  const legs = new Map<string, Call[]>();
  for (const call of calls) {
    const caller = callerOf(call);
    const known = legs.get(caller);
    if (known !== undefined) known.push(call);
    else if (caller !== "") legs.set(caller, [call]);
  }
  return legs;
}

/** Outside numbers only: an extension calls many times a day. */
function callerOf({ tenant_id: tenant, internal, remote }: Call): string {
  return internal || remote.number === null ? "" : `${tenant} ${remote.number}`;
}
