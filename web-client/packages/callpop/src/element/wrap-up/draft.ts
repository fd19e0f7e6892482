// What is being written of a call, next to what is stored of it: pure. What is typed is only ever
// replaced by its writer.

import type { WrapUp } from "../../wire.ts";
import type { WrapUpEntry } from "../call-source.ts";

export interface Draft {
  /** As it stands in the form. */
  readonly entry: WrapUpEntry;
  /** What was stored when its writer last looked at it. */
  readonly seen: WrapUp | null;
  /** What was given to the gateway last, until it is stored. */
  readonly sent: WrapUpEntry | null;
}

export const LONGEST_NOTE = 2_000;
const NOTHING: WrapUpEntry = { disposition: null, note: "" };

/** A form that shows what is stored. */
export function draftOf(stored: WrapUp | null): Draft {
  return { entry: entryOf(stored), seen: stored, sent: null };
}

/** The draft, now that this is stored. */
export function follow(draft: Draft, stored: WrapUp | null): Draft {
  if (stored?.at === draft.seen?.at) return draft;
  if (!isUnsaved(draft) || isSame(entryOf(stored), draft.entry)) return draftOf(stored);
  const isOurs = draft.sent !== null && isSame(entryOf(stored), draft.sent);
  return isOurs ? { ...draft, seen: stored, sent: null } : draft;
}

/** What somebody else has stored since, while this was written. */
export function conflictOf(draft: Draft, stored: WrapUp | null): WrapUp | null {
  const isNew = stored !== null && stored.at !== draft.seen?.at;
  return isNew && draft.sent === null ? stored : null;
}

/** Whether the form says something else than what is stored. */
export function isUnsaved({ entry, seen }: Draft): boolean {
  return !isSame(entry, entryOf(seen));
}

/** As it is sent: without what a note cannot hold. */
export function cleaned({ disposition, note }: WrapUpEntry): WrapUpEntry {
  const lines = note.replace(/\r\n?/g, "\n").replace(/[^\P{Cc}\n\t]/gu, "");
  return { disposition, note: [...lines.trimEnd()].slice(0, LONGEST_NOTE).join("") };
}

function entryOf(stored: WrapUp | null): WrapUpEntry {
  return stored === null ? NOTHING : { disposition: stored.disposition, note: stored.note };
}

function isSame(a: WrapUpEntry, b: WrapUpEntry): boolean {
  return a.disposition === b.disposition && cleaned(a).note === cleaned(b).note;
}
