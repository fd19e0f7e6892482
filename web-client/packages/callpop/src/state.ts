// The connection's state, as a page sees it.

import type { RefusalReason } from "./close-codes.ts";

/** One of these at any time, told apart by `phase`. */
export type ConnectionState =
  /** `connect()` was not called yet. */
  | { readonly phase: "idle" }
  /** On the way for the first time; `attempt` counts from 0. */
  | { readonly phase: "connecting"; readonly attempt: number }
  /** Calls are live. */
  | { readonly phase: "connected"; readonly sessionId: string }
  /** It was connected, and will be again; the calls are those last heard of. */
  | { readonly phase: "reconnecting"; readonly attempt: number }
  /** The gateway does not take this client as it is; only `connect()` tries again. */
  | { readonly phase: "refused"; readonly reason: RefusalReason; readonly detail: string }
  /** `close()` was called. */
  | { readonly phase: "closed" };
