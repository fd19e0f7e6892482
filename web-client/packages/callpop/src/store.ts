// What this client knows of the calls: the highest version of each within an epoch.

import type { Opening } from "./frames.ts";
import { type CallName, isMeant, keyOf } from "./item-key.ts";
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
  #list: readonly Call[] = [];
  /** How many of them have ended. */
  #ended = 0;

  /** The `resume` parameter that asks for what happened since, or null at the very start. */
  get resume(): string | null {
    return this.#epoch === null ? null : `${this.#epoch}:${this.seq}:${this.#stream}`;
  }

  /** All calls, newest first; another list after every change. */
  get list(): readonly Call[] {
    return this.#list;
  }

  get(name: CallName): Call | undefined {
    return this.#calls.get(keyOf(name));
  }

  /** Whatever that name may mean; itself where it is of no call that is held. */
  meant(name: CallName): readonly CallName[] {
    if (this.get(name) !== undefined) return [name];
    const meant = this.#list.filter((call) => isMeant(call, name));
    return meant.length > 0 ? meant : [name];
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
      this.#empty();
      this.#epoch = frame.epoch;
      this.seq = 0;
    }
    return this.#take(frame.seq, frame.calls, before);
  }

  /** Forgets everything. */
  clear(): void {
    this.#epoch = null;
    this.#empty();
  }

  /** Takes one call as it now stands; an older version of it changes nothing. */
  add(seq: number, call: Call): CallChange[] {
    return this.#take(seq, [call], this.#calls);
  }

  #empty(): void {
    this.#calls = new Map();
    this.#list = [];
    this.#ended = 0;
  }

  /** What changed since `before`, of calls that are newer than those held. */
  #take(seq: number, calls: readonly Call[], before: ReadonlyMap<string, Call>): CallChange[] {
    this.seq = Math.max(this.seq, seq);
    const changes: CallChange[] = [];
    for (const call of calls) {
      const key = keyOf(call);
      if (call.version <= (this.#calls.get(key)?.version ?? -1)) continue;
      const previous = before.get(key) ?? null;
      this.#put(key, call);
      if (call.version !== previous?.version) changes.push({ call, previous });
    }
    return changes;
  }

  #put(key: string, call: Call): void {
    const held = this.#calls.get(key);
    this.#calls.set(key, call);
    this.#list = withCall(this.#list, held, call);
    this.#ended += Number(hasEnded(call)) - Number(held !== undefined && hasEnded(held));
    if (this.#ended > ENDED_KEPT) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const oldest = this.#list.findLast(hasEnded);
    if (oldest === undefined) return;
    this.#calls.delete(keyOf(oldest));
    this.#list = this.#list.filter((call) => call !== oldest);
    this.#ended -= 1;
  }
}

function hasEnded(call: Call): boolean {
  return call.state === "ended";
}

/**
 * The list with a call in its place, which is that of what was held of it: when a call began seldom
 * changes, and sorting anew at every frame would cost a wallboard's page a core.
 */
function withCall(list: readonly Call[], held: Call | undefined, call: Call): readonly Call[] {
  if (held?.started_at === call.started_at) return list.with(list.indexOf(held), call);
  const others = held === undefined ? list : list.filter((other) => other !== held);
  const next = others.findIndex((other) => other.started_at < call.started_at);
  return others.toSpliced(next < 0 ? others.length : next, 0, call);
}
