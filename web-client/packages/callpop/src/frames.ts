// Text of the socket to frames. Unknown types and fields are passed over: a newer
// gateway may send them to an older client.

import type { ServerFrame } from "./wire.ts";

/** The frame that begins a session, or begins it anew. */
export type Opening = Extract<ServerFrame, { type: "snapshot" | "resumed" }>;

/** Reads a frame, or null when it is none; one of an unknown type is nobody's case. */
export function readFrame(data: unknown): ServerFrame | null {
  try {
    const frame: unknown = typeof data === "string" && JSON.parse(data);
    if (isFrame(frame)) return frame;
  } catch {
    // Then it is none.
  }
  return null;
}

function isFrame(value: unknown): value is ServerFrame {
  return typeof (value as { type?: unknown } | null)?.type === "string";
}
