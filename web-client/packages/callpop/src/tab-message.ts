// What the pages of one user tell each other: the gateway's frames as they are, and four words of
// their own. It is read like the word of a stranger: any script of the page's origin may speak on the
// channel, and another version of this SDK.

import type { Answer, ToldAct } from "./acts.ts";
import type { Reach } from "./reach.ts";
import type { ConnectionState } from "./state.ts";
import type { Union } from "./union.ts";
import type { ClientFrame, ServerFrame } from "./wire.ts";

/** What one page tells the others. */
export type TabMessage =
  /** It came: who leads, and who else is there? */
  | { readonly type: "hello" }
  /** What it can do changed; that stands in every message. */
  | { readonly type: "reach" }
  | { readonly type: "bye" }
  /** It leads, and this is how its connection stands; where that is live, a snapshot follows. */
  | { readonly type: "lead"; readonly state: ConnectionState }
  /** The leader passes on a frame of the gateway, or answers in its place. */
  | ServerFrame
  /** The gateway's word on an act, and which act that is about. */
  | Answer
  /** A frame for the gateway, through the leader. */
  | ClientFrame
  | ToldAct;

/** What the tabs, or the browser about them, tell a page, by name. */
export interface TabsHappenings {
  /** It leads from now on. */
  lead: [];
  /** Another page took the lead. */
  deposed: [];
  /** The browser does not let this page take part. */
  alone: [];
  message: [message: TabMessage, from: string];
  /** Somebody came, went, or can do something else now. */
  peers: [];
}

export type TabsEvent = Union<TabsHappenings>;

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
  source: "string",
  extension: "string",
  version: "number",
  state: "string",
  started_at: "number",
  remote: "object",
  local: "object",
};
const NOTICE: Shape = {
  notice_id: "string",
  source: "string",
  extension: "string",
  version: "number",
  kind: "string",
  title: "string",
  at: "number",
  state: "string",
};
/** By type: what passes between pages, with the fields that they rely on. No token ever does. */
const SHAPES: Readonly<Record<string, Shape>> = {
  hello: {},
  reach: {},
  bye: {},
  lead: { state: "object" },
  snapshot: {
    epoch: "string",
    seq: "number",
    stream: "string",
    server_time: "number",
    heartbeat_ms: "number",
    calls: "object",
    notices: "object",
  },
  call: { seq: "number", call: "object" },
  notice: { seq: "number", notice: "object" },
  integration: { extension: "string", status: "string" },
  tock: { t0: "number", t1: "number", t2: "number" },
  reconnect: { after_ms: "number" },
  error: { code: "string", detail: "string", act: "object" },
  durable: { act: "object" },
  tick: { t0: "number" },
  dismiss: {},
  done: { notice_id: "string" },
  wrap_up: { leg_id: "string", note: "string" },
  summary: { leg_id: "string" },
  painted: { leg_id: "string", painted_at: "number" },
};

export function isEnvelope(value: unknown): value is Envelope {
  return (
    has(value, { from: "string", reach: "object", message: "object" }) &&
    (value.to === null || typeof value.to === "string") &&
    isMessage(value.message)
  );
}

function isMessage(value: unknown): boolean {
  if (!has(value, { type: "string" })) return false;
  const type = String(value.type);
  if (!Object.hasOwn(SHAPES, type) || !has(value, SHAPES[type] ?? {})) return false;
  const { call, calls, notice, notices, state } = value;
  if (type === "call") return has(call, CALL);
  if (type === "notice") return has(notice, NOTICE);
  if (type === "snapshot") return haveAll(calls, CALL) && haveAll(notices, NOTICE);
  return type !== "lead" || has(state, { phase: "string" });
}

function haveAll(values: unknown, shape: Shape): boolean {
  return Array.isArray(values) && values.every((value) => has(value, shape));
}

function has(value: unknown, shape: Shape): value is Fields {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Fields;
  return Object.entries(shape).every(
    ([name, kind]) => typeof fields[name] === kind && fields[name] !== null,
  );
}
