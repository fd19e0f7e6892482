// Telsmart's events, as the gateway receives them.

import { randomUUID } from "node:crypto";
import { TENANT } from "./gateway.ts";

/** A provider's event of an inbound call to John Doe, with what is given put over it. */
export function telsmartEvent(state: string, over: object = {}): Record<string, unknown> {
  return {
    tenant_id: TENANT,
    caller_number: "+3228992675",
    direction: "in",
    callee_name: "John Doe",
    state,
    caller_name: "+3228992675",
    callee_number: "200",
    user_extension: "200",
    id: randomUUID(),
    timestamp: nowMicros(),
    ...over,
  };
}

/** Now, as the provider writes it. */
export function nowMicros(): string {
  return String(Date.now() * 1000);
}
