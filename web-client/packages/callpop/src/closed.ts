// What the user closed here, and whether the gateway counts it.

import type { Act } from "./acts.ts";
import { forgetOldest, type ItemName, keyOf } from "./item-key.ts";
import type { Call, Notice } from "./wire.ts";

const MOST = 800;

/** An act by which a user says that an item needs no look any more. */
export type Closing = Exclude<Act["type"], "wrap_up">;

const CLOSINGS: readonly Closing[] = ["dismiss", "done"];

/** Whether its user has closed all there is to see of it: a summary that came since is not closed. */
export function isClosed({ dismissed_at, summary, summary_seen }: Call): boolean {
  return dismissed_at !== null && (summary === null || summary_seen);
}

/**
 * The gateway counts such an act by the version that it names. Where the item stands at another one
 * by then, it may count for less than the user saw, though what was shown is the same: then it is
 * said again, of the version that is known by now.
 */
export class ClosedHere {
  /** What an item said when it was closed, by the act and the item's key. */
  readonly #said = new Map<string, string>();

  /** The item was closed; where it stands at another version by now, nobody knows what was seen. */
  note(item: Call | Notice | undefined, act: Act): void {
    if (act.type === "wrap_up" || item === undefined || item.version > (act.seen ?? 0)) return;
    const said = saidBy(item);
    if (said === undefined) return;
    this.#said.set(act.type + keyOf(item), said);
    forgetOldest(this.#said, MOST);
  }

  /** The gateway refused it for good. */
  forget(name: ItemName, { type }: Act): void {
    this.#said.delete(type + keyOf(name));
  }

  /** What is to be said again of an item as it now stands. */
  uncounted(item: Call | Notice): readonly Closing[] {
    // It is asked for every frame, and mostly nothing of the item was closed.
    if (this.#said.size === 0) return [];
    const key = keyOf(item);
    return CLOSINGS.filter((type) => {
      const said = this.#said.get(type + key);
      return said !== undefined && said === saidBy(item) && !isCounted(item, type);
    });
  }

  clear(): void {
    this.#said.clear();
  }
}

/** What was to be seen of it that may be closed; of a call that is its summary. */
function saidBy(item: Call | Notice): string | undefined {
  if (!("notice_id" in item)) return item.summary?.reported_at.toString();
  const { version: _, state: __, done_at: ___, dismissed_at: ____, ...said } = item;
  return JSON.stringify(said);
}

function isCounted(item: Call | Notice, type: Closing): boolean {
  if (!("notice_id" in item)) return item.summary_seen;
  return (type === "done" ? item.done_at : item.dismissed_at) !== null;
}
