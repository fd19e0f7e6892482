// Names for callers of whom the call itself knows only the number.

import type { Call } from "../wire.ts";

/** The number to look up: an outside caller's whose call gives no name. */
export function numberToName(call: Call): string | null {
  return call.internal || call.remote.name !== null ? null : call.remote.number;
}

/** The call, with the name that was found for its number. */
export function withName(call: Call, names: ReadonlyMap<string, string>): Call {
  const name = names.get(numberToName(call) ?? "");
  return name === undefined ? call : { ...call, remote: { ...call.remote, name } };
}
