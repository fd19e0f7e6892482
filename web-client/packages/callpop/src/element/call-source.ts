// Where a popup gets its calls from.

import type { WrapUpEntry } from "../acts.ts";
import type { Diagnosis } from "../client.ts";
import type { Unsubscribe } from "../events.ts";
import type { CallName, NoticeName } from "../item-key.ts";
import type { WrapUpState } from "../outbox.ts";
import type { Duties, Reach } from "../reach.ts";
import type { ConnectionState } from "../state.ts";
import type { Call, Conversation, Notice } from "../wire.ts";

export type { Diagnosis, Duties, Reach, WrapUpEntry };

/** What a popup needs of a client; `CallpopClient` has it all, a page's own may lack what is optional. */
export interface CallSource {
  readonly state: ConnectionState;
  readonly calls: readonly Call[];
  now(): number;
  connect(): void;
  dismiss(call: CallName): void;
  /** The name of a caller whose call has none, at the call's `source`, or null; never rejects. */
  contactName?(number: string, source: string): Promise<string | null>;
  /** Tells what this page can do to reach its user. */
  report?(reach: Partial<Reach>): void;
  /** Without it, this page does everything itself. */
  readonly duties?: Duties;
  /** All that a summary says whose `more` is true; without it, such a one cannot be read. */
  summary?(call: CallName): Promise<unknown>;
  /** Says that the popup of a ringing call is on the screen. */
  painted?(call: CallName): void;
  /** For the self-check. */
  diagnose?(): Diagnosis;
  /** Stores the user's wrap-up of a call; without it there is no form for it. */
  wrapUp?(call: CallName, entry: WrapUpEntry): void;
  /** How the last one of that call stands, until the gateway confirms it. */
  wrapUpState?(call: CallName): WrapUpState | null;
  /** What a wrap-up may be disposed as; none: any words. */
  readonly dispositions?: readonly string[];
  /** What the gateway makes of a call and the legs around it; with it, `conversation` tells when that changed. */
  conversationOf?(call: CallName): Conversation | null;
  /** Whose calls it tells of; without it, or null, nobody knows. */
  readonly extensions?: readonly string[] | null;
  /** `tenant`: of everybody. */
  readonly scope?: "user" | "tenant";
  on(name: "state", listener: (state: ConnectionState) => void): Unsubscribe;
  on(name: "calls", listener: (calls: readonly Call[]) => void): Unsubscribe;
}

/** A source that has notices, too. */
export interface NoticeSource extends Omit<CallSource, "dismiss" | "on"> {
  readonly notices: readonly Notice[];
  dismiss(item: CallName | NoticeName): void;
  /** Says that nothing is left to be done about a notice; without it there is no button for it. */
  done?(notice: NoticeName): unknown;
  on(name: "state", listener: (state: ConnectionState) => void): Unsubscribe;
  on(name: "calls", listener: (calls: readonly Call[]) => void): Unsubscribe;
  on(name: "notices", listener: (notices: readonly Notice[]) => void): Unsubscribe;
}

export function hasNotices(source: CallSource | NoticeSource | null): source is NoticeSource {
  return source !== null && "notices" in source;
}

/** A source that knows which legs belong together. */
export interface ConversationSource extends CallSource {
  conversationOf(call: CallName): Conversation | null;
  on(name: "state", listener: (state: ConnectionState) => void): Unsubscribe;
  on(name: "calls", listener: (calls: readonly Call[]) => void): Unsubscribe;
  on(name: "conversation", listener: (conversation: Conversation) => void): Unsubscribe;
}

export function hasConversations(source: CallSource | null): source is ConversationSource {
  return source?.conversationOf !== undefined;
}

/** A source that shares its duties with the other pages of its user. */
export interface SharingSource extends CallSource {
  readonly duties: Duties;
  on(name: "state", listener: (state: ConnectionState) => void): Unsubscribe;
  on(name: "calls", listener: (calls: readonly Call[]) => void): Unsubscribe;
  on(name: "duties", listener: (duties: Duties) => void): Unsubscribe;
}

/** Whether other pages may do for this one what has to be done once. */
export function isSharing(source: CallSource): source is SharingSource {
  return source.duties !== undefined;
}
