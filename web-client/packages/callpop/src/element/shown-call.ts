// A call as it is shown: with what the contacts and the other legs tell about it.

import type { Call, Party } from "../wire.ts";

export type ShownCall = Call & {
  /** Who answered it while it rang here. */
  readonly answeredBy?: Party | undefined;
  /** Who had the caller on the line until this leg began to ring: a blind transfer. */
  readonly handedBy?: Party;
};

/** The number to look up: an outside caller's whose call gives no name. */
export function numberToName(call: Call): string | null {
  return call.internal || call.remote.name !== null ? null : call.remote.number;
}

/** What a name is kept by: the contacts of two sources may call a number by two names. */
export function nameKey(call: Call): string {
  return `${call.source} ${numberToName(call)}`;
}

/** The calls with the names that were found; a call that has its name is the same object. */
export function withNames(
  calls: readonly Call[],
  names: ReadonlyMap<string, string>,
): readonly Call[] {
  return calls.map((call) => {
    const name = names.get(nameKey(call));
    return name === undefined ? call : { ...call, remote: { ...call.remote, name } };
  });
}
