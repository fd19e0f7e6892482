// How a popup draws its user's attention beyond being there: sound, notification, title. Loaded
// after the first draw; the popup knows it by `Alerts` alone. What is clicked is in `controls`.

import type { VNode } from "preact";
import type { Call } from "../../wire.ts";
import { type Duties, isSharing } from "../call-source.ts";
import { dutiesAlone } from "../../reach.ts";
import type { Cell } from "../cells.ts";
import type { Lazy } from "../lazy.ts";
import type { Alerts } from "../popup-state.ts";
import type { Words } from "../words/words.ts";
import css from "./alerts.css?inline";
import { AlertsButton, Bar } from "./bar.tsx";
import { decide } from "./decide.ts";
import { headlineOf, noteOf, tagOf } from "./note.ts";
import { NoticeNotes } from "./notice-notes.ts";
import { type Note, notifications, notificationState, watchNotifications } from "./notifier.ts";
import type { AlertsOptions, Hearing, OwnWindow, PopupAlerts } from "./popup-alerts.ts";
import { Receipts } from "./receipts.ts";
import { type Settings, settingsOfPage } from "./settings.ts";
import { type Speaker, speakerOfPage } from "./speaker.ts";
import { type Headline, headlines } from "./title.ts";
import { watchViolations } from "./violations.ts";
import { ALERT_WORDS, type AlertWords } from "./words.ts";

export function startAlerts(options: AlertsOptions): Alerts {
  options.adopt(css);
  return new DrawnAlerts(options);
}

/** Loads what is behind the alerts; from here, so that it need not bring what is here. */
export async function loadMore(): Promise<void> {
  await import("./favicon.ts");
  await (await import("./controls.tsx")).loadCheck();
}

class DrawnAlerts implements Alerts, PopupAlerts {
  readonly speaker: Speaker = speakerOfPage();
  readonly settings: Settings = settingsOfPage();
  readonly options: AlertsOptions;
  readonly isOpen: Cell<boolean>;
  readonly isChecking: Cell<boolean>;
  readonly hearing: Cell<Hearing>;
  readonly window: Cell<OwnWindow | null>;
  /** The last window that was asked for did not open. */
  readonly refusedWindow: Cell<boolean>;
  readonly #controls: Lazy<typeof import("./controls.tsx")>;
  readonly #receipts: Receipts;
  readonly #ends: readonly (() => void)[];
  #notes: readonly Note[] = [];
  readonly #noticeNotes = new NoticeNotes();
  #reported = "";
  #lostAtMs = Infinity;

  constructor(options: AlertsOptions) {
    const { source, state } = options;
    this.options = options;
    this.isOpen = state.cell(false);
    this.isChecking = state.cell(false);
    this.hearing = state.cell<Hearing>(null);
    this.window = state.cell<OwnWindow | null>(null);
    this.refusedWindow = state.cell(false);
    this.#controls = state.lazy(() => import("./controls.tsx"), options.adopt);
    this.#receipts = new Receipts((call) => source.painted?.(call));
    const { changed } = this;
    for (const name of ["focus", "blur"]) addEventListener(name, changed);
    this.#ends = [
      watchViolations(changed),
      this.settings.watch(changed),
      this.speaker.watch(changed),
      watchNotifications(changed),
      ...(isSharing(source) ? [source.on("duties", changed)] : []),
      () => {
        for (const name of ["focus", "blur"]) removeEventListener(name, changed);
      },
      state.draw(() => this.#redraw()),
    ];
  }

  /** Something that decides about alerts is not what it was. */
  readonly changed = (): void => this.options.state.touch();

  /** The user wants to hear calls, as far as that was ever told. */
  get wantsSound(): boolean {
    return this.settings.choices.sound !== false;
  }

  get words(): AlertWords {
    return ALERT_WORDS[this.coreWords.language];
  }

  get coreWords(): Words {
    return this.options.state.words.value;
  }

  button(): VNode | null {
    return this.#isOff ? null : <AlertsButton of={this} />;
  }

  view(): VNode | null {
    return this.#isOff ? null : <Bar of={this} controls={this.#controls} />;
  }

  away(): VNode | null {
    return this.window.value?.away() ?? null;
  }

  stop(): void {
    this.window.value?.close();
    for (const end of this.#ends) end();
    this.speaker.want(this, null);
    notifications.set(this, null);
    headlines.set(this, null);
    this.#report(false, false);
  }

  /** From a click: unlocks the sound; how that went is told by the controls. */
  async testSound(): Promise<void> {
    this.speaker.unlock();
    const controls = await import("./controls.tsx");
    await controls.testSound(this);
  }

  get #isOff(): boolean {
    return this.options.host.getAttribute("alerts") === "off";
  }

  get #duties(): Duties {
    const { duties } = this.options.source;
    return duties ?? dutiesAlone({ focused: document.hasFocus() });
  }

  get #hidesNumbers(): boolean {
    return this.options.host.hasAttribute("hide-numbers");
  }

  #redraw(): void {
    const { root, state } = this.options;
    const { cards } = state.arrangement.value;
    const opened = this.window.value;
    opened?.draw();
    this.#receipts.drawn(cards, opened?.root ?? root);
    this.#alert(this.#isOff ? [] : cards, state.nowMs.value);
  }

  #alert(cards: readonly Call[], nowMs: number): void {
    const { isQuiet } = this.settings;
    const [duties, ringtone] = [this.#duties, this.wantsSound];
    const { phase } = this.options.state.connection.value;
    const lostAtMs = phase === "reconnecting" ? Math.min(this.#lostAtMs, nowMs) : Infinity;
    this.#lostAtMs = lostAtMs;
    const { sound, notify, ringing } = decide({
      ...{ cards, nowMs, phase, lostAtMs, duties, isQuiet, ringtone },
    });
    this.speaker.want(this, sound && { kind: sound.kind, forMs: sound.untilMs - nowMs });

    const hasSound = this.speaker.state === "on";
    // A page that is not to ring knows that another one does.
    const silent = hasSound || !ringtone || !duties.rings;
    // A page that hands this duty over leaves what it shows: the next one's takes its place.
    const handsOver = notify.length === 0 && !isQuiet && !document.hasFocus();
    const tags = ringing.map(tagOf);
    this.#notes = handsOver
      ? this.#notes.filter((note) => tags.includes(note.tag))
      : notify.map((call) => this.#noteOf(call, silent));
    notifications.set(this, [...this.#notes, ...this.#notesOfNotices(duties, nowMs)]);
    headlines.set(this, this.#headline(ringing[0]));
    const canAlert = !this.#isOff && !isQuiet;
    this.#report(canAlert && hasSound && ringtone, canAlert && notificationState() === "granted");
  }

  #noteOf(call: Call, silent: boolean): Note {
    return noteOf(call, { ...this.#notesIn, silent });
  }

  #notesOfNotices({ notifies }: Duties, nowMs: number): readonly Note[] {
    const { choices, isQuiet } = this.settings;
    const isWanted = choices.notices && !isQuiet && !this.#isOff;
    const open = this.options.state.openNotices.value;
    return this.#noticeNotes.of(open, { ...this.#notesIn, nowMs, notifies, isWanted });
  }

  get #notesIn(): { words: Words; hidesNumbers: boolean; click: () => void } {
    const click = (): void => this.#comeForward();
    return { words: this.coreWords, hidesNumbers: this.#hidesNumbers, click };
  }

  #headline(call: Call | undefined): Headline | null {
    if (call === undefined) return null;
    const text = headlineOf(call, this.coreWords, this.#hidesNumbers);
    return { text: `☎ ${text}`, icon: this.options.host.hasAttribute("favicon") };
  }

  /** The window comes to the front, and the keyboard to the call. */
  #comeForward(): void {
    const { host, root } = this.options;
    const opened = this.window.value;
    (opened?.window ?? window).focus();
    host.scrollIntoView({ block: "nearest" });
    (opened?.root ?? root).querySelector<HTMLElement>(".panel")?.focus();
  }

  #report(sound: boolean, allowed: boolean): void {
    const told = `${sound} ${allowed}`;
    if (told === this.#reported) return;
    this.#reported = told;
    this.options.source.report?.({ sound, notifications: allowed });
  }
}
