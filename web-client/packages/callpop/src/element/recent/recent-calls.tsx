// The calls that have ended, compact; the missed ones can be had alone, and acknowledged.

import type { ComponentChildren, VNode } from "preact";
import { keyOf } from "../../item-key.ts";
import { isUnseen } from "../arrangement.ts";
import type { Cell } from "../cells.ts";
import { clockText } from "../duration.ts";
import { fill } from "../language.ts";
import type { Lazy } from "../lazy.ts";
import type { Notice } from "../../wire.ts";
import type { PopupState } from "../popup-state.ts";
import type { ShownCall } from "../shown-call.ts";
import { Icon, type IconName } from "../view/icons.tsx";
import { Later } from "../view/later.tsx";
import { lookOf } from "../view/looks.ts";
import { Who, whoText } from "../view/party.tsx";
import { Phrase } from "../view/phrase.tsx";
import { timeOfDay } from "../view/time-of-day.ts";
import type { Words } from "../words/words.ts";
import { RECENT_WORDS, type RecentWords } from "./words.ts";

const SHOWN_AT_FIRST = 4;

interface RecentProps {
  readonly state: PopupState;
  /** What is written about a call in its row, and the rows of notices. */
  readonly parts: {
    readonly notices: Lazy<typeof import("../notices/notices.ts")>;
    readonly wrapUp: Lazy<typeof import("../wrap-up/wrap-up.ts")>;
  };
  readonly words: Words;
}

interface RecentOwnProps extends RecentProps {
  readonly own: RecentWords;
}

export function RecentCalls(props: RecentProps): VNode {
  const { state, words } = props;
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
      </div>
      {state.recentOpen.value && <List {...props} own={own} />}
    </div>
  );
}

function List(props: RecentOwnProps): VNode {
  const { state, own } = props;
  const { recent, missed } = state.arrangement.value;
  const listed =
    state.missedOnly.value && missed > 0
      ? recent.filter(isUnseen)
      : inTime(recent, state.pastNotices.value);
  const all = state.allRecent.value;
  const count = String(listed.length);
  return (
    <>
      <ul>
        {(all ? listed : listed.slice(0, SHOWN_AT_FIRST)).map((item) => (
          <Row key={keyOf(item)} {...props} item={item} />
        ))}
      </ul>
      {listed.length > SHOWN_AT_FIRST && (
        <Toggle of={state.allRecent} class="link wide">
          {all ? own.showFewer : fill(own.showAll, { count })}
        </Toggle>
      )}
      {missed > 1 && (
        <button type="button" class="link wide" onClick={() => state.markMissedSeen()}>
          {own.markAllSeen}
        </button>
      )}
    </>
  );
}

/** Calls and notices in one list, the latest first. */
function inTime(
  calls: readonly ShownCall[],
  notices: readonly Notice[],
): readonly (ShownCall | Notice)[] {
  return [...calls, ...notices].sort((a, b) => timeOf(b) - timeOf(a));
}

function timeOf(item: ShownCall | Notice): number {
  return "leg_id" in item ? (item.ended_at ?? item.updated_at) : item.at;
}

function Row({ item, ...props }: RecentOwnProps & { item: ShownCall | Notice }): VNode | null {
  if ("leg_id" in item) return <RecentCall {...props} call={item} />;
  const { state, parts, words } = props;
  return (
    <Later part={parts.notices} words={words}>
      {({ PastNotice }) => <PastNotice notice={item} state={state} words={words} />}
    </Later>
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

function RecentCall({ call, ...props }: RecentOwnProps & { call: ShownCall }): VNode {
  const { state, parts, words } = props;
  const nowMs = state.nowMs.value;
  const look = lookOf(call, nowMs, words);
  return (
    <li
      class="recent-call"
      data-leg={call.leg_id}
      data-tone={look.tone}
      data-unseen={isUnseen(call)}
    >
      <span class="tone">
        <Icon name={directionIcon(call)} />
      </span>
      <div class="identity">
        <p class="row-title">
          <Who party={call.remote} words={words} />
        </p>
        <p class="subtitle">
          {call.outcome !== "answered" && <Outcome call={call} label={look.label} words={words} />}
          {timeOfDay(call.started_at, words.language, nowMs)}
          {call.talk_ms > 0 && ` · ${clockText(call.talk_ms)}`}
          {call.internal && ` · ${words.internal}`}
        </p>
      </div>
      <Actions call={call} {...props} />
      {state.canWrapUp && (
        <Later part={parts.wrapUp} words={words}>
          {({ RecentWrapUp }) => <RecentWrapUp call={call} state={state} words={words} />}
        </Later>
      )}
    </li>
  );
}

function Outcome({ call, label, words }: { call: ShownCall; label: string; words: Words }): VNode {
  const { answeredBy } = call;
  return (
    <span class="tone">
      {answeredBy === undefined ? (
        label
      ) : (
        <Phrase text={words.answeredBy} with={{ who: <Who party={answeredBy} words={words} /> }} />
      )}
      {" · "}
    </span>
  );
}

function Actions({ call, state, parts, words, own }: RecentOwnProps & { call: ShownCall }): VNode {
  const who = whoText(call.remote, words);
  return (
    <>
      {isUnseen(call) && (
        <button
          type="button"
          class="pill"
          aria-label={fill(own.markSeenOf, { who })}
          onClick={() => state.dismiss(call)}
        >
          {own.markSeen}
        </button>
      )}
      {call.summary !== null && (
        <button
          type="button"
          class="pill"
          aria-label={fill(own.summaryOf, { who })}
          onClick={() => state.openSummary(call)}
        >
          <Icon name="summary" />
          <span class="wordy">{own.summary}</span>
        </button>
      )}
      {state.canWrapUp && (
        <Later part={parts.wrapUp} words={words}>
          {({ OpenButton }) => <OpenButton call={call} state={state} words={words} small />}
        </Later>
      )}
    </>
  );
}

function directionIcon(call: ShownCall): IconName {
  if (call.outcome === "missed") return "missed";
  return call.direction === "inbound" ? "incoming" : "outgoing";
}
