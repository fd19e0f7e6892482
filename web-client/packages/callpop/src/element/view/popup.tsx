// The whole popup, from its state.

import type { VNode } from "preact";
import type { PopupState } from "../popup-state.ts";
import { fill, LOCALES } from "../language.ts";
import type { Parts } from "../parts.ts";
import type { Words } from "../words/words.ts";
import { OtherCall, PrimaryCall } from "./call-card.tsx";
import { Head, Trouble } from "./connection.tsx";
import { Later } from "./later.tsx";
import { whoText } from "./party.tsx";
import { SummaryCard } from "./summary-card.tsx";

interface PopupProps {
  readonly state: PopupState;
  readonly parts: Parts;
}

export function Popup({ state, parts }: PopupProps): VNode {
  const words = state.words.value;
  const { cards, summary, recent } = state.arrangement.value;
  const [primary, ...others] = cards;
  const connected = state.connection.value.phase === "connected";
  const quiet = connected && cards.length === 0 && summary === null;
  return (
    <section
      class="panel"
      part="panel"
      lang={LOCALES[words.language]}
      aria-label={state.label.value ?? words.calls}
    >
      <Announcer state={state} words={words} />
      <Head state={state} words={words} />
      {state.bar.value?.()}
      <Trouble state={state} words={words} />
      {primary !== undefined && (
        <PrimaryCall key={primary.leg_id} call={primary} state={state} words={words} />
      )}
      {others.map((call) => (
        <OtherCall key={call.leg_id} call={call} state={state} words={words} />
      ))}
      {summary?.summary && (
        <SummaryCard
          key={`summary-${summary.leg_id}`}
          call={summary}
          summary={summary.summary}
          state={state}
          parts={parts}
          words={words}
        />
      )}
      {quiet && <p class="quiet">{words.quiet}</p>}
      {recent.length > 0 && (
        <Later part={parts.recent} words={words} quietly>
          {({ RecentCalls }) => <RecentCalls state={state} words={words} />}
        </Later>
      )}
    </section>
  );
}

/** The one assertive live region; it is always there, and changes once per call. */
function Announcer({ state, words }: { state: PopupState; words: Words }): VNode {
  return (
    <div class="announcer" aria-live="assertive">
      {state.announced.value.map((call) => (
        <p key={call.leg_id}>{fill(words.announce, { who: whoText(call.remote, words) })}</p>
      ))}
    </div>
  );
}
