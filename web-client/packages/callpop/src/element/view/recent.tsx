// The calls that have ended, compact, the missed ones first to the eye.

import type { ComponentChildren, VNode } from "preact";
import type { Call } from "../../wire.ts";
import type { Cell } from "../cells.ts";
import { clockText } from "../duration.ts";
import type { PopupState } from "../popup-state.ts";
import { fill, type Strings } from "../strings.ts";
import { Icon, type IconName } from "./icons.tsx";
import { lookOf } from "./looks.ts";
import { Who } from "./party.tsx";
import { timeOfDay } from "./time-of-day.ts";

const SHOWN_AT_FIRST = 4;

interface RecentProps {
  readonly state: PopupState;
  readonly strings: Strings;
}

export function Recent({ state, strings }: RecentProps): VNode | null {
  const { recent, missed } = state.arrangement.value;
  if (recent.length === 0) return null;
  return (
    <div class="recent" part="recent">
      <div class="recent-head">
        <h2>
          <Toggle of={state.recentOpen} class="link fold">
            {strings.recent}
            <Icon name="more" />
          </Toggle>
        </h2>
        {missed > 0 && (
          <button type="button" class="link" onClick={() => state.markMissedSeen()}>
            {strings.markSeen}
          </button>
        )}
      </div>
      {state.recentOpen.value && <List state={state} strings={strings} />}
    </div>
  );
}

function List({ state, strings }: RecentProps): VNode {
  const { recent } = state.arrangement.value;
  const all = state.allRecent.value;
  const count = String(recent.length);
  return (
    <>
      <ul>
        {(all ? recent : recent.slice(0, SHOWN_AT_FIRST)).map((call) => (
          <RecentCall key={call.leg_id} call={call} state={state} strings={strings} />
        ))}
      </ul>
      {recent.length > SHOWN_AT_FIRST && (
        <Toggle of={state.allRecent} class="link wide">
          {all ? strings.showFewer : fill(strings.showAll, { count })}
        </Toggle>
      )}
    </>
  );
}

interface ToggleProps {
  readonly of: Cell<boolean>;
  readonly class: string;
  readonly children: ComponentChildren;
}

function Toggle({ of, class: name, children }: ToggleProps): VNode {
  return (
    <button
      type="button"
      class={name}
      aria-expanded={of.value}
      onClick={() => {
        of.value = !of.value;
      }}
    >
      {children}
    </button>
  );
}

function RecentCall({ call, state, strings }: RecentProps & { call: Call }): VNode {
  const nowMs = state.nowMs.value;
  const look = lookOf(call, nowMs, strings);
  const unseen = call.outcome === "missed" && call.dismissed_at === null;
  return (
    <li class="recent-call" data-leg={call.leg_id} data-tone={look.tone} data-unseen={unseen}>
      <span class="tone">
        <Icon name={directionIcon(call)} />
      </span>
      <div class="identity">
        <p class="row-title">
          <Who party={call.remote} strings={strings} />
        </p>
        <p class="subtitle">
          {call.outcome !== "answered" && <span class="tone">{`${look.label} · `}</span>}
          {timeOfDay(call.started_at, strings.locale, nowMs)}
          {call.talk_ms > 0 && ` · ${clockText(call.talk_ms)}`}
          {call.internal && ` · ${strings.internal}`}
        </p>
      </div>
      {call.summary !== null && (
        <button type="button" class="pill" onClick={() => state.openSummary(call)}>
          <Icon name="summary" />
          {strings.summary.open}
        </button>
      )}
    </li>
  );
}

function directionIcon(call: Call): IconName {
  if (call.outcome === "missed") return "missed";
  return call.direction === "inbound" ? "incoming" : "outgoing";
}
