// The card of a call's summary; what the summary says is loaded when there is one.

import type { VNode } from "preact";
import type { Call, Summary } from "../../wire.ts";
import { clockText } from "../duration.ts";
import type { Parts } from "../parts.ts";
import type { PopupState } from "../popup-state.ts";
import type { Words } from "../words/words.ts";
import { Icon } from "./icons.tsx";
import { Later } from "./later.tsx";
import { Who } from "./party.tsx";
import { timeOfDay } from "./time-of-day.ts";

interface SummaryProps {
  readonly call: Call;
  readonly summary: Summary;
  readonly state: PopupState;
  readonly parts: Parts;
  readonly words: Words;
}

export function SummaryCard({ call, summary, state, parts, words }: SummaryProps): VNode {
  const folded = state.summaryFolded.value;
  return (
    <article class="card summary" part="summary" data-leg={call.leg_id} data-tone="summary">
      <header class="state-line">
        <span class="state tone">
          <Icon name="summary" />
          {words.summary}
        </span>
        {folded && (
          <button type="button" class="pill end" onClick={() => state.openSummary(call)}>
            {words.read}
          </button>
        )}
        <button
          type="button"
          class="icon-button"
          aria-label={words.closeSummary}
          onClick={() => state.closeSummary(call)}
        >
          <Icon name="close" />
        </button>
      </header>
      <p class="summary-of">
        <Who party={call.remote} words={words} />
        <span class="muted">
          {` · ${timeOfDay(call.started_at, words.language, state.nowMs.value)}`}
          {call.talk_ms > 0 && ` · ${clockText(call.talk_ms)}`}
        </span>
      </p>
      {!folded && (
        <Later part={parts.summary} words={words}>
          {({ SummaryBody }) => <SummaryBody summary={summary} words={words} />}
        </Later>
      )}
    </article>
  );
}
