// What one popup knows and what its user can do; the views only read it.

import type { VNode } from "preact";
import { isClosed } from "../closed.ts";
import type { Unsubscribe } from "../events.ts";
import { keyOf } from "../item-key.ts";
import type { ConnectionState } from "../state.ts";
import type { Call, Notice } from "../wire.ts";
import { type Arrangement, arrange, isOpenNotice, isUnseen } from "./arrangement.ts";
import { Attention } from "./attention.ts";
import { type CallSource, hasNotices } from "./call-source.ts";
import { type Cell, Cells } from "./cells.ts";
import { Lazy, type Loaded, type Part } from "./lazy.ts";
import { nameKey, numberToName, type ShownCall, withNames } from "./shown-call.ts";
import { nextChangeMs } from "./timers.ts";
import { en } from "./words/en.ts";
import type { Words } from "./words/words.ts";

/** A little after the change, so that rounding never shows the second before. */
const AFTER_CHANGE_MS = 4;
const NAMES_KEPT = 200;
/** No timer of a browser waits for a month. */
const LONGEST_WAIT_MS = 3_600_000;

/** What the popup knows of its alerts. */
export interface Alerts {
  /** For the head of the popup. */
  button(): VNode | null;
  /** For the place below the head. */
  view(): VNode | null;
  /** Stands for the popup while that is in a window of its own. */
  away(): VNode | null;
  stop(): void;
}

export class PopupState {
  readonly #cells = new Cells();
  readonly connection: Cell<ConnectionState> = this.#cells.cell({ phase: "idle" });
  readonly nowMs: Cell<number> = this.#cells.cell(Date.now());
  /** The calls that began to ring last, for the live region. */
  readonly announced: Cell<readonly Call[]> = this.#cells.cell([]);
  readonly words: Cell<Words> = this.#cells.cell(en);
  /** The ringtone and all that, once it is loaded. */
  readonly alerts: Cell<Alerts | null> = this.#cells.cell<Alerts | null>(null);
  /** What is drawn at the foot of a call's card: the link of the screen pop. */
  readonly foot: Cell<((call: Call) => VNode | null) | null> = this.#cells.cell<
    ((call: Call) => VNode | null) | null
  >(null);
  /** Tells of a call what its other legs say, once that is loaded. */
  readonly tellMore: Cell<((calls: readonly Call[]) => readonly ShownCall[]) | null> =
    this.#cells.cell<((calls: readonly Call[]) => readonly ShownCall[]) | null>(null);
  /** What the page calls this popup. */
  readonly label: Cell<string | null> = this.#cells.cell(null);
  /** Whether there is a form to write about ended calls. */
  readonly wrapsUp: Cell<boolean> = this.#cells.cell(true);
  /** Whether the popup has been there long enough for a live region to be heard. */
  readonly isHeard: Cell<boolean> = this.#cells.cell(false);
  readonly recentOpen: Cell<boolean> = this.#cells.cell(true);
  /** Only the missed ones of the recent calls. */
  readonly missedOnly: Cell<boolean> = this.#cells.cell(false);
  readonly allRecent: Cell<boolean> = this.#cells.cell(false);
  readonly arrangement: Readonly<Cell<Arrangement>> = this.#cells.derived(() =>
    arrange(
      this.#shown.value,
      {
        closed: this.#closed.value,
        summaryOf: this.#summaryOf.value,
        kept: this.#kept.value,
      },
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
  /** Those that are worth a card, and those of the list; the newest first. */
  readonly openNotices: Readonly<Cell<readonly Notice[]>> = this.#cells.derived(() =>
    this.#notices.value.filter((notice) => this.#isOpen(notice)),
  );
  readonly pastNotices: Readonly<Cell<readonly Notice[]>> = this.#cells.derived(() =>
    this.#notices.value.filter((notice) => !this.#isOpen(notice)),
  );
  readonly #notices: Cell<readonly Notice[]> = this.#cells.cell([]);
  /** Notices that were closed here, with the version that was seen; the gateway's word may follow. */
  readonly #hidden: Cell<ReadonlyMap<string, number>> = this.#cells.cell(new Map());
  readonly #touched: Cell<number> = this.#cells.cell(0);
  readonly #calls: Cell<readonly Call[]> = this.#cells.cell([]);
  /** From the contacts, by `nameKey`. */
  readonly #names: Cell<ReadonlyMap<string, string>> = this.#cells.cell(new Map<string, string>());
  /** As `Choices` has them, by the keys of calls. */
  readonly #closed: Cell<ReadonlySet<string>> = this.#cells.cell(new Set<string>());
  readonly #summaryOf: Cell<string | null> = this.#cells.cell(null);
  readonly #kept: Cell<ReadonlySet<string>> = this.#cells.cell(new Set<string>());
  /** Told from all calls once, not at every second's tick. */
  readonly #named: Readonly<Cell<readonly Call[]>> = remembered(
    this.#calls,
    this.#names,
    withNames,
  );
  readonly #shown: Readonly<Cell<readonly ShownCall[]>> = remembered(
    this.#named,
    this.tellMore,
    (calls, tellMore) => tellMore?.(calls) ?? calls,
  );
  #attention = new Attention();
  #source: CallSource | null = null;
  #subscriptions: Unsubscribe[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** A value that is drawn, for a part of the popup that is loaded later. */
  cell<T>(initial: T): Cell<T> {
    return this.#cells.cell(initial);
  }

  /** A part that is loaded when something looks at it. */
  lazy<P extends Part>(load: () => Promise<P>, adopt: (css: string) => void): Lazy<P> {
    return new Lazy(this.cell<Loaded<P>>(null), adopt, load);
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
    if (hasNotices(source)) {
      this.#subscriptions.push(source.on("notices", (notices) => this.#takeNotices(notices)));
      this.#takeNotices(source.notices);
    }
    this.connection.value = source.state;
    this.#take(source.calls);
  }

  /** Shows nothing any more, and forgets all of its user. */
  unfollow(): void {
    clearTimeout(this.#timer);
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#subscriptions = [];
    this.#source = null;
    this.#calls.value = [];
    this.#notices.value = [];
    this.#hidden.value = new Map();
    this.#names.value = new Map();
    this.#kept.value = this.#closed.value = new Set();
    this.#summaryOf.value = null;
    this.announced.value = [];
    this.#attention = new Attention();
    this.connection.value = { phase: "idle" };
  }

  /** Whose calls are shown, if any. */
  get source(): CallSource | null {
    return this.#source;
  }

  /** Whether the user can write about ended calls. */
  get canWrapUp(): boolean {
    return this.wrapsUp.value && this.#source?.wrapUp !== undefined;
  }

  /** Whether a notice can be done. */
  get canFinish(): boolean {
    return hasNotices(this.#source) && this.#source.done !== undefined;
  }

  /** Whether nothing can ever come, since the user has no extension. */
  get hasNoExtension(): boolean {
    const { extensions, scope } = this.#source ?? {};
    return extensions?.length === 0 && scope !== "tenant";
  }

  /** Draws again, for what is no cell. */
  touch(): void {
    this.#touched.value += 1;
  }

  /** Keeps the card of an ended call in sight, or lets it go in its time. */
  keep(call: Call, isKept: boolean): void {
    const key = keyOf(call);
    if (isKept === this.#kept.value.has(key)) return;
    const others = [...this.#kept.value].filter((kept) => kept !== key);
    if (!isKept) this.#attention.lingerAgain(call, this.#source?.now() ?? 0);
    this.#kept.value = new Set(isKept ? [...others, key] : others);
    this.tick();
  }

  /** Calls `redraw` now and after every change, until what it returns is called. */
  draw(redraw: () => void): () => void {
    return this.#cells.draw(redraw);
  }

  connect(): void {
    this.#source?.connect();
  }

  /** Closes the card of a call here, and on every other page of its user. */
  dismiss(call: Call): void {
    const key = keyOf(call);
    this.#closed.value = new Set([...this.#closed.value, key]);
    this.keep(call, false);
    const stored: unknown = this.#source?.dismiss(call);
    // Where the gateway does not take that, the card is there again.
    void Promise.resolve(stored).catch(() => {
      this.#closed.value = new Set([...this.#closed.value].filter((closed) => closed !== key));
    });
  }

  /** Closes the card of a notice here, and on every other page of its user. */
  dismissNotice(notice: Notice): void {
    const source = this.#source;
    if (hasNotices(source)) this.#hide(notice, source.dismiss(notice));
  }

  /** The same, since nothing is left to be done about it. */
  finishNotice(notice: Notice): void {
    const source = this.#source;
    if (hasNotices(source)) this.#hide(notice, source.done?.(notice));
  }

  /** Acknowledges every missed call. */
  markMissedSeen(): void {
    for (const call of this.arrangement.value.recent) {
      if (isUnseen(call)) this.dismiss(call);
    }
  }

  /** Shows only the missed ones of the recent calls, or all of them again. */
  showMissed(only: boolean): void {
    this.recentOpen.value = true;
    this.missedOnly.value = only;
  }

  openSummary(call: Call): void {
    this.#summaryOf.value = keyOf(call);
  }

  closeSummary(call: Call): void {
    const isFresh = this.#attention.hasFreshSummary(call);
    this.#attention.summarySeen(call);
    this.#summaryOf.value = null;
    if (isFresh) this.dismiss(call);
  }

  #take(calls: readonly Call[]): void {
    if (this.#source === null) return;
    const now = this.#source.now();
    const ringing = this.#attention.take(calls, now);
    // Also when only the state of a wrap-up has changed.
    this.#calls.value = [...calls];
    this.#forgetClosed(calls);
    if (ringing.length > 0) this.announced.value = ringing;
    this.tick();
    for (const call of calls) this.#lookUpName(call);
  }

  #takeNotices(notices: readonly Notice[]): void {
    this.#notices.value = notices;
    this.tick();
  }

  #isOpen(notice: Notice): boolean {
    return isOpenNotice(notice, this.#hidden.value, this.nowMs.value);
  }

  /** Until the gateway has said so; where it does not take that, the card is there again. */
  #hide(notice: Notice, stored: unknown): void {
    const key = keyOf(notice);
    this.#hidden.value = new Map(
      [...this.#hidden.value, [key, notice.version] as const].slice(-NAMES_KEPT),
    );
    void Promise.resolve(stored).catch(() => {
      this.#hidden.value = new Map([...this.#hidden.value].filter(([hidden]) => hidden !== key));
    });
  }

  /** The popup is there already: a name that is found comes into it. */
  #lookUpName(call: Call): void {
    const [source, number] = [this.#source, numberToName(call)];
    if (source === null || number === null || call.state === "ended") return;
    const key = nameKey(call);
    void source.contactName?.(number, call.source).then((name) => {
      const names = this.#names.value;
      if (name === null || name === names.get(key) || source !== this.#source) return;
      this.#names.value = new Map([...names, [key, name] as const].slice(-NAMES_KEPT));
    });
  }

  /** What the gateway has confirmed, or no longer holds, need not be remembered here. */
  #forgetClosed(calls: readonly Call[]): void {
    if (this.#closed.value.size === 0) return;
    const open = calls.filter((call) => !isClosed(call)).map(keyOf);
    const closed = open.filter((key) => this.#closed.value.has(key));
    if (closed.length < this.#closed.value.size) this.#closed.value = new Set(closed);
  }

  /** Lets the timers go on: by itself, or by a window whose timers are not throttled. */
  tick(): void {
    clearTimeout(this.#timer);
    if (this.#source === null) return;
    this.nowMs.value = this.#source.now();
    const cards = this.arrangement.value.cards.filter((call) => !this.#kept.value.has(keyOf(call)));
    const wait = nextChangeMs(cards, this.nowMs.value, (call) =>
      this.#attention.lingersUntil(call),
    );
    const waits = this.openNotices.value.map(
      ({ expires_at }) => (expires_at ?? Infinity) / 1000 - this.nowMs.value,
    );
    if (wait !== null) waits.push(Math.min(wait, 1000));
    const next = Math.min(...waits) + AFTER_CHANGE_MS;
    if (next === Infinity) return;
    this.#timer = setTimeout(() => this.tick(), Math.min(next, LONGEST_WAIT_MS));
  }
}

/** What `compute` makes of two values, until one of them is another one. */
function remembered<A, B, T>(
  a: { readonly value: A },
  b: { readonly value: B },
  compute: (a: A, b: B) => T,
): { readonly value: T } {
  let known: { readonly a: A; readonly b: B; readonly value: T } | null = null;
  return {
    get value(): T {
      if (known === null || known.a !== a.value || known.b !== b.value) {
        known = { a: a.value, b: b.value, value: compute(a.value, b.value) };
      }
      return known.value;
    },
  };
}
