// A simulated desk phone: its calls with what can be done to them, and a dial.

import type { VNode } from "preact";
import type { LegAction, Phone, PhoneLeg } from "../api.ts";
import { CONTACTS, nameOf } from "../contacts.ts";
import type { DemoState } from "../demo-state.ts";

interface Colleague {
  readonly extension: string;
  readonly name: string;
}

interface PhoneProps {
  readonly phone: Phone;
  readonly others: readonly Colleague[];
  readonly state: DemoState;
}

const ACTION_LABELS: Readonly<Record<LegAction, string>> = {
  answer: "Answer",
  hold: "Hold",
  resume: "Resume",
  hang_up: "Hang up",
  blind_transfer: "Blind transfer",
  attended_transfer: "Attended transfer",
  complete_transfer: "Complete transfer",
};

const STATE_LABELS: Readonly<Record<PhoneLeg["state"], string>> = {
  ringing: "Ringing",
  active: "On the line",
  held: "On hold",
};

export function PhoneView({ phone, others, state }: PhoneProps): VNode {
  const refusal = state.refusals.value.get(phone.extension);
  return (
    <div class="phone" data-extension={phone.extension}>
      <header class="phone-head">
        <h3>{phone.name}</h3>
        <span class="extension">{phone.extension}</span>
      </header>
      <ul class="display" aria-label={`Calls of ${phone.name}`}>
        {phone.legs.length === 0 && <li class="idle">On the hook</li>}
        {phone.legs.map((leg) => (
          <LegView key={leg.leg_id} leg={leg} phone={phone} others={others} state={state} />
        ))}
      </ul>
      <Dial phone={phone} others={others} state={state} />
      <button
        type="button"
        class="key"
        disabled={!phone.can_send_summary}
        onClick={() => void state.onPhone(phone.extension, "send_summary")}
      >
        Send summary
      </button>
      <p class="refusal" role="status">
        {refusal}
      </p>
    </div>
  );
}

function LegView({ leg, phone, others, state }: PhoneProps & { leg: PhoneLeg }): VNode {
  return (
    <li class="leg" data-state={leg.state} data-leg={leg.leg_id}>
      <p class="leg-state">{STATE_LABELS[leg.state]}</p>
      <p class="leg-remote">
        <bdi>{leg.remote.name ?? leg.remote.number}</bdi>
      </p>
      <div class="leg-actions">
        {leg.actions.flatMap((action) =>
          targetsOf(action, others).map((to) => (
            <button
              type="button"
              key={`${action}-${to?.extension}`}
              class="key"
              data-action={action}
              aria-label={to && `${ACTION_LABELS[action]} to ${to.name}`}
              onClick={() => void state.onLeg(phone.extension, leg.leg_id, action, to?.extension)}
            >
              {ACTION_LABELS[action]}
              {others.length > 1 && to && ` to ${to.name}`}
            </button>
          )),
        )}
      </div>
    </li>
  );
}

/** A transfer needs somebody to go to; anything else is one button. */
function targetsOf(
  action: LegAction,
  others: readonly Colleague[],
): readonly (Colleague | undefined)[] {
  return action === "blind_transfer" || action === "attended_transfer" ? others : [undefined];
}

function Dial({ phone, others, state }: PhoneProps): VNode {
  const id = `dial-${phone.extension}`;
  return (
    <form
      class="dial"
      onSubmit={(event) => {
        event.preventDefault();
        const { submitter } = event;
        const action = submitter instanceof HTMLButtonElement ? submitter.value : "";
        if (action !== "incoming" && action !== "dial") return;
        const number = String(new FormData(event.currentTarget).get("number")).trim();
        const name = others.find((other) => other.extension === number)?.name ?? nameOf(number);
        void state.onPhone(phone.extension, action, { number, name });
      }}
    >
      <label for={id}>Number</label>
      <input
        id={id}
        name="number"
        list={`${id}-contacts`}
        autocomplete="off"
        defaultValue={CONTACTS[0]?.number}
      />
      <datalist id={`${id}-contacts`}>
        {CONTACTS.map(({ number, name }) => (
          <option key={number} value={number} label={name} />
        ))}
        {others.map(({ extension, name }) => (
          <option key={extension} value={extension} label={name} />
        ))}
      </datalist>
      <button type="submit" class="key" value="incoming">
        Incoming call
      </button>
      <button type="submit" class="key" value="dial">
        Dial
      </button>
    </form>
  );
}
