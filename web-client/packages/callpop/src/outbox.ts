// What the user did and the gateway has not confirmed: it is sent again after every reconnect. A frame
// that was sent may be lost with its socket, or with the tab that led and was to pass it on; so a note
// is kept, in the tab that wrote it and in the one that leads, until the call itself says it.

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

interface Pending {
  readonly words: WrapUpEntry;
  /** By the server's clock. */
  readonly saidAtMs: number;
  /** This, and what it replaced and may have been sent: the gateway's answer to that is not news. */
  readonly sent: readonly WrapUpEntry[];
  isRefused: boolean;
  isDue: boolean;
}

export class Outbox {
  /** Whether it is still to be sent. */
  readonly #dismissed = new Map<string, boolean>();
  readonly #wrapUps = new Map<string, Pending>();

  /** At most that many of what is to be sent; for another tab with `Said`. */
  take(most: number, isForTab: boolean): ClientFrame[] {
    const frames: ClientFrame[] = [];
    for (const [leg_id, isDue] of this.#dismissed) {
      if (!isDue || frames.length >= most) continue;
      this.#dismissed.set(leg_id, false);
      frames.push({ type: "dismiss", leg_id });
    }
    for (const [leg_id, entry] of this.#wrapUps) {
      if (!entry.isDue || frames.length >= most || entry.isRefused) continue;
      entry.isDue = false;
      const said: Said | false = isForTab && { said_at: entry.saidAtMs };
      frames.push({ type: "wrap_up", leg_id, ...entry.words, ...said });
    }
    return frames;
  }

  /** Everything is to be sent again. */
  again(): void {
    for (const legId of this.#dismissed.keys()) this.#dismissed.set(legId, true);
    for (const entry of this.#wrapUps.values()) entry.isDue = true;
  }

  dismiss(legId: string): void {
    this.#dismissed.set(legId, true);
    forgetOldest(this.#dismissed, MOST_DISMISSED);
  }

  /**
   * Keeps it until it is confirmed; false when the same is on its way, or the call says so already.
   * What another tab said, at `said_at`, does not replace what was said later.
   */
  wrapUp(legId: string, said: WrapUpEntry & Said, call: Call | undefined, nowMs: number): boolean {
    const pending = this.#wrapUps.get(legId);
    const { saidAtMs: lastMs = 0, sent = [] } = pending ?? {};
    const words = wellFormed(said);
    const latestMs = Math.max(nowMs, lastMs);
    const saidAtMs = Math.min(said.said_at ?? latestMs, latestMs);
    const isInVain =
      pending === undefined
        ? says(call, words)
        : !pending.isRefused && (isSame(pending.words, words) || saidAtMs < lastMs);
    if (isInVain) return false;
    this.#wrapUps.set(legId, {
      words,
      saidAtMs,
      sent: [...sent, words].slice(-MOST),
      isRefused: false,
      isDue: true,
    });
    forgetOldest(this.#wrapUps);
    return true;
  }

  stateOf(legId: string): WrapUpState | null {
    const pending = this.#wrapUps.get(legId);
    if (pending === undefined) return null;
    return pending.isRefused ? "refused" : "saving";
  }

  /** Forgets what the calls as they now stand confirm. */
  confirm(find: (legId: string) => Call | undefined): void {
    for (const legId of this.#dismissed.keys()) {
      if (find(legId)?.dismissed_at !== null) this.#dismissed.delete(legId);
    }
    for (const [legId, entry] of this.#wrapUps) {
      const call = find(legId);
      // What another device said later is not to be replaced by what was said before it.
      const isOld =
        (call?.wrap_up?.at ?? 0) / 1000 > entry.saidAtMs &&
        !entry.isRefused &&
        !entry.sent.some((words) => says(call, words));
      if (isOld || says(call, entry.words)) this.#wrapUps.delete(legId);
    }
  }

  clear(): void {
    this.#dismissed.clear();
    this.#wrapUps.clear();
  }

  /** The gateway did not take what was said of that call; true when a wrap-up is refused by that. */
  refuse(legId: string): boolean {
    this.#dismissed.delete(legId);
    const pending = this.#wrapUps.get(legId);
    if (pending === undefined || pending.isRefused) return false;
    pending.isRefused = true;
    return true;
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
