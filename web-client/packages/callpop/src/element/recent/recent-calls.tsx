// The calls that have ended, compact, the missed ones first to the eye.

import type { ComponentChildren, VNode } from "preact";
import type { Call } from "../../wire.ts";
import type { Cell } from "../cells.ts";
import { clockText } from "../duration.ts";
import type { PopupState } from "../popup-state.ts";
import { fill } from "../language.ts";
import type { Words } from "../words/words.ts";
import { Icon, type IconName } from "../view/icons.tsx";
import { lookOf } from "../view/looks.ts";
import { Who } from "../view/party.tsx";
import { RECENT_WORDS } from "./words.ts";
import { timeOfDay } from "../view/time-of-day.ts";

const SHOWN_AT_FIRST = 4;

interface RecentProps {
  readonly state: PopupState;
  readonly words: Words;
}

export function RecentCalls({ state, words }: RecentProps): VNode {
  const { missed } = state.arrangement.value;
  const own = RECENT_WORDS[words.language];
  return (
    <div class="recent" part="recent">
      <div class="recent-head">
        <h2>
          <Toggle of={state.recentOpen} class="link fold">
            {own.title}
            <Icon name="more" />
          </Toggle>
        </h2>
        {missed > 0 && (
          <button type="button" class="link" onClick={() => state.markMissedSeen()}>
            {own.markAllSeen}
          </button>
        )}
      </div>
      {state.recentOpen.value && <List state={state} words={words} />}
    </div>
  );
}

function List({ state, words }: RecentProps): VNode {
  const { recent } = state.arrangement.value;
  const own = RECENT_WORDS[words.language];
  const all = state.allRecent.value;
  const count = String(recent.length);
  return (
    <>
      <ul>
        {(all ? recent : recent.slice(0, SHOWN_AT_FIRST)).map((call) => (
          <RecentCall key={call.leg_id} call={call} state={state} words={words} />
        ))}
      </ul>
      {recent.length > SHOWN_AT_FIRST && (
        <Toggle of={state.allRecent} class="link wide">
          {all ? own.showFewer : fill(own.showAll, { count })}
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

function RecentCall({ call, state, words }: RecentProps & { call: Call }): VNode {
  const nowMs = state.nowMs.value;
  const look = lookOf(call, nowMs, words);
  const unseen = call.outcome === "missed" && call.dismissed_at === null;
  return (
    <li class="recent-call" data-leg={call.leg_id} data-tone={look.tone} data-unseen={unseen}>
      <span class="tone">
        <Icon name={directionIcon(call)} />
      </span>
      <div class="identity">
        <p class="row-title">
          <Who party={call.remote} words={words} />
        </p>
        <p class="subtitle">
          {call.outcome !== "answered" && <span class="tone">{`${look.label} · `}</span>}
          {timeOfDay(call.started_at, words.language, nowMs)}
          {call.talk_ms > 0 && ` · ${clockText(call.talk_ms)}`}
          {call.internal && ` · ${words.internal}`}
        </p>
      </div>
      {call.summary !== null && (
        <button type="button" class="pill" onClick={() => state.openSummary(call)}>
          <Icon name="summary" />
          {RECENT_WORDS[words.language].summary}
        </button>
      )}
    </li>
  );
}

function directionIcon(call: Call): IconName {
  if (call.outcome === "missed") return "missed";
  return call.direction === "inbound" ? "incoming" : "outgoing";
}
