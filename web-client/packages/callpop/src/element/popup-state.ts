// What one popup knows and what its user can do; the views only read it.

import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals-core";
import type { Unsubscribe } from "../events.ts";
import type { ConnectionState } from "../state.ts";
import type { Call } from "../wire.ts";
import { type Arrangement, arrange } from "./arrangement.ts";
import { Attention } from "./attention.ts";
import type { CallSource } from "./call-source.ts";
import { nextChangeMs } from "./timers.ts";

/** A little after the change, so that rounding never shows the second before. */
const AFTER_CHANGE_MS = 4;

export class PopupState {
  readonly connection: Signal<ConnectionState> = signal({ phase: "idle" });
  readonly nowMs: Signal<number> = signal(Date.now());
  /** The calls that began to ring last, for the live region. */
  readonly announced: Signal<readonly Call[]> = signal([]);
  /** What the page calls this popup. */
  readonly label: Signal<string | null> = signal(null);
  readonly recentOpen: Signal<boolean> = signal(true);
  readonly allRecent: Signal<boolean> = signal(false);
  readonly arrangement: ReadonlySignal<Arrangement> = computed(() =>
    arrange(
      this.#calls.value,
      { closed: this.#closed.value, summaryOf: this.#summaryOf.value },
      this.#attention,
      this.nowMs.value,
    ),
  );
  /** A summary gives way to calls, unless the user has opened it. */
  readonly summaryFolded: ReadonlySignal<boolean> = computed(
    () =>
      this.#summaryOf.value === null &&
      this.arrangement.value.cards.some((call) => call.state !== "ended"),
  );
  readonly #calls: Signal<readonly Call[]> = signal([]);
  readonly #closed: Signal<ReadonlySet<string>> = signal(new Set<string>());
  readonly #summaryOf: Signal<string | null> = signal(null);
  readonly #attention = new Attention();
  #source: CallSource | null = null;
  #subscriptions: Unsubscribe[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Shows the calls of `source` from now on. */
  follow(source: CallSource): void {
    this.unfollow();
    this.#source = source;
    this.#subscriptions = [
      source.on("state", (state) => {
        this.connection.value = state;
      }),
      source.on("calls", (calls) => this.#take(calls)),
    ];
    this.connection.value = source.state;
    this.#take(source.calls);
  }

  /** Shows nothing any more. */
  unfollow(): void {
    clearTimeout(this.#timer);
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#subscriptions = [];
    this.#source = null;
    this.#calls.value = [];
    this.connection.value = { phase: "idle" };
  }

  connect(): void {
    this.#source?.connect();
  }

  /** Closes the card of a call here, and on every other page of its user. */
  dismiss(call: Call): void {
    this.#closed.value = new Set([...this.#closed.value, call.leg_id]);
    this.#source?.dismiss(call.leg_id);
  }

  /** Acknowledges every missed call. */
  markMissedSeen(): void {
    for (const call of this.arrangement.value.recent) {
      if (call.outcome === "missed" && call.dismissed_at === null) this.dismiss(call);
    }
  }

  openSummary(call: Call): void {
    this.#summaryOf.value = call.leg_id;
  }

  closeSummary(call: Call): void {
    batch(() => {
      this.#summaryOf.value = null;
      if (this.#attention.hasFreshSummary(call)) this.dismiss(call);
      this.#attention.summarySeen(call.leg_id);
    });
  }

  #take(calls: readonly Call[]): void {
    if (this.#source === null) return;
    const now = this.#source.now();
    const ringing = this.#attention.notice(calls, now);
    batch(() => {
      this.#calls.value = calls;
      this.#forgetClosed(calls);
      if (ringing.length > 0) this.announced.value = ringing;
      this.#tick();
    });
  }

  /** What the gateway has confirmed, or no longer holds, need not be remembered here. */
  #forgetClosed(calls: readonly Call[]): void {
    const open = calls.filter((call) => call.dismissed_at === null).map((call) => call.leg_id);
    const closed = open.filter((legId) => this.#closed.value.has(legId));
    if (closed.length < this.#closed.value.size) this.#closed.value = new Set(closed);
  }

  #tick(): void {
    clearTimeout(this.#timer);
    if (this.#source === null) return;
    this.nowMs.value = this.#source.now();
    const { cards } = this.arrangement.value;
    const wait = nextChangeMs(cards, this.nowMs.value, (call) =>
      this.#attention.lingersUntil(call),
    );
    if (wait === null) return;
    this.#timer = setTimeout(() => this.#tick(), Math.min(wait + AFTER_CHANGE_MS, 1000));
  }
}
