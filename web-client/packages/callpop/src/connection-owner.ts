// What a connection tells the client.

import type { Opening } from "./frames.ts";
import type { Duties } from "./reach.ts";
import type { ConnectionState } from "./state.ts";
import type { CallChange } from "./store.ts";
import type { ClientFrame, ServerFrame } from "./wire.ts";

/** What a connection tells its owner. */
export interface ConnectionOwner {
  onState(state: ConnectionState): void;
  /** A session began; its frame is in the store, and changed these calls. */
  onOpening(frame: Opening, changes: readonly CallChange[]): void;
  /** A frame that says something of calls, integrations or of what was sent. */
  onFrame(frame: ServerFrame): void;
  /** What another page has for the gateway; `leads` where it is this page that sends it. */
  onRequest(frame: ClientFrame, leads: boolean): void;
  /** What was done for the former user is not to be done for this one. */
  onOtherUser(): void;
  /** The calls were forgotten. */
  onCleared(): void;
  onDuties(duties: Duties): void;
  /** Time to send again what was not confirmed. */
  onHeartbeat(): void;
}
