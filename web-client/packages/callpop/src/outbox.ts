// What the user did and the gateway has not confirmed: it is sent again after every reconnect. A frame
// that was sent may be lost with its socket, or with the tab that led and was to pass it on; so a note
// is kept, in the tab that wrote it and in the one that leads, until the call itself says it.

import { type CallName, isMeant, keyOf, nameAlone } from "./item-key.ts";
import { isSame } from "./reach.ts";
import type { Call, ClientFrame } from "./wire.ts";

/** What a user says of a call after it. */
export interface WrapUpEntry {
  /** One of the client's `dispositions` where there are any; null: none. */
  readonly disposition: string | null;
  /** At most 2,000 characters. */
  readonly note: string;
}

/** How the last wrap-up of a call stands. */
export type WrapUpState = "saving" | "refused";

/** Of a wrap-up, between tabs: when it was said, by the server's clock in milliseconds. */
export interface Said {
  readonly said_at?: number;
}

/** More wrap-ups, or popups that were reported, are not remembered. */
const MOST = 50;
/** All calls that a client holds may be dismissed at once. */
const MOST_DISMISSED = 600;

interface Dismissal {
  readonly name: CallName;
  /** Whether it is still to be sent. */
  isDue: boolean;
}

interface Pending {
  readonly name: CallName;
  readonly words: WrapUpEntry;
  /** By the server's clock. */
  readonly saidAtMs: number;
  /** This, and what it replaced and may have been sent: the gateway's answer to that is not news. */
  readonly sent: readonly WrapUpEntry[];
  isRefused: boolean;
  isDue: boolean;
}

export class Outbox {
  readonly #dismissed = new Map<string, Dismissal>();
  readonly #wrapUps = new Map<string, Pending>();

  /** At most that many of what is to be sent; for another tab with `Said`. */
  take(most: number, isForTab: boolean): ClientFrame[] {
    const frames: ClientFrame[] = [];
    for (const dismissal of this.#dismissed.values()) {
      if (!dismissal.isDue || frames.length >= most) continue;
      dismissal.isDue = false;
      frames.push({ type: "dismiss", ...dismissal.name });
    }
    for (const entry of this.#wrapUps.values()) {
      if (!entry.isDue || frames.length >= most || entry.isRefused) continue;
      entry.isDue = false;
      const said: Said | false = isForTab && { said_at: entry.saidAtMs };
      frames.push({ type: "wrap_up", ...entry.name, ...entry.words, ...said });
    }
    return frames;
  }

  /** Everything is to be sent again. */
  again(): void {
    for (const kept of [this.#dismissed, this.#wrapUps]) {
      for (const entry of kept.values()) entry.isDue = true;
    }
  }

  dismiss(name: CallName): void {
    this.#dismissed.set(keyOf(name), { name: nameAlone(name), isDue: true });
    forgetOldest(this.#dismissed, MOST_DISMISSED);
  }

  /**
   * Keeps it until it is confirmed; false when the same is on its way, or the call says so already.
   * What another tab said, at `said_at`, does not replace what was said later.
   */
  wrapUp(name: CallName, said: WrapUpEntry & Said, call: Call | undefined, nowMs: number): boolean {
    const key = keyOf(name);
    const pending = this.#wrapUps.get(key);
    const { saidAtMs: lastMs = 0, sent = [] } = pending ?? {};
    const words = wellFormed(said);
    const latestMs = Math.max(nowMs, lastMs);
    const saidAtMs = Math.min(said.said_at ?? latestMs, latestMs);
    const isInVain =
      pending === undefined
        ? says(call, words)
        : !pending.isRefused && (isSame(pending.words, words) || saidAtMs < lastMs);
    if (isInVain) return false;
    this.#wrapUps.set(key, {
      name: nameAlone(name),
      words,
      saidAtMs,
      sent: [...sent, words].slice(-MOST),
      isRefused: false,
      isDue: true,
    });
    forgetOldest(this.#wrapUps);
    return true;
  }

  stateOf(name: CallName): WrapUpState | null {
    const pending = this.#wrapUps.get(keyOf(name));
    if (pending === undefined) return null;
    return pending.isRefused ? "refused" : "saving";
  }

  /** Forgets what the calls as they now stand confirm. */
  confirm(find: (name: CallName) => Call | undefined): void {
    for (const [key, { name }] of this.#dismissed) {
      if (find(name)?.dismissed_at !== null) this.#dismissed.delete(key);
    }
    for (const [key, entry] of this.#wrapUps) {
      const call = find(entry.name);
      // What another device said later is not to be replaced by what was said before it.
      const isOld =
        (call?.wrap_up?.at ?? 0) / 1000 > entry.saidAtMs &&
        !entry.isRefused &&
        !entry.sent.some((words) => says(call, words));
      if (isOld || says(call, entry.words)) this.#wrapUps.delete(key);
    }
  }

  clear(): void {
    this.#dismissed.clear();
    this.#wrapUps.clear();
  }

  /** The gateway did not take what was said of that call; true when a wrap-up is refused by that. */
  refuse(meant: CallName): boolean {
    for (const [key, { name }] of this.#dismissed) {
      if (isMeant(name, meant)) this.#dismissed.delete(key);
    }
    const refused = [...this.#wrapUps.values()].filter(
      ({ name, isRefused }) => !isRefused && isMeant(name, meant),
    );
    for (const entry of refused) entry.isRefused = true;
    return refused.length > 0;
  }
}

/** As the gateway takes it: it refuses carriage returns, and no frame holds half a character. */
function wellFormed({ disposition, note }: WrapUpEntry): WrapUpEntry {
  return { disposition, note: note.replace(/\r\n?/g, "\n").replace(/\p{Cs}/gu, "\ufffd") };
}

function says(call: Call | undefined, words: WrapUpEntry): boolean {
  return call !== undefined && isSame(words, call.wrap_up ?? { disposition: null, note: "" });
}

/** Keeps the newest. */
export function forgetOldest(kept: Set<string> | Map<string, unknown>, most: number = MOST): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= most) return;
    kept.delete(oldest);
  }
}
