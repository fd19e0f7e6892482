// Where a popup gets its calls from.

import type { Unsubscribe } from "../events.ts";
import type { ConnectionState } from "../state.ts";
import type { Call } from "../wire.ts";

/** What a popup needs of a client; `CallpopClient` has it. */
export interface CallSource {
  readonly state: ConnectionState;
  readonly calls: readonly Call[];
  now(): number;
  connect(): void;
  dismiss(legId: string): void;
  /** The name of a caller whose call has none, or null; never rejects. */
  contactName?(number: string): Promise<string | null>;
  on(name: "state", listener: (state: ConnectionState) => void): Unsubscribe;
  on(name: "calls", listener: (calls: readonly Call[]) => void): Unsubscribe;
}
