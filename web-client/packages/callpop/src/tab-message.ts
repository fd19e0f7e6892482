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
  | TabRequest;

/** What is for the gateway, through the leader; the other frames go over a page's own socket alone. */
export type TabRequest =
  Exclude<ClientFrame, { type: "token" | "beat" | "board" | "watch" }> | ToldAct;

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
/** What a value is, or its fields are; in brackets, each one of a list. */
type Shape =
  "string" | "number" | "object" | { readonly [field: string]: Shape } | readonly [Shape];

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
const CONVERSATION: Shape = {
  conversation_id: "string",
  source: "string",
  legs: [{ extension: "string", leg_id: "string" }],
  replaces: ["string"],
};
/** By type: what passes between pages, with the fields that they rely on. No token ever does. */
const SHAPES: Readonly<Record<string, Shape>> = {
  hello: {},
  reach: {},
  bye: {},
  lead: { state: { phase: "string" } },
  snapshot: {
    epoch: "string",
    seq: "number",
    stream: "string",
    server_time: "number",
    heartbeat_ms: "number",
    calls: [CALL],
    notices: [NOTICE],
  },
  call: { seq: "number", call: CALL },
  notice: { seq: "number", notice: NOTICE },
  conversation: { conversation: CONVERSATION },
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
  if (!has(value, { from: "string", reach: "object", message: { type: "string" } })) return false;
  const { to, message } = value as Envelope;
  const shape = Object.hasOwn(SHAPES, message.type) ? SHAPES[message.type] : null;
  return (to === null || typeof to === "string") && has(message, shape ?? "string");
}

function has(value: unknown, shape: Shape): boolean {
  if (typeof shape === "string") return typeof value === shape && value !== null;
  if (Array.isArray(shape)) {
    return Array.isArray(value) && value.every((one) => has(one, shape[0]));
  }
  return (
    has(value, "object") &&
    Object.entries(shape).every(([name, kind]) => has((value as Fields)[name], kind))
  );
}
