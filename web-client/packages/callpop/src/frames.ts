// What comes from outside to frames. Unknown types and fields are passed over: a newer gateway,
// or a tab with another version of this SDK, may send them.

import type { Call, ClientFrame, ServerFrame } from "./wire.ts";

/** The frame that begins a session, or begins it anew. */
export type Opening = Extract<ServerFrame, { type: "snapshot" | "resumed" }>;

type Fields = Readonly<Record<string, unknown>>;
type Kind = "string" | "number" | "object";

/** The fields that this client relies on, by the frame's type. */
const OPENING: Readonly<Record<string, Kind>> = {
  epoch: "string",
  seq: "number",
  stream: "string",
  server_time: "number",
  heartbeat_ms: "number",
  token_expires_at: "number",
};
const FROM_SERVER: Readonly<Record<ServerFrame["type"], Readonly<Record<string, Kind>>>> = {
  snapshot: OPENING,
  resumed: OPENING,
  call: { seq: "number", call: "object" },
  integration: {},
  tock: { t0: "number", t1: "number", t2: "number" },
  token_expiring: {},
  token_accepted: { token_expires_at: "number" },
  reconnect: { after_ms: "number" },
  error: { code: "string" },
};
/** What one tab sends through another; a token and a beat are each tab's own. */
const FROM_TAB: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  tick: { t0: "number" },
  dismiss: { leg_id: "string" },
  wrap_up: { leg_id: "string", note: "string" },
  painted: { leg_id: "string", painted_at: "number" },
};

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

/** Reads a frame of the socket, or gives null when it is none that this client knows. */
export function readFrame(data: unknown): ServerFrame | null {
  if (typeof data !== "string") return null;
  try {
    const frame: unknown = JSON.parse(data);
    return isServerFrame(frame) ? frame : null;
  } catch {
    return null;
  }
}

export function isServerFrame(value: unknown): value is ServerFrame {
  if (!hasFields(value, FROM_SERVER)) return false;
  if (value.type === "call") return isCall(value.call);
  return !(value.type in { snapshot: 0, resumed: 0 }) || isOpening(value);
}

export function isOpening(value: unknown): value is Opening {
  return (
    isObject(value) &&
    hasFields({ ...value, type: "snapshot" }, FROM_SERVER) &&
    Array.isArray(value.calls) &&
    value.calls.every(isCall)
  );
}

export function isTabFrame(value: unknown): value is ClientFrame {
  return hasFields(value, FROM_TAB);
}

function isCall(value: unknown): value is Call {
  return (
    isObject(value) &&
    typeof value.leg_id === "string" &&
    typeof value.version === "number" &&
    typeof value.started_at === "number" &&
    isObject(value.remote) &&
    isObject(value.local)
  );
}

function hasFields(
  value: unknown,
  known: Readonly<Record<string, Readonly<Record<string, Kind>>>>,
): value is Fields & { type: string } {
  if (!isObject(value) || typeof value.type !== "string" || !Object.hasOwn(known, value.type)) {
    return false;
  }
  return Object.entries(known[value.type] ?? {}).every(
    ([name, kind]) => typeof value[name] === kind && value[name] !== null,
  );
}
