// What the other legs of a call tell about it. Only who sees several extensions sees more than
// one leg of a call, and only afterwards: so this is loaded after the first draw.

import type { Call } from "../../wire.ts";
import type { ShownCall } from "../shown-call.ts";

/** What happens within this time belongs together, in microseconds. */
const TOGETHER_US = 2_000_000;

/** The calls with what is known besides; a call about which nothing is known is the same object. */
export function tellMore(calls: readonly Call[]): readonly ShownCall[] {
  const others = legsByCaller(calls);
  return calls.map((call) => {
    const told = fromOtherLegs(call, others.get(callerOf(call)) ?? []);
    return told === null ? call : { ...call, ...told };
  });
}

function fromOtherLegs(call: Call, legs: readonly Call[]): Partial<ShownCall> | null {
  if (call.direction !== "inbound" || call.internal || call.transfer !== null) return null;
  for (const { extension, answered_at: answered, ended_at: ended, local } of legs) {
    if (extension === call.extension || answered === null) continue;
    const rangThen = call.started_at <= answered && answered <= (call.ended_at ?? 0) + TOGETHER_US;
    if (call.outcome === "missed" && rangThen) return { answeredBy: local };
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
