// The card of a call's summary, which folds while a call is on.

import type { VNode } from "preact";
import { clockText } from "../duration.ts";
import { Icon } from "../view/icons.tsx";
import { Who } from "../view/party.tsx";
import { timeOfDay } from "../view/time-of-day.ts";
import { SummaryBody } from "./body.tsx";
import { LongSummary, type SummaryProps } from "./long.tsx";
import { SUMMARY_WORDS } from "./words.ts";

export function SummaryCard({ call, summary, state, words }: SummaryProps): VNode {
  const own = SUMMARY_WORDS[words.language];
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
            {own.read}
          </button>
        )}
        <button
          type="button"
          class="icon-button"
          aria-label={own.close}
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
      {!folded &&
        (summary.more ? (
          <LongSummary
            key={summary.reported_at}
            call={call}
            summary={summary}
            state={state}
            words={words}
          />
        ) : (
          <SummaryBody summary={summary} words={words} />
        ))}
    </article>
  );
}
