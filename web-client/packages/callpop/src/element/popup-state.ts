// What one popup knows and what its user can do; the views only read it.

import type { VNode } from "preact";
import type { Unsubscribe } from "../events.ts";
import type { ConnectionState } from "../state.ts";
import type { Call } from "../wire.ts";
import { type Arrangement, arrange } from "./arrangement.ts";
import { Attention } from "./attention.ts";
import type { CallSource } from "./call-source.ts";
import { type Cell, Cells } from "./cells.ts";
import { numberToName, withName } from "./caller-name.ts";
import { Lazy, type Part } from "./lazy.ts";
import { nextChangeMs } from "./timers.ts";
import { en } from "./words/en.ts";
import type { Words } from "./words/words.ts";

/** A little after the change, so that rounding never shows the second before. */
const AFTER_CHANGE_MS = 4;
const NAMES_KEPT = 200;

export class PopupState {
  readonly #cells = new Cells();
  readonly connection: Cell<ConnectionState> = this.#cells.cell({ phase: "idle" });
  readonly nowMs: Cell<number> = this.#cells.cell(Date.now());
  /** The calls that began to ring last, for the live region. */
  readonly announced: Cell<readonly Call[]> = this.#cells.cell([]);
  readonly words: Cell<Words> = this.#cells.cell(en);
  /** What is drawn below the head: the alerts' controls. */
  readonly bar: Cell<(() => VNode | null) | null> = this.#cells.cell<(() => VNode | null) | null>(
    null,
  );
  /** What the page calls this popup. */
  readonly label: Cell<string | null> = this.#cells.cell(null);
  readonly recentOpen: Cell<boolean> = this.#cells.cell(true);
  readonly allRecent: Cell<boolean> = this.#cells.cell(false);
  readonly arrangement: Readonly<Cell<Arrangement>> = this.#cells.derived(() =>
    arrange(
      this.#calls.value.map((call) => withName(call, this.#names.value)),
      { closed: this.#closed.value, summaryOf: this.#summaryOf.value },
      this.#attention,
      this.nowMs.value,
    ),
  );
  /** A summary gives way to calls, unless the user has opened it. */
  readonly summaryFolded: Readonly<Cell<boolean>> = this.#cells.derived(
    () =>
      this.#summaryOf.value === null &&
      this.arrangement.value.cards.some((call) => call.state !== "ended"),
  );
  readonly #calls: Cell<readonly Call[]> = this.#cells.cell([]);
  /** From the contacts, by number. */
  readonly #names: Cell<ReadonlyMap<string, string>> = this.#cells.cell(new Map<string, string>());
  readonly #closed: Cell<ReadonlySet<string>> = this.#cells.cell(new Set<string>());
  readonly #summaryOf: Cell<string | null> = this.#cells.cell(null);
  readonly #attention = new Attention();
  #source: CallSource | null = null;
  #subscriptions: Unsubscribe[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** A value that is drawn, for a part of the popup that is loaded later. */
  cell<T>(initial: T): Cell<T> {
    return this.#cells.cell(initial);
  }

  /** A part that is loaded when something looks at it. */
  lazy<P extends Part>(load: () => Promise<P>, adopt: (css: string) => void): Lazy<P> {
    return new Lazy(this.cell<P | "failed" | null>(null), adopt, load);
  }

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
    this.#names.value = new Map();
    this.connection.value = { phase: "idle" };
  }

  /** Calls `redraw` now and after every change, until it is given null. */
  draw(redraw: (() => void) | null): void {
    this.#cells.draw(redraw);
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
    const isFresh = this.#attention.hasFreshSummary(call);
    this.#attention.summarySeen(call.leg_id);
    this.#summaryOf.value = null;
    if (isFresh) this.dismiss(call);
  }

  #take(calls: readonly Call[]): void {
    if (this.#source === null) return;
    const now = this.#source.now();
    const ringing = this.#attention.notice(calls, now);
    this.#calls.value = calls;
    this.#forgetClosed(calls);
    if (ringing.length > 0) this.announced.value = ringing;
    this.#tick();
    for (const call of calls) this.#lookUpName(call);
  }

  /** The popup is there already: a name that is found comes into it. */
  #lookUpName(call: Call): void {
    const [source, number] = [this.#source, numberToName(call)];
    if (source === null || number === null || call.state === "ended") return;
    void source.contactName?.(number).then((name) => {
      const names = this.#names.value;
      if (name === null || name === names.get(number) || source !== this.#source) return;
      this.#names.value = new Map([...names, [number, name] as const].slice(-NAMES_KEPT));
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
