// When a call is closed, and which summaries the user has closed here.

import { keyOf } from "./item-key.ts";
import type { Call } from "./wire.ts";

const MOST = 600;

/** Whether its user has closed all there is to see of it: a summary that came since is not closed. */
export function isClosed({ dismissed_at, summary, summary_seen }: Call): boolean {
  return dismissed_at !== null && (summary === null || summary_seen);
}

/**
 * The gateway counts a dismissal by the version that it names. Where what came before that version
 * turns out to be in another order there, it may count for less than the user saw: then it is said
 * again, of the version that is known by now.
 */
export class ClosedSummaries {
  /** When the summary that was closed was reported, by the keys of calls. */
  readonly #reported = new Map<string, number>();

  /** The call was closed; where it stands at another version by now, nobody knows what was seen. */
  note(call: Call | undefined, seen: number | undefined): void {
    if (!call?.summary || call.version > (seen ?? 0)) return;
    this.#reported.set(keyOf(call), call.summary.reported_at);
    const [oldest] = this.#reported.keys();
    if (this.#reported.size > MOST && oldest !== undefined) this.#reported.delete(oldest);
  }

  isToBeSaidAgain(call: Call): boolean {
    const { summary, summary_seen } = call;
    return (
      summary !== null && !summary_seen && this.#reported.get(keyOf(call)) === summary.reported_at
    );
  }

  clear(): void {
    this.#reported.clear();
  }
}
