// Every text that the popup shows of its own. `{…}` is filled with what it names.

import type { RefusalReason } from "../close-codes.ts";

export interface Strings {
  /** For dates and numbers. */
  readonly locale: string;
  readonly calls: string;
  readonly connection: {
    readonly idle: string;
    readonly connecting: string;
    readonly unreachable: string;
    readonly connected: string;
    readonly reconnecting: string;
    readonly outdated: string;
    readonly refused: string;
    readonly closed: string;
    readonly tryAgain: string;
    readonly refusal: Readonly<Record<RefusalReason, string>>;
  };
  readonly state: {
    readonly incoming: string;
    readonly outgoing: string;
    readonly active: string;
    readonly held: string;
    readonly answered: string;
    readonly missed: string;
    readonly noAnswer: string;
    readonly expired: string;
  };
  readonly internal: string;
  /** Follows the name of a state. */
  readonly unconfirmed: string;
  /** `{time}` */
  readonly unconfirmedSince: string;
  /** `{via}`, `{number}` */
  readonly transferPending: string;
  /** `{via}` */
  readonly transferPendingUnknown: string;
  /** `{via}` */
  readonly transferDone: string;
  /** `{line}` */
  readonly toLine: string;
  /** `{line}` */
  readonly fromLine: string;
  /** `{duration}` */
  readonly talked: string;
  /** `{duration}` */
  readonly rang: string;
  /** `{duration}` */
  readonly onHoldFor: string;
  readonly unknown: string;
  readonly colleague: string;
  /** `{who}` */
  readonly dismiss: string;
  /** `{who}` */
  readonly announce: string;
  readonly quiet: string;
  readonly recent: string;
  /** `{count}` */
  readonly missedCount: (count: number) => string;
  readonly markSeen: string;
  /** `{count}` */
  readonly showAll: string;
  readonly showFewer: string;
  readonly summary: {
    readonly title: string;
    readonly open: string;
    readonly show: string;
    readonly close: string;
    readonly nothing: string;
    readonly quick: string;
    readonly actions: string;
    readonly focus: string;
    readonly notes: string;
    readonly recommendations: string;
    readonly missed: string;
    readonly suggestions: string;
    readonly attendees: string;
  };
}

export const en: Strings = {
  locale: "en-GB",
  calls: "Calls",
  connection: {
    idle: "Not connected",
    connecting: "Connecting…",
    unreachable: "Cannot reach the gateway, still trying…",
    connected: "Ready for calls",
    reconnecting: "Reconnecting…",
    outdated: "What you see may be out of date.",
    refused: "Not connected",
    closed: "Disconnected",
    tryAgain: "Try again",
    refusal: {
      token: "Your sign-in has expired or is not valid. Sign in again to receive calls.",
      forbidden: "This page is not allowed to receive calls here. Ask your administrator.",
      too_many_sessions: "You are connected in too many places. Close some tabs, then try again.",
      too_many_frames: "This page sent too much to the gateway and was disconnected.",
      malformed_frame: "The gateway did not understand this page. Reload it to update.",
    },
  },
  state: {
    incoming: "Incoming call",
    outgoing: "Calling",
    active: "On call",
    held: "On hold",
    answered: "Call ended",
    missed: "Missed call",
    noAnswer: "No answer",
    expired: "Ended unconfirmed",
  },
  internal: "Internal",
  unconfirmed: "unconfirmed",
  unconfirmedSince: "No news since {time}. The call may be over.",
  transferPending: "Transfer from {via}, originally {number}",
  transferPendingUnknown: "Transfer from {via}",
  transferDone: "Transferred by {via}",
  toLine: "to {line}",
  fromLine: "from {line}",
  talked: "Talked {duration}",
  rang: "Rang {duration}",
  onHoldFor: "{duration} on hold",
  unknown: "Unknown number",
  colleague: "a colleague",
  dismiss: "Dismiss call with {who}",
  announce: "Incoming call from {who}",
  quiet: "No calls right now",
  recent: "Recent",
  missedCount: (count) => (count === 1 ? "1 missed" : `${count} missed`),
  markSeen: "Mark as seen",
  showAll: "Show all {count}",
  showFewer: "Show fewer",
  summary: {
    title: "Call summary",
    open: "Summary",
    show: "Read",
    close: "Close summary",
    nothing: "This summary has no text.",
    quick: "In short",
    actions: "Action items",
    focus: "Focus topics",
    notes: "Notes",
    recommendations: "Recommendations",
    missed: "Missed",
    suggestions: "Suggestions",
    attendees: "With",
  },
};

/** A text with its `{…}` filled in. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (_, key: string) => values[key] ?? "");
}
