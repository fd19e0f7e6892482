// What this client knows of calls and notices, and up to where of the stream that is.

import type { Opening } from "./frames.ts";
import { type Change, ItemList } from "./item-list.ts";
import type { Call, Conversation, Notice } from "./wire.ts";

/** How many ended calls, and how many notices, are held; a page may stay open for weeks. */
const ENDED_KEPT = 500;
const NOTICES_KEPT = 200;

/** What a session began with, next to what was held. */
export interface Changes {
  readonly calls: readonly Change<Call>[];
  readonly notices: readonly Change<Notice>[];
}

export class Store {
  readonly calls: ItemList<Call> = new ItemList(
    (call) => call.started_at,
    (call) => call.state === "ended",
    ENDED_KEPT,
  );
  readonly notices: ItemList<Notice> = new ItemList(
    (notice) => notice.at,
    () => true,
    NOTICES_KEPT,
  );
  /** By the keys of the calls that are their legs; conversations.ts keeps them. */
  readonly conversations: Map<string, Conversation> = new Map();
  /** Up to where within the epoch everything is known. */
  seq = 0;
  /** What the session that began last changed. */
  changes: Changes = { calls: [], notices: [] };
  #epoch: string | null = null;
  #stream = "";

  /** The `resume` parameter that asks for what happened since, or null at the very start. */
  get resume(): string | null {
    return this.#epoch === null ? null : `${this.#epoch}:${this.seq}:${this.#stream}`;
  }

  /**
   * Takes the first frame of a session: a snapshot replaces everything, `resumed` adds to it. So does
   * a snapshot that is behind what is held, as of a tab that has just taken the lead.
   */
  open(frame: Opening): Changes {
    const isBehind =
      frame.epoch === this.#epoch && frame.stream === this.#stream && frame.seq < this.seq;
    this.#stream = frame.stream;
    const isAnew = frame.type === "snapshot" && !isBehind;
    const [calls, notices] = isAnew ? [this.calls.empty(), this.notices.empty()] : [];
    if (isAnew) {
      this.#epoch = frame.epoch;
      this.seq = 0;
    }
    this.seq = Math.max(this.seq, frame.seq);
    this.changes = {
      calls: this.calls.take(frame.calls, calls),
      notices: this.notices.take(frame.notices ?? [], notices),
    };
    return this.changes;
  }

  /** Takes one call as it now stands; an older version of it changes nothing. */
  addCall(seq: number, call: Call): readonly Change<Call>[] {
    this.seq = Math.max(this.seq, seq);
    return this.calls.take([call]);
  }

  addNotice(seq: number, notice: Notice): readonly Change<Notice>[] {
    this.seq = Math.max(this.seq, seq);
    return this.notices.take([notice]);
  }

  /** Forgets everything. */
  clear(): void {
    this.conversations.clear();
    this.#epoch = null;
    this.calls.empty();
    this.notices.empty();
  }
}
