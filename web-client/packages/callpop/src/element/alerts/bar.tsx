// What is always seen of the alerts: a button in the head, and below it what needs the user.

import type { VNode } from "preact";
import { fill } from "../language.ts";
import type { Lazy } from "../lazy.ts";
import { Sign } from "../view/icons.tsx";
import { Later } from "../view/later.tsx";
import { timeOfDay } from "../view/time-of-day.ts";
import { Choice, Line, MUTED, type AlertsProps } from "./line.tsx";
import type { PopupAlerts } from "./popup-alerts.ts";
import { UNTIL_TURNED_OFF } from "./settings.ts";

interface BarProps extends AlertsProps {
  readonly controls: Lazy<typeof import("./controls.tsx")>;
}

const BELL = "M6.5 17v-6.5a5.5 5.5 0 0 1 11 0V17m-13 0h15M10 20.5h4";
const QUIET = `${BELL}M4 4l16 16`;

/** Why a look at the alerts is needed, or "". */
function trouble({ settings, speaker, wantsSound, words }: PopupAlerts): string {
  if (settings.isQuiet) return words.quiet;
  return wantsSound && speaker.state === "locked" ? words.locked : "";
}

export function AlertsButton({ of }: AlertsProps): VNode {
  const { isOpen, settings, words } = of;
  const what = trouble(of);
  return (
    <button
      type="button"
      class="icon-button alerts-button"
      part="alerts"
      aria-expanded={isOpen.value}
      aria-label={what === "" ? words.alerts : fill(words.alertsBut, { what })}
      title={words.alerts}
      onClick={() => {
        isOpen.value = !isOpen.value;
      }}
    >
      <Sign d={settings.isQuiet ? QUIET : what === "" ? BELL : MUTED} />
    </button>
  );
}

export function Bar({ of, controls }: BarProps): VNode {
  const { coreWords, hearing, isOpen, settings, speaker, wantsSound, words } = of;
  const isLocked = speaker.state === "locked" && wantsSound && !settings.isQuiet;
  return (
    <>
      <div role="status" class="alert-lines">
        {settings.isQuiet && <QuietLine of={of} />}
        {isLocked && hearing.value === null && (
          <Line tone="held" sign={MUTED} text={words.locked}>
            <Choice text={words.enable} choose={() => void of.testSound()} />
          </Line>
        )}
        {hearing.value !== null && (
          <Later part={controls} words={coreWords}>
            {({ HearingLine }) => <HearingLine of={of} />}
          </Later>
        )}
      </div>
      {isOpen.value && (
        <div class="alerts" part="alerts-panel">
          <Later part={controls} words={coreWords}>
            {({ Controls }) => <Controls of={of} />}
          </Later>
        </div>
      )}
    </>
  );
}

function QuietLine({ of: { coreWords, settings, words } }: AlertsProps): VNode {
  const { quietUntil } = settings.choices;
  const time = timeOfDay(quietUntil * 1000, coreWords.language, Date.now());
  const text = quietUntil === UNTIL_TURNED_OFF ? words.quiet : fill(words.quietUntil, { time });
  return (
    <Line tone="unconfirmed" sign={QUIET} text={text}>
      <Choice text={words.turnOff} choose={() => settings.choose({ quietUntil: 0 })} />
    </Line>
  );
}
