// What the user did and the gateway has not confirmed: it is sent again after every reconnect.

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

/** More calls than that are not waited for. */
const MOST = 50;

interface Pending extends WrapUpEntry {
  /** By the server's clock. */
  readonly saidAtMs: number;
  isRefused: boolean;
}

export class Outbox {
  readonly #dismissed = new Set<string>();
  readonly #wrapUps = new Map<string, Pending>();

  /** Everything to send. */
  get frames(): readonly ClientFrame[] {
    const frames: ClientFrame[] = [];
    for (const leg_id of this.#dismissed) frames.push({ type: "dismiss", leg_id });
    for (const [leg_id, entry] of this.#wrapUps) {
      if (!entry.isRefused) frames.push(frameOf(leg_id, entry));
    }
    return frames;
  }

  dismiss(legId: string): void {
    this.#dismissed.add(legId);
    forgetOldest(this.#dismissed);
  }

  /**
   * Keeps it until it is confirmed, and gives the frame to send; null when the same is on its way,
   * or the call says so already.
   */
  wrapUp(
    legId: string,
    said: WrapUpEntry,
    call: Call | undefined,
    nowMs: number,
  ): ClientFrame | null {
    const entry = { ...wellFormed(said), saidAtMs: nowMs, isRefused: false };
    const pending = this.#wrapUps.get(legId);
    if (pending === undefined ? says(call, entry) : !pending.isRefused && isSame(pending, entry)) {
      return null;
    }
    this.#wrapUps.set(legId, entry);
    forgetOldest(this.#wrapUps);
    return frameOf(legId, entry);
  }

  stateOf(legId: string): WrapUpState | null {
    const pending = this.#wrapUps.get(legId);
    if (pending === undefined) return null;
    return pending.isRefused ? "refused" : "saving";
  }

  /** Forgets what the calls as they now stand confirm. */
  confirm(find: (legId: string) => Call | undefined): void {
    for (const legId of this.#dismissed) {
      if (find(legId)?.dismissed_at !== null) this.#dismissed.delete(legId);
    }
    for (const [legId, entry] of this.#wrapUps) {
      const call = find(legId);
      // What another device said later is not to be replaced by what was said before it.
      const isOld = (call?.wrap_up?.at ?? 0) / 1000 > entry.saidAtMs && !entry.isRefused;
      if (isOld || says(call, entry)) this.#wrapUps.delete(legId);
    }
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

function frameOf(leg_id: string, { disposition, note }: WrapUpEntry): ClientFrame {
  return { type: "wrap_up", leg_id, disposition, note };
}

/** As the gateway takes it: it refuses carriage returns, and no frame holds half a character. */
function wellFormed({ disposition, note }: WrapUpEntry): WrapUpEntry {
  return { disposition, note: note.replace(/\r\n?/g, "\n").replace(/\p{Cs}/gu, "\ufffd") };
}

function says(call: Call | undefined, entry: WrapUpEntry): boolean {
  return call !== undefined && isSame(call.wrap_up ?? { disposition: null, note: "" }, entry);
}

function isSame(a: WrapUpEntry, b: WrapUpEntry): boolean {
  return a.disposition === b.disposition && a.note === b.note;
}

/** Keeps the newest. */
export function forgetOldest(kept: Set<string> | Map<string, unknown>): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST) return;
    kept.delete(oldest);
  }
}
