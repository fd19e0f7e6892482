// Text of the socket to frames. Unknown types and fields are passed over: a newer
// gateway may send them to an older client.

import type { ServerFrame } from "./wire.ts";

/** The frame that begins a session, or begins it anew. */
export type Opening = Extract<ServerFrame, { type: "snapshot" | "resumed" }>;

const KNOWN: ReadonlySet<unknown> = new Set<ServerFrame["type"]>([
  "snapshot",
  "resumed",
  "call",
  "integration",
  "tock",
  "token_expiring",
  "token_accepted",
  "reconnect",
  "error",
]);

/** Reads a frame, or null when it is none that this client knows. */
export function readFrame(data: unknown): ServerFrame | null {
  if (typeof data !== "string") return null;
  try {
    const frame: unknown = JSON.parse(data);
    return isFrame(frame) ? frame : null;
  } catch {
    return null;
  }
}

function isFrame(value: unknown): value is ServerFrame {
  return typeof value === "object" && value !== null && "type" in value && KNOWN.has(value.type);
}
