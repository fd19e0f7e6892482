// Every text that the popup itself shows; `{…}` is filled with what it names. The parts that
// are loaded later carry their own.

import type { RefusalReason } from "../../close-codes.ts";
import type { Language, Plural } from "../language.ts";

export interface Words {
  readonly language: Language;
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
    readonly elsewhere: string;
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
  /** `{who}` */
  readonly answeredBy: string;
  /** `{line}` */
  readonly toLine: string;
  /** `{line}` */
  readonly fromLine: string;
  /** `{duration}` */
  readonly talkedFor: string;
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
  readonly noExtension: string;
  /** `{count}` */
  readonly otherCalls: Plural;
  /** `{count}` */
  readonly missedCount: Plural;
  /** A part of the popup that is loaded when it is needed. */
  readonly part: { readonly loading: string; readonly failed: string };
  readonly summary: string;
}
