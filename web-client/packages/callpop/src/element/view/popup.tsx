// The whole popup, from its state.

import type { VNode } from "preact";
import { keyOf } from "../../item-key.ts";
import type { PopupState } from "../popup-state.ts";
import { fill, LOCALES, plural } from "../language.ts";
import type { Parts } from "../parts.ts";
import type { Words } from "../words/words.ts";
import { CallCard } from "./call-card.tsx";
import { Head, Trouble } from "./connection.tsx";
import { Later } from "./later.tsx";
import { whoText } from "./party.tsx";

interface PopupProps {
  readonly state: PopupState;
  readonly parts: Parts;
  /** What moves the focus in, as `aria-keyshortcuts` wants it. */
  readonly keys: string | undefined;
}

export function Popup({ state, parts, keys }: PopupProps): VNode {
  const words = state.words.value;
  const { cards, summary, recent } = state.arrangement.value;
  const told = summary?.summary;
  const connected = state.connection.value.phase === "connected";
  const notices = state.openNotices.value.length;
  const quiet = connected && cards.length === 0 && summary === null && notices === 0;
  return (
    <section
      class="panel"
      part="panel"
      tabIndex={-1}
      lang={LOCALES[words.language]}
      aria-label={state.label.value ?? words.calls}
      aria-keyshortcuts={keys}
    >
      <Announcer state={state} words={words} />
      <Head state={state} words={words} />
      {state.alerts.value?.view()}
      <Trouble state={state} words={words} />
      {cards.flatMap((call, index) => [
        index === 1 && (
          <h2 key="others" class="others">
            {plural(words.language, words.otherCalls, cards.length - 1)}
          </h2>
        ),
        <CallCard
          key={keyOf(call)}
          call={call}
          primary={index === 0}
          state={state}
          parts={parts}
          words={words}
        />,
      ])}
      {summary !== null && told && (
        <Later
          key={`summary-${keyOf(summary)}`}
          part={parts.summary}
          words={words}
          title={words.summary}
        >
          {({ SummaryCard }) => (
            <SummaryCard call={summary} summary={told} state={state} words={words} />
          )}
        </Later>
      )}
      {notices > 0 && (
        <Later part={parts.notices} words={words}>
          {({ NoticeCards }) => <NoticeCards state={state} words={words} />}
        </Later>
      )}
      {connected && state.hasNoExtension ? (
        <div class="notice" part="notice" data-tone="unconfirmed" role="status">
          <p>{words.noExtension}</p>
        </div>
      ) : (
        quiet && <p class="quiet">{words.quiet}</p>
      )}
      {recent.length + state.pastNotices.value.length > 0 && (
        <Later part={parts.recent} words={words}>
          {({ RecentCalls }) => <RecentCalls state={state} parts={parts} words={words} />}
        </Later>
      )}
    </section>
  );
}

/**
 * The one assertive live region. It is there, empty, before anything is said, since what comes
 * with the region itself is not read out; it changes once a call.
 */
function Announcer({ state, words }: { state: PopupState; words: Words }): VNode {
  return (
    <div class="announcer" aria-live="assertive">
      {state.isHeard.value &&
        state.announced.value.map((call) => (
          <p key={keyOf(call)}>{fill(words.announce, { who: whoText(call.remote, words) })}</p>
        ))}
    </div>
  );
}
