// A call on the stage: large when it is the primary one, a row when others are.

import type { VNode } from "preact";
import type { Call } from "../../wire.ts";
import { isUnconfirmed } from "../arrangement.ts";
import { clockText } from "../duration.ts";
import type { PopupState } from "../popup-state.ts";
import { fill } from "../language.ts";
import type { Words } from "../words/words.ts";
import { displayText, initials } from "../text.ts";
import { runningMs } from "../timers.ts";
import { Icon } from "./icons.tsx";
import { type Look, lookOf } from "./looks.ts";
import { Line, PhoneNumber, Who, whoText } from "./party.tsx";
import { Phrase } from "./phrase.tsx";
import { timeOfDay } from "./time-of-day.ts";

interface CallProps {
  readonly call: Call;
  readonly state: PopupState;
  readonly words: Words;
}

export function PrimaryCall({ call, state, words }: CallProps): VNode {
  const look = lookOf(call, state.nowMs.value, words);
  const name = displayText(call.remote.name);
  const number = displayText(call.remote.number, 40);
  return (
    <article
      class="card"
      part={`card card-${call.state}`}
      data-leg={call.leg_id}
      data-state={call.state}
      data-tone={look.tone}
    >
      <StateLine call={call} look={look} state={state} words={words} />
      <div class="who">
        <span class="avatar" data-rings={call.state === "ringing" || undefined}>
          {initials(name) || <Icon name={look.icon} />}
        </span>
        <div class="identity">
          <p class="title" part="name">
            <Who party={call.remote} words={words} />
          </p>
          <p class="subtitle">
            {name !== "" && number !== "" && <PhoneNumber number={number} />}
            {call.internal && ` · ${words.internal}`}
          </p>
        </div>
      </div>
      <Story call={call} nowMs={state.nowMs.value} words={words} />
      <Details call={call} words={words} />
    </article>
  );
}

export function OtherCall({ call, state, words }: CallProps): VNode {
  const look = lookOf(call, state.nowMs.value, words);
  return (
    <article
      class="row"
      part={`row row-${call.state}`}
      data-leg={call.leg_id}
      data-state={call.state}
      data-tone={look.tone}
    >
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
        <Story call={call} nowMs={state.nowMs.value} words={words} />
      </div>
      <Timer call={call} nowMs={state.nowMs.value} />
      <Dismiss call={call} state={state} words={words} />
    </article>
  );
}

function StateLine({ call, look, state, words }: CallProps & { look: Look }): VNode {
  return (
    <header class="state-line">
      <span class="state tone" part="state">
        <Icon name={look.icon} />
        {look.label}
      </span>
      <Timer call={call} nowMs={state.nowMs.value} />
      <Dismiss call={call} state={state} words={words} />
    </header>
  );
}

/** What is to be told about the call besides its state: where it comes from, and doubts. */
function Story({ call, nowMs, words }: { call: Call; nowMs: number; words: Words }): VNode {
  return (
    <>
      {call.transfer !== null && (
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
          <span>
            {fill(words.unconfirmedSince, {
              time: timeOfDay(call.updated_at, words.language, nowMs),
            })}
          </span>
        </p>
      )}
    </>
  );
}

function Transfer({ call, words }: { call: Call; words: Words }): VNode | null {
  if (call.transfer === null) return null;
  const { via, original_number: original, completed_at: completed } = call.transfer;
  const number = displayText(original, 40);
  const values = {
    via: <Who party={via} words={{ ...words, unknown: words.colleague }} />,
    number: <PhoneNumber number={number} />,
  };
  if (completed !== null) return <Phrase text={words.transferDone} with={values} />;
  const text = number === "" ? words.transferPendingUnknown : words.transferPending;
  return <Phrase text={text} with={values} />;
}

function Details({ call, words }: { call: Call; words: Words }): VNode {
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
function figures(call: Call, words: Words): string {
  const talked = fill(words.talked, { duration: clockText(call.talk_ms) });
  const held = fill(words.onHoldFor, { duration: clockText(call.hold_ms) });
  if (call.state === "held") return talked;
  if (call.state === "active") return call.hold_ms > 0 ? held : "";
  if (call.state === "ringing") return "";
  if (call.answered_at === null) {
    return fill(words.rang, { duration: clockText(call.ring_ms) });
  }
  return call.hold_ms > 0 ? `${talked} · ${held}` : talked;
}

function Timer({ call, nowMs }: { call: Call; nowMs: number }): VNode | null {
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
