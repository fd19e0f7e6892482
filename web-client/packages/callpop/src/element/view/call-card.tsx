// A call on the stage: large when it is the primary one, a row when others are. It is one
// element in both, so that what is being written below an ended call stays where it is.

import type { VNode } from "preact";
import { keyOf } from "../../item-key.ts";
import { isUnconfirmed } from "../arrangement.ts";
import { clockText } from "../duration.ts";
import { fill } from "../language.ts";
import type { Parts } from "../parts.ts";
import type { PopupState } from "../popup-state.ts";
import type { ShownCall } from "../shown-call.ts";
import { displayText, initials } from "../text.ts";
import { runningMs } from "../timers.ts";
import type { Words } from "../words/words.ts";
import { Icon } from "./icons.tsx";
import { Later } from "./later.tsx";
import { type Look, lookOf } from "./looks.ts";
import { Line, PhoneNumber, Who, whoText } from "./party.tsx";
import { Phrase } from "./phrase.tsx";
import { timeOfDay } from "./time-of-day.ts";

export interface CallProps {
  readonly call: ShownCall;
  readonly state: PopupState;
  readonly words: Words;
}

interface CallCardProps extends CallProps {
  readonly parts: Parts;
  /** It is the call that counts most now. */
  readonly primary: boolean;
}

export function CallCard({ call, primary, state, parts, words }: CallCardProps): VNode {
  const look = lookOf(call, state.nowMs.value, words);
  const kind = primary ? "card" : "row";
  return (
    <article
      class={kind}
      part={`${kind} ${kind}-${call.state}`}
      data-leg={call.leg_id}
      data-key={keyOf(call)}
      data-state={call.state}
      data-tone={look.tone}
      aria-label={`${look.label}, ${whoText(call.remote, words)}`}
    >
      {primary ? (
        <Large key="large" call={call} look={look} state={state} words={words} />
      ) : (
        <Small key="small" call={call} look={look} state={state} words={words} />
      )}
      {state.foot.value?.(call)}
      {call.state === "ended" && state.canWrapUp && (
        <Later key="wrap-up" part={parts.wrapUp} words={words}>
          {({ EndedWrapUp }) => <EndedWrapUp call={call} state={state} words={words} />}
        </Later>
      )}
    </article>
  );
}

interface LookProps extends CallProps {
  readonly look: Look;
}

function Large({ call, look, state, words }: LookProps): VNode {
  const name = displayText(call.remote.name);
  const number = displayText(call.remote.number, 40);
  // Without a name the number is the title.
  const isNamed = name !== "" && number !== "";
  return (
    <>
      <header class="state-line">
        <span class="state tone" part="state">
          <Icon name={look.icon} />
          {look.label}
        </span>
        <Timer call={call} nowMs={state.nowMs.value} />
        <Dismiss call={call} state={state} words={words} />
      </header>
      <div class="who">
        <span class="avatar" data-rings={call.state === "ringing" || undefined}>
          {initials(name) || <Icon name={look.icon} />}
        </span>
        <div class="identity">
          <p class="title" part="name">
            <Who party={call.remote} words={words} />
          </p>
          <p class="subtitle">
            {isNamed && <PhoneNumber number={number} />}
            {call.internal && `${isNamed ? " · " : ""}${words.internal}`}
          </p>
        </div>
      </div>
      <Story call={call} nowMs={state.nowMs.value} words={words} />
      <Details call={call} words={words} />
    </>
  );
}

function Small({ call, look, state, words }: LookProps): VNode {
  return (
    <>
      <span class="badge" data-rings={call.state === "ringing" || undefined}>
        <Icon name={look.icon} />
      </span>
      <div class="identity">
        <p class="row-title">
          <Who party={call.remote} words={words} />
        </p>
        <p class="subtitle">
          <span class="tone">{look.label}</span>
          {call.internal && ` · ${words.internal}`}
        </p>
      </div>
      <Timer call={call} nowMs={state.nowMs.value} />
      <Dismiss call={call} state={state} words={words} />
      <Story call={call} nowMs={state.nowMs.value} words={words} />
    </>
  );
}

/** What is to be told about the call besides its state: where it comes from, and doubts. */
function Story({ call, nowMs, words }: { call: ShownCall; nowMs: number; words: Words }): VNode {
  const time = timeOfDay(call.updated_at, words.language, nowMs);
  return (
    <>
      {(call.transfer !== null || call.handedBy !== undefined) && (
        <p class="story" part="transfer">
          <Icon name="transfer" />
          <span>
            <Transfer call={call} words={words} />
          </span>
        </p>
      )}
      {isUnconfirmed(call, nowMs) && (
        <p class="story">
          <Icon name="unconfirmed" />
          <span>{fill(words.unconfirmedSince, { time })}</span>
        </p>
      )}
      {call.answeredBy !== undefined && (
        <p class="story">
          <Icon name="active" />
          <span>
            <Phrase
              text={words.answeredBy}
              with={{ who: <Who party={call.answeredBy} words={words} /> }}
            />
          </span>
        </p>
      )}
    </>
  );
}

function Transfer({ call, words }: { call: ShownCall; words: Words }): VNode | null {
  const via = call.transfer?.via ?? call.handedBy;
  if (via === undefined) return null;
  const number = displayText(call.transfer?.original_number, 40);
  const values = {
    via: <Who party={via} words={{ ...words, unknown: words.colleague }} />,
    number: <PhoneNumber number={number} />,
  };
  const isDone = call.transfer?.completed_at !== null;
  if (isDone) return <Phrase text={words.transferDone} with={values} />;
  const text = number === "" ? words.transferPendingUnknown : words.transferPending;
  return <Phrase text={text} with={values} />;
}

function Details({ call, words }: { call: ShownCall; words: Words }): VNode {
  const text = call.direction === "inbound" ? words.toLine : words.fromLine;
  return (
    <p class="details">
      <span>
        <Phrase text={text} with={{ line: <Line party={call.local} /> }} />
      </span>
      <span class="figures">{figures(call, words)}</span>
    </p>
  );
}

/** The finished times that the running timer does not show. */
function figures(call: ShownCall, words: Words): string {
  const talked = fill(words.talkedFor, { duration: clockText(call.talk_ms) });
  const held = fill(words.onHoldFor, { duration: clockText(call.hold_ms) });
  if (call.state === "held") return talked;
  if (call.state === "active") return call.hold_ms > 0 ? held : "";
  if (call.state === "ringing") return "";
  if (call.answered_at === null) {
    return fill(words.rang, { duration: clockText(call.ring_ms) });
  }
  return call.hold_ms > 0 ? `${talked} · ${held}` : talked;
}

function Timer({ call, nowMs }: { call: ShownCall; nowMs: number }): VNode | null {
  if (call.state === "ended") return null;
  return (
    <span class="timer" part="timer" role="timer">
      {clockText(runningMs(call, nowMs))}
    </span>
  );
}

function Dismiss({ call, state, words }: CallProps): VNode {
  return (
    <button
      type="button"
      class="icon-button"
      part="dismiss"
      aria-label={fill(words.dismiss, { who: whoText(call.remote, words) })}
      onClick={() => state.dismiss(call)}
    >
      <Icon name="close" />
    </button>
  );
}
