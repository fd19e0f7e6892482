// The signs of the kinds of notices, each drawn in a field of 24 × 24, and what may be opened.

import type { Notice } from "../../wire.ts";

const SIGNS: Readonly<Record<Notice["kind"], string>> = {
  message: "M4 5h16v11.5H10L5.5 20v-3.5H4Z",
  ticket:
    "M4 6.5h16v3.7a1.9 1.9 0 0 0 0 3.6v3.7H4v-3.7a1.9 1.9 0 0 0 0-3.6ZM14 6.5v2m0 2.5v2m0 2.5v2",
  appointment: "M4.5 6h15v14h-15ZM4.5 10.5h15M8.5 3.5V8m7-4.5V8",
  chat: "M3.5 4h12v8.5h-6L6 15.5v-3H3.5ZM18.5 9h2v8.5H18v3l-3.5-3H9.5v-1.5",
  voicemail:
    "M6.5 16a3.7 3.7 0 1 1 0-7.4 3.7 3.7 0 0 1 0 7.4Zm11 0a3.7 3.7 0 1 1 0-7.4 3.7 3.7 0 0 1 0 7.4Zm-11 0h11",
  automation: "M13 3.5 5.5 13.5H11L10 20.5l8-10.5h-5.5Z",
  other: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17ZM12 11v5.5M12 7.5v.1",
};

/** A kind that this version does not know is another one. */
export function kindOf({ kind }: Notice): Notice["kind"] {
  return Object.hasOwn(SIGNS, kind) ? kind : "other";
}

export function signOf(notice: Notice): string {
  return SIGNS[kindOf(notice)];
}

/** The address of a notice where it is https; anything else may run in this page. */
export function addressOf({ link }: Notice): string | null {
  try {
    const url = new URL(link ?? "");
    return url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}
