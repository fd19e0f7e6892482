// What this client knows of the calls: the highest version of each leg within an epoch.

import type { Opening } from "./frames.ts";
import type { Call } from "./wire.ts";

/** How many ended calls are held; a page may stay open for weeks. */
const ENDED_KEPT = 500;

/** A call that became known or changed. */
export interface CallChange {
  readonly call: Call;
  /** As it stood before, or null when it is new here. */
  readonly previous: Call | null;
}

export class CallStore {
  #calls = new Map<string, Call>();
  #epoch: string | null = null;
  #seq = 0;
  #stream = "";
  #list: readonly Call[] | null = null;

  /** The `resume` parameter that asks for what happened since, or null at the very start. */
  get resume(): string | null {
    return this.#epoch === null ? null : `${this.#epoch}:${this.#seq}:${this.#stream}`;
  }

  /** Up to where within the epoch everything is known. */
  get seq(): number {
    return this.#seq;
  }

  /** All calls, newest first. */
  get list(): readonly Call[] {
    this.#list ??= [...this.#calls.values()].sort((a, b) => b.started_at - a.started_at);
    return this.#list;
  }

  get(legId: string): Call | undefined {
    return this.#calls.get(legId);
  }

  /**
   * Takes the first frame of a session: a snapshot replaces everything, `resumed` adds to it. So does
   * a snapshot that is behind what is held, as of a tab that has just taken the lead.
   */
  open(frame: Opening): CallChange[] {
    const isBehind =
      frame.epoch === this.#epoch && frame.stream === this.#stream && frame.seq < this.#seq;
    this.#stream = frame.stream;
    if (frame.type === "resumed" || isBehind) {
      this.#seq = Math.max(this.#seq, frame.seq);
      return this.#addAll(frame.calls);
    }
    const before = this.#calls;
    this.#calls = new Map(frame.calls.map((call) => [call.leg_id, call]));
    this.#list = null;
    this.#epoch = frame.epoch;
    this.#seq = frame.seq;
    return frame.calls
      .map((call) => ({ call, previous: before.get(call.leg_id) ?? null }))
      .filter(({ call, previous }) => call.version !== previous?.version);
  }

  /** Forgets everything. */
  clear(): void {
    this.#epoch = null;
    this.#calls.clear();
    this.#list = null;
  }

  /** Takes one call as it now stands; an older version of it changes nothing. */
  add(seq: number, call: Call): CallChange[] {
    this.#seq = Math.max(this.#seq, seq);
    return this.#addAll([call]);
  }

  #addAll(calls: readonly Call[]): CallChange[] {
    const changes = calls
      .map((call) => ({ call, previous: this.#calls.get(call.leg_id) ?? null }))
      .filter(({ call, previous }) => previous === null || call.version > previous.version);
    for (const { call } of changes) this.#calls.set(call.leg_id, call);
    if (changes.length > 0) this.#forgetOldest();
    return changes;
  }

  #forgetOldest(): void {
    this.#list = null;
    const ended = this.list.filter((call) => call.state === "ended");
    if (ended.length <= ENDED_KEPT) return;
    for (const call of ended.slice(ENDED_KEPT)) this.#calls.delete(call.leg_id);
    this.#list = null;
  }
}
