// What the pages of one user tell each other. It is read like the word of a stranger: any script of
// the page's origin may speak on the channel, and another version of this SDK.

import type { Opening } from "./frames.ts";
import type { Reach } from "./reach.ts";
import type { ConnectionState } from "./state.ts";
import type { ClientFrame, ServerFrame } from "./wire.ts";

/** What one page tells the others. */
export type TabMessage =
  /** It came: who leads, and who else is there? */
  | { readonly type: "hello" }
  /** What it can do changed; that stands in every message. */
  | { readonly type: "reach" }
  | { readonly type: "bye" }
  /** It leads, and this is how its connection stands; with everything it holds when that is live. */
  | { readonly type: "lead"; readonly state: ConnectionState; readonly opening: Opening | null }
  /** The leader passes on a frame of the gateway, or answers in its place. */
  | { readonly type: "server"; readonly frame: ServerFrame }
  /** A frame for the gateway, through the leader. */
  | { readonly type: "client"; readonly frame: ClientFrame };

export interface Envelope {
  readonly from: string;
  /** Whom it is for, or null for all. */
  readonly to: string | null;
  readonly reach: Reach;
  readonly message: TabMessage;
}

type Fields = Readonly<Record<string, unknown>>;
type Shape = Readonly<Record<string, "string" | "number" | "object">>;

const CALL: Shape = {
  leg_id: "string",
  version: "number",
  state: "string",
  started_at: "number",
  remote: "object",
  local: "object",
};
const OPENING: Shape = {
  epoch: "string",
  seq: "number",
  stream: "string",
  server_time: "number",
  heartbeat_ms: "number",
  calls: "object",
};
/** By type: what passes between pages, with the fields that they rely on. */
const SERVER: Readonly<Record<string, Shape>> = {
  call: { seq: "number", call: "object" },
  integration: { extension: "string", status: "string" },
  tock: { t0: "number", t1: "number", t2: "number" },
  reconnect: { after_ms: "number" },
  error: { code: "string", detail: "string", leg_id: "string" },
};
const CLIENT: Readonly<Record<string, Shape>> = {
  tick: { t0: "number" },
  dismiss: { leg_id: "string" },
  wrap_up: { leg_id: "string", note: "string" },
  painted: { leg_id: "string", painted_at: "number" },
};
const MESSAGE: Readonly<Record<string, Shape>> = {
  hello: {},
  reach: {},
  bye: {},
  lead: { state: "object" },
  server: { frame: "object" },
  client: { frame: "object" },
};

export function isEnvelope(value: unknown): value is Envelope {
  return (
    has(value, { from: "string", reach: "object", message: "object" }) &&
    (value.to === null || typeof value.to === "string") &&
    isMessage(value.message)
  );
}

function isMessage(value: unknown): boolean {
  if (!isOneOf(value, MESSAGE)) return false;
  const { type, frame, state, opening } = value;
  if (type === "client") return isOneOf(frame, CLIENT);
  if (type === "server")
    return isOneOf(frame, SERVER) && (!("call" in frame) || has(frame.call, CALL));
  return (
    type !== "lead" || (has(state, { phase: "string" }) && (opening === null || isOpening(opening)))
  );
}

function isOpening(value: unknown): boolean {
  return (
    has(value, OPENING) &&
    value.type === "snapshot" &&
    Array.isArray(value.calls) &&
    value.calls.every((call) => has(call, CALL))
  );
}

function isOneOf(value: unknown, shapes: Readonly<Record<string, Shape>>): value is Fields {
  if (!has(value, { type: "string" })) return false;
  const type = String(value.type);
  return Object.hasOwn(shapes, type) && has(value, shapes[type] ?? {});
}

function has(value: unknown, shape: Shape): value is Fields {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Fields;
  return Object.entries(shape).every(
    ([name, kind]) => typeof fields[name] === kind && fields[name] !== null,
  );
}
