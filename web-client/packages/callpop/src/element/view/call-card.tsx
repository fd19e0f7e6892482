// A call on the stage: large when it is the primary one, a row when others are.

import type { VNode } from "preact";
import type { Call } from "../../wire.ts";
import { isUnconfirmed } from "../arrangement.ts";
import { clockText } from "../duration.ts";
import type { PopupState } from "../popup-state.ts";
import { fill, type Strings } from "../strings.ts";
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
  readonly strings: Strings;
}

export function PrimaryCall({ call, state, strings }: CallProps): VNode {
  const look = lookOf(call, state.nowMs.value, strings);
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
      <StateLine call={call} look={look} state={state} strings={strings} />
      <div class="who">
        <span class="avatar" data-rings={call.state === "ringing" || undefined}>
          {initials(name) || <Icon name={look.icon} />}
        </span>
        <div class="identity">
          <p class="title" part="name">
            <Who party={call.remote} strings={strings} />
          </p>
          <p class="subtitle">
            {name !== "" && number !== "" && <PhoneNumber number={number} />}
            {call.internal && ` · ${strings.internal}`}
          </p>
        </div>
      </div>
      <Story call={call} nowMs={state.nowMs.value} strings={strings} />
      <Details call={call} strings={strings} />
    </article>
  );
}

export function OtherCall({ call, state, strings }: CallProps): VNode {
  const look = lookOf(call, state.nowMs.value, strings);
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
          <Who party={call.remote} strings={strings} />
        </p>
        <p class="subtitle">
          <span class="tone">{look.label}</span>
          {call.internal && ` · ${strings.internal}`}
        </p>
        <Story call={call} nowMs={state.nowMs.value} strings={strings} />
      </div>
      <Timer call={call} nowMs={state.nowMs.value} />
      <Dismiss call={call} state={state} strings={strings} />
    </article>
  );
}

function StateLine({ call, look, state, strings }: CallProps & { look: Look }): VNode {
  return (
    <header class="state-line">
      <span class="state tone" part="state">
        <Icon name={look.icon} />
        {look.label}
      </span>
      <Timer call={call} nowMs={state.nowMs.value} />
      <Dismiss call={call} state={state} strings={strings} />
    </header>
  );
}

/** What is to be told about the call besides its state: where it comes from, and doubts. */
function Story({ call, nowMs, strings }: { call: Call; nowMs: number; strings: Strings }): VNode {
  return (
    <>
      {call.transfer !== null && (
        <p class="story" part="transfer">
          <Icon name="transfer" />
          <span>
            <Transfer call={call} strings={strings} />
          </span>
        </p>
      )}
      {isUnconfirmed(call, nowMs) && (
        <p class="story">
          <Icon name="unconfirmed" />
          <span>
            {fill(strings.unconfirmedSince, {
              time: timeOfDay(call.updated_at, strings.locale, nowMs),
            })}
          </span>
        </p>
      )}
    </>
  );
}

function Transfer({ call, strings }: { call: Call; strings: Strings }): VNode | null {
  if (call.transfer === null) return null;
  const { via, original_number: original, completed_at: completed } = call.transfer;
  const number = displayText(original, 40);
  const values = {
    via: <Who party={via} strings={{ ...strings, unknown: strings.colleague }} />,
    number: <PhoneNumber number={number} />,
  };
  if (completed !== null) return <Phrase text={strings.transferDone} with={values} />;
  const text = number === "" ? strings.transferPendingUnknown : strings.transferPending;
  return <Phrase text={text} with={values} />;
}

function Details({ call, strings }: { call: Call; strings: Strings }): VNode {
  const text = call.direction === "inbound" ? strings.toLine : strings.fromLine;
  return (
    <p class="details">
      <span>
        <Phrase text={text} with={{ line: <Line party={call.local} /> }} />
      </span>
      <span class="figures">{figures(call, strings)}</span>
    </p>
  );
}

/** The finished times that the running timer does not show. */
function figures(call: Call, strings: Strings): string {
  const talked = fill(strings.talked, { duration: clockText(call.talk_ms) });
  const held = fill(strings.onHoldFor, { duration: clockText(call.hold_ms) });
  if (call.state === "held") return talked;
  if (call.state === "active") return call.hold_ms > 0 ? held : "";
  if (call.state === "ringing") return "";
  if (call.answered_at === null) {
    return fill(strings.rang, { duration: clockText(call.ring_ms) });
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

function Dismiss({ call, state, strings }: CallProps): VNode {
  return (
    <button
      type="button"
      class="icon-button"
      part="dismiss"
      aria-label={fill(strings.dismiss, { who: whoText(call.remote, strings) })}
      onClick={() => state.dismiss(call)}
    >
      <Icon name="close" />
    </button>
  );
}
