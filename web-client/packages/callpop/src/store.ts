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
  /** Up to where within the epoch everything is known. */
  seq = 0;
  #calls = new Map<string, Call>();
  #epoch: string | null = null;
  #stream = "";
  #list: readonly Call[] | null = null;

  /** The `resume` parameter that asks for what happened since, or null at the very start. */
  get resume(): string | null {
    return this.#epoch === null ? null : `${this.#epoch}:${this.seq}:${this.#stream}`;
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
      frame.epoch === this.#epoch && frame.stream === this.#stream && frame.seq < this.seq;
    this.#stream = frame.stream;
    const before = this.#calls;
    if (frame.type === "snapshot" && !isBehind) {
      this.#calls = new Map();
      this.#list = null;
      this.#epoch = frame.epoch;
      this.seq = 0;
    }
    return this.#take(frame.seq, frame.calls, before);
  }

  /** Forgets everything. */
  clear(): void {
    this.#epoch = null;
    this.#calls.clear();
    this.#list = null;
  }

  /** Takes one call as it now stands; an older version of it changes nothing. */
  add(seq: number, call: Call): CallChange[] {
    return this.#take(seq, [call], this.#calls);
  }

  /** What changed since `before`, of calls that are newer than those held. */
  #take(seq: number, calls: readonly Call[], before: ReadonlyMap<string, Call>): CallChange[] {
    this.seq = Math.max(this.seq, seq);
    const newer = calls
      .filter((call) => call.version > (this.#calls.get(call.leg_id)?.version ?? -1))
      .map((call) => ({ call, previous: before.get(call.leg_id) ?? null }));
    for (const { call } of newer) this.#calls.set(call.leg_id, call);
    if (newer.length > 0) this.#forgetOldest();
    return newer.filter(({ call, previous }) => call.version !== previous?.version);
  }

  #forgetOldest(): void {
    this.#list = null;
    const ended = this.list.filter((call) => call.state === "ended");
    for (const call of ended.slice(ENDED_KEPT)) this.#calls.delete(call.leg_id);
    this.#list = null;
  }
}
