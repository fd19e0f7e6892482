// The controls of the alerts: what to hear, to be notified of, when not to be disturbed, and a
// window of its own. Loaded when they are opened, or when a test of the sound has something to say.

import type { VNode } from "preact";
import { hasNotices } from "../call-source.ts";
import type { Lazy } from "../lazy.ts";
import { Sign, TICK } from "../view/icons.tsx";
import { Later } from "../view/later.tsx";
import { CONTROL_WORDS, type ControlWords } from "./control-words.ts";
import css from "./controls.css?inline";
import { Choice, keepingFocus, Line, MUTED, type AlertsProps } from "./line.tsx";
import { notificationState } from "./notifier.ts";
import { openWindow, windowKind } from "./own-window.ts";
import type { PopupAlerts } from "./popup-alerts.ts";
import { UNTIL_TURNED_OFF } from "./settings.ts";
import { playTestTone } from "./test-tone.ts";

export { css };

const SPEAKER = "M4 9.5h3.5l4.5-4v13l-4.5-4H4ZM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11";
const WINDOW = "M4 5h16v14H4Zm8 7h8v7h-8Z";
const HALF_HOUR_MS = 30 * 60_000;

const wordsOf = ({ coreWords }: PopupAlerts): ControlWords => CONTROL_WORDS[coreWords.language];

/** From a click: remembers that sound is wanted, and plays a tone. */
export async function testSound({ hearing, settings, speaker }: PopupAlerts): Promise<void> {
  settings.choose({ sound: true });
  hearing.value = "playing";
  const flowed = await playTestTone(speaker);
  hearing.value = flowed ? "heard" : "silent";
}

/** How the test of the sound went, and what to do when nothing was heard. */
export function HearingLine({ of }: AlertsProps): VNode | null {
  const { hearing } = of;
  const words = wordsOf(of);
  const become = (next: "notHeard" | null) => (): void => {
    hearing.value = next;
  };
  switch (hearing.value) {
    case null:
      return null;
    case "playing":
      return <Line tone="summary" sign={SPEAKER} text={words.playing} />;
    case "heard":
      return (
        <Line tone="summary" sign={SPEAKER} text={words.heard}>
          <Choice text={words.yes} choose={become(null)} />
          <Choice text={words.no} choose={become("notHeard")} />
        </Line>
      );
    case "notHeard":
    case "silent":
      return (
        <Line tone="missed" sign={MUTED} text={words[hearing.value]}>
          <Choice text={words.test} choose={() => void testSound(of)} />
          <Choice text={words.close} choose={become(null)} />
        </Line>
      );
  }
}

const checks = new WeakMap<PopupAlerts, Lazy<typeof import("../check/check.tsx")>>();

/** The self-check of a popup, loaded when it is opened. */
function checkOf(of: PopupAlerts): Lazy<typeof import("../check/check.tsx")> {
  const { adopt, state } = of.options;
  const check = checks.get(of) ?? state.lazy(() => import("../check/check.tsx"), adopt);
  checks.set(of, check);
  return check;
}

/** Loads it before anybody asks. */
export const loadCheck = (): Promise<unknown> => import("../check/check.tsx");

export function Controls({ of }: AlertsProps): VNode {
  const words = wordsOf(of);
  const { coreWords, isChecking } = of;
  if (isChecking.value) {
    return (
      <Later part={checkOf(of)} words={coreWords}>
        {({ SelfCheck }) => <SelfCheck of={of} />}
      </Later>
    );
  }
  return (
    <>
      <Ringtone of={of} />
      <Notifications of={of} />
      {!of.settings.isQuiet && <Quiet of={of} />}
      <div class="alert-ends">
        <WindowChoice of={of} />
        <button
          type="button"
          class="link"
          onClick={keepingFocus(() => {
            isChecking.value = true;
          })}
        >
          <Sign d={TICK} />
          {words.check}
        </button>
      </div>
    </>
  );
}

function Ringtone({ of }: AlertsProps): VNode {
  const { settings, speaker, wantsSound } = of;
  const words = wordsOf(of);
  if (speaker.state === "none") return <p class="alert-row">{words.noSound}</p>;
  return (
    <div class="alert-row">
      <label>
        <input
          type="checkbox"
          checked={wantsSound}
          onChange={() => settings.choose({ sound: !wantsSound })}
        />
        {words.ringtone}
      </label>
      {wantsSound && <Choice text={words.test} choose={() => void testSound(of)} />}
    </div>
  );
}

function Notifications({ of }: AlertsProps): VNode {
  const words = wordsOf(of);
  const state = notificationState();
  const texts = { granted: words.allowed, denied: words.denied, unsupported: words.unsupported };
  const ask = (): void => void Notification.requestPermission().then(of.changed);
  const { settings } = of;
  const { notices } = settings.choices;
  return (
    <div class="alert-row">
      <span>{words.notifications}</span>
      {state === "default" ? (
        <Choice text={words.allow} choose={ask} />
      ) : (
        <span class="muted small">{texts[state]}</span>
      )}
      {hasNotices(of.options.source) && state !== "unsupported" && (
        <label class="alert-more">
          <input
            type="checkbox"
            checked={notices}
            onChange={() => settings.choose({ notices: !notices })}
          />
          {words.notices}
        </label>
      )}
    </div>
  );
}

function Quiet({ of }: AlertsProps): VNode {
  const words = wordsOf(of);
  const quiet = (quietUntil: number) => (): void => of.settings.choose({ quietUntil });
  return (
    <div class="alert-row" role="group" aria-label={words.quiet}>
      <span>{words.quiet}</span>
      <span class="alert-choices">
        <Choice text={words.halfHour} choose={quiet(Date.now() + HALF_HOUR_MS)} />
        <Choice text={words.hour} choose={quiet(Date.now() + 2 * HALF_HOUR_MS)} />
        <Choice text={words.untilOff} choose={quiet(UNTIL_TURNED_OFF)} />
      </span>
    </div>
  );
}

function WindowChoice({ of }: AlertsProps): VNode | null {
  const words = wordsOf(of);
  const opened = of.window.value;
  if (windowKind() === null) return null;
  const open = async (): Promise<void> => {
    const isOpened = await openWindow(of, () => <Away of={of} />);
    if (isOpened) of.isOpen.value = false;
    of.refusedWindow.value = !isOpened;
  };
  return (
    <>
      <button
        type="button"
        class="link"
        onClick={() => (opened === null ? void open() : opened.close())}
      >
        <Sign d={WINDOW} />
        {opened === null ? words.openWindow : words.back}
      </button>
      {of.refusedWindow.value && (
        <p class="muted small" role="alert">
          {words.windowRefused}
        </p>
      )}
    </>
  );
}

/** In the page, while the popup is in its own window. */
function Away({ of }: AlertsProps): VNode {
  const { coreWords, options, window: opened } = of;
  const words = wordsOf(of);
  const label = options.state.label.value ?? coreWords.calls;
  return (
    <section class="panel" part="panel" aria-label={label}>
      <div class="notice alerts-away" data-tone="summary" part="away">
        <Sign d={WINDOW} />
        <p>{words.away}</p>
        <button type="button" class="pill" onClick={() => opened.value?.close()}>
          {words.back}
        </button>
      </div>
    </section>
  );
}
