// The whole popup, from its state.

import type { VNode } from "preact";
import type { PopupState } from "../popup-state.ts";
import { fill, type Strings } from "../strings.ts";
import { OtherCall, PrimaryCall } from "./call-card.tsx";
import { Head, Trouble } from "./connection.tsx";
import { whoText } from "./party.tsx";
import { Recent } from "./recent.tsx";
import { SummaryCard } from "./summary-card.tsx";

interface PopupProps {
  readonly state: PopupState;
  readonly strings: Strings;
}

export function Popup({ state, strings }: PopupProps): VNode {
  const { cards, summary } = state.arrangement.value;
  const [primary, ...others] = cards;
  const connected = state.connection.value.phase === "connected";
  const quiet = connected && cards.length === 0 && summary === null;
  return (
    <section class="panel" part="panel" aria-label={state.label.value ?? strings.calls}>
      <Announcer state={state} strings={strings} />
      <Head state={state} strings={strings} />
      <Trouble state={state} strings={strings} />
      {primary !== undefined && (
        <PrimaryCall key={primary.leg_id} call={primary} state={state} strings={strings} />
      )}
      {others.map((call) => (
        <OtherCall key={call.leg_id} call={call} state={state} strings={strings} />
      ))}
      {summary?.summary && (
        <SummaryCard
          key={`summary-${summary.leg_id}`}
          call={summary}
          summary={summary.summary}
          state={state}
          strings={strings}
        />
      )}
      {quiet && <p class="quiet">{strings.quiet}</p>}
      <Recent state={state} strings={strings} />
    </section>
  );
}

/** The one assertive live region; it is always there, and changes once per call. */
function Announcer({ state, strings }: PopupProps): VNode {
  return (
    <div class="announcer" aria-live="assertive">
      {state.announced.value.map((call) => (
        <p key={call.leg_id}>{fill(strings.announce, { who: whoText(call.remote, strings) })}</p>
      ))}
    </div>
  );
}
