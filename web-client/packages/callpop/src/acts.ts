// What a user does with an item, and how two such acts stand to each other: pure.

import type { ItemName } from "./item-key.ts";
import type { Call, ServerFrame } from "./wire.ts";

/** What a user says of a call after it. */
export interface WrapUpEntry {
  /** One of the client's `dispositions` where there are any; null: none. */
  readonly disposition: string | null;
  /** At most 2,000 characters. */
  readonly note: string;
}

/** As a frame carries it, beside the item's name. */
export type Act =
  /** `seen`: the version that was closed; without it, the one that the gateway has. */
  | { readonly type: "dismiss"; readonly seen?: number }
  /** Nothing is left to be done about a notice; `seen` as above. */
  | { readonly type: "done"; readonly seen?: number }
  | ({ readonly type: "wrap_up" } & WrapUpEntry);

/** Of an act, between tabs: when it was done, by the server's clock in milliseconds. */
export interface Said {
  readonly said_at?: number;
}

/** An act with its item, as one tab gives it to another. */
export type ToldAct = Act & ItemName & Said;

/** What another tab did, without its item. */
export function actOf(told: ToldAct): Act {
  if (told.type === "wrap_up") {
    const { type, disposition, note } = told;
    return { type, disposition, note };
  }
  const { type, seen } = told;
  return { type, ...(seen !== undefined && { seen }) };
}

/** The gateway's word on an act; who leads adds for the other tabs which one that is about. */
export type Answer = Extract<ServerFrame, { type: "durable" | "error" }> & {
  readonly act?: Act & Said;
};

/** An act that the gateway has not confirmed. */
export interface Pending {
  readonly name: ItemName;
  readonly act: Act;
  readonly saidAtMs: number;
  /** The same by the clock of the tab where it was done, which knows it by that. */
  readonly toldAtMs: number;
  /** Of a wrap-up: its words, and those that it replaces and that may have been sent. */
  readonly ours: readonly WrapUpEntry[];
  /** `later`: the gateway could not store it now. */
  state: "due" | "sent" | "later";
  readonly told: Told[];
}

/** Who waits for the gateway's word. */
export interface Told {
  resolve(): void;
  reject(why: NotStored): void;
}

/**
 * Why an act will never be stored: the gateway's code, or `superseded` (something else was said later,
 * elsewhere), `forgotten` (too much was waiting), `other_user`.
 */
export class NotStored extends Error {
  readonly code: string;

  constructor(code: string, detail: string = code) {
    super(detail);
    this.code = code;
  }
}

/** Whether nothing is left to be done of an act once `by` is stored. */
export function covers(by: Act & Said, { act, saidAtMs }: Pending): boolean {
  if (by.type !== act.type) return false;
  if (by.type === "wrap_up") return (by.said_at ?? 0) >= saidAtMs;
  return (by.seen ?? Infinity) >= (("seen" in act && act.seen) || 0);
}

/** Whether that wrap-up says these words; none says nothing. */
export function says(stored: WrapUpEntry | null | undefined, words: WrapUpEntry): boolean {
  return (stored?.disposition ?? null) === words.disposition && (stored?.note ?? "") === words.note;
}

/** Whether another device said something else of that call since, which is to stay. */
export function isSuperseded({ act, ours, saidAtMs }: Pending, call: Call | undefined): boolean {
  if (act.type !== "wrap_up" || (call?.wrap_up?.at ?? 0) / 1000 <= saidAtMs) return false;
  return !ours.some((words) => says(call?.wrap_up, words));
}

/** As the gateway takes it: it refuses carriage returns, and no frame holds half a character. */
export function wellFormed(act: Act): Act {
  if (act.type !== "wrap_up") return act;
  return { ...act, note: act.note.replace(/\r\n?/g, "\n").replace(/\p{Cs}/gu, "\ufffd") };
}
