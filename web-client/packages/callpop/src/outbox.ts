// What the user did and the gateway has not stored for good: it is sent again after every reconnect. A
// frame that was sent may be lost with its socket, or with the tab that led and was to pass it on; so an
// act is kept, in the tab where it was done and in the one that leads, until the gateway says `durable`.
// That word names the item only, so of each item one act is under way at a time.

import {
  type Act,
  type Answer,
  covers,
  isSuperseded,
  NotStored,
  type Pending,
  type Said,
  says,
  type ToldAct,
  wellFormed,
} from "./acts.ts";
import { forgetOldest, type ItemName, isMeant, keyOf, nameAlone } from "./item-key.ts";
import type { Call } from "./wire.ts";

/** How the last wrap-up of a call stands. */
export type WrapUpState = "saving" | "refused";

/** More is not remembered. All that a client holds may be dismissed at once. */
const MOST: Readonly<Record<Act["type"], number>> = { dismiss: 800, done: 200, wrap_up: 50 };

export class Outbox {
  /** By the keys of items: what was done with each, in its order. */
  readonly #queues = new Map<string, Pending[]>();
  /** Calls whose last wrap-up was refused. */
  readonly #refused = new Set<string>();

  /**
   * Keeps an act until it is stored, and tells then. What another tab did, at `said_at`, does not
   * replace what was done later; what is under way already is not sent twice.
   */
  add(
    name: ItemName,
    given: Act,
    { said_at, call, nowMs }: Said & { readonly call: Call | undefined; readonly nowMs: number },
  ): Promise<void> {
    const key = keyOf(name);
    const queue = this.#queues.get(key) ?? [];
    this.#queues.set(key, queue);
    const act = wellFormed(given);
    const last = queue.findLast((pending) => pending.act.type === act.type);
    // The user has seen what is stored, whatever the clocks say.
    const latestMs = Math.max(nowMs, (last?.saidAtMs ?? 0) + 1, (call?.wrap_up?.at ?? 0) / 1000);
    const pending: Pending = {
      name: nameAlone(name),
      act,
      saidAtMs: Math.min(said_at ?? latestMs, latestMs),
      toldAtMs: said_at ?? latestMs,
      ours: act.type === "wrap_up" ? [...(last?.ours ?? []), act].slice(-MOST.wrap_up) : [],
      state: "due",
      told: [],
    };
    if (act.type === "wrap_up") this.#refused.delete(key);
    const isWaiting = last !== undefined && isInVain(last, pending);
    const kept = isWaiting ? last : put(queue, last, pending);
    this.#forgetOldest(act.type);
    // The tab where it was done waits for it, not this one.
    return said_at === undefined ? promised(kept) : Promise.resolve();
  }

  /** At most that many of what is to be sent; for another tab with `Said`. */
  take(
    most: number,
    isForTab: boolean,
    find: (name: ItemName) => Call | undefined,
  ): readonly ToldAct[] {
    const frames: ToldAct[] = [];
    for (const queue of this.#queues.values()) {
      if (frames.length >= most) break;
      const [first] = queue;
      if (first?.state !== "due") continue;
      if (isSuperseded(first, find(first.name))) {
        this.#settle([first], new NotStored("superseded"));
        continue;
      }
      first.state = "sent";
      const { name, act, saidAtMs } = first;
      frames.push({ ...name, ...act, ...(isForTab && { said_at: saidAtMs }) });
    }
    return frames;
  }

  /** A session began: everything is to be sent, but what something later of its kind replaced. */
  restart(): void {
    for (const [key, queue] of this.#queues) this.#queues.set(key, lastOfEachKind(queue));
  }

  /** What could not be stored is to be sent again; with `all`, what nobody answered, too. */
  again(all: boolean): void {
    for (const pending of this.#all()) {
      if (all || pending.state === "later") pending.state = "due";
    }
  }

  /** Takes the gateway's word on an act; returns those that it was about. */
  answer(answer: Answer): readonly (Act & Said)[] {
    const { act, type } = answer;
    // What is said of no item is about no act.
    if ((answer.leg_id ?? answer.notice_id) === undefined) return [];
    const answered: Pending[] = [];
    for (const queue of this.#queues.values()) {
      if (!queue[0] || !isMeant(queue[0].name, answer)) continue;
      const isAnswered = (pending: Pending): boolean =>
        act === undefined ? pending.state === "sent" : covers(act, pending);
      answered.push(...queue.filter(isAnswered));
    }
    if (type === "durable") this.#settle(answered, null);
    else if (answer.code !== "unavailable") {
      this.#settle(answered, new NotStored(answer.code, answer.detail));
    } else for (const pending of answered) pending.state = "later";
    return answered.map((pending) => ({ ...pending.act, said_at: pending.toldAtMs }));
  }

  stateOf(name: ItemName): WrapUpState | null {
    const key = keyOf(name);
    if (this.#queues.get(key)?.some(({ act }) => act.type === "wrap_up")) return "saving";
    return this.#refused.has(key) ? "refused" : null;
  }

  clear(): void {
    this.#settle(this.#all(), new NotStored("other_user"));
    this.#refused.clear();
  }

  #all(): Pending[] {
    return [...this.#queues.values()].flat();
  }

  /** They are stored, or will never be. */
  #settle(settled: readonly Pending[], why: NotStored | null): void {
    for (const { name, act, told } of settled) {
      const key = keyOf(name);
      if (why !== null && act.type === "wrap_up") {
        this.#refused.add(key);
        forgetOldest(this.#refused, MOST.wrap_up);
      }
      for (const { resolve, reject } of told) {
        if (why === null) resolve();
        else reject(why);
      }
      const left = this.#queues.get(key)?.filter((pending) => !settled.includes(pending)) ?? [];
      if (left.length > 0) this.#queues.set(key, left);
      else this.#queues.delete(key);
    }
  }

  #forgetOldest(type: Act["type"]): void {
    const kept = this.#all().filter(({ act }) => act.type === type);
    this.#settle(kept.slice(0, -MOST[type]), new NotStored("forgotten"));
  }
}

/** Whether what is under way does for a later act of its kind. */
function isInVain(last: Pending, { act, saidAtMs }: Pending): boolean {
  if (act.type === "wrap_up" && last.act.type === "wrap_up" && says(last.act, act)) return true;
  return covers({ ...last.act, said_at: last.saidAtMs }, { ...last, act, saidAtMs });
}

/** Puts an act behind the others; one of its kind that nobody has sent yet gives way. */
function put(queue: Pending[], last: Pending | undefined, pending: Pending): Pending {
  const isOneMore = last === undefined || last.state === "sent";
  const kept = isOneMore ? pending : { ...pending, told: last.told };
  queue.splice(isOneMore ? queue.length : queue.indexOf(last), 1, kept);
  return kept;
}

function lastOfEachKind(queue: readonly Pending[]): Pending[] {
  return queue.flatMap((pending) => {
    const ofItsKind = queue.filter(({ act }) => act.type === pending.act.type);
    if (ofItsKind.at(-1) !== pending) return [];
    return [{ ...pending, state: "due", told: ofItsKind.flatMap(({ told }) => told) }];
  });
}

/** Settled with that act. Who does not wait for it need not hear that it failed. */
function promised({ told }: Pending): Promise<void> {
  const promise = new Promise<void>((resolve, reject) => told.push({ resolve, reject }));
  promise.catch(() => undefined);
  return promise;
}
