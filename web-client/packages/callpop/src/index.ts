// The SDK: what `import … from "callpop"` gives.

export { NotStored, type WrapUpEntry } from "./acts.ts";
export {
  CallpopClient,
  type CallChange,
  type ClientEvents,
  type Diagnosis,
  type NoticeChange,
} from "./client.ts";
export type { RefusalReason } from "./close-codes.ts";
export type { Unsubscribe } from "./events.ts";
export type { CallName, NoticeName } from "./item-key.ts";
export type { ClientOptions } from "./options.ts";
export type { WrapUpState } from "./outbox.ts";
export type { Duties, Reach } from "./reach.ts";
export type { SocketConstructor, SocketLike } from "./socket.ts";
export type { ConnectionState } from "./state.ts";
export { tokenFromUrl } from "./token-url.ts";
export { type TokenProvider, TokenUnavailable } from "./tokens.ts";
export type {
  Call,
  CallState,
  ClientFrame,
  Conversation,
  ConversationKind,
  ConversationOutcome,
  Direction,
  Integration,
  IntegrationStatus,
  Notice,
  NoticeKind,
  NoticeState,
  Outcome,
  Party,
  ServerFrame,
  Summary,
  Transfer,
  WrapUp,
} from "./wire.ts";
