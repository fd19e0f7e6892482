// A call as it is shown: with what the contacts and the other legs tell about it.

import type { Call, Party } from "../wire.ts";

export type ShownCall = Call & {
  /** Who answered it while it rang here. */
  readonly answeredBy?: Party;
  /** Who had the caller on the line until this leg began to ring: a blind transfer. */
  readonly handedBy?: Party;
};

/** What happens within this time belongs together, in microseconds. */
const TOGETHER_US = 2_000_000;

/** The number to look up: an outside caller's whose call gives no name. */
export function numberToName(call: Call): string | null {
  return call.internal || call.remote.name !== null ? null : call.remote.number;
}

/** The calls with what is known besides; a call about which nothing is known is the same object. */
export function tellMore(
  calls: readonly Call[],
  names: ReadonlyMap<string, string>,
): readonly ShownCall[] {
  const others = legsByCaller(calls);
  return calls.map((call) => {
    const name = names.get(numberToName(call) ?? "");
    const told = fromOtherLegs(call, others.get(callerOf(call)) ?? []);
    if (name === undefined && told === null) return call;
    return { ...call, remote: { ...call.remote, name: name ?? call.remote.name }, ...told };
  });
}

/** Only who sees several extensions sees more than one leg of a call. */
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
