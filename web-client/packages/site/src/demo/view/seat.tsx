// One person: the phone on the desk and the popup on the screen.

import type { VNode } from "preact";
import type { Phone } from "../api.ts";
import type { DemoState } from "../demo-state.ts";
import { PhoneView } from "./phone.tsx";
import { SeatIntegration } from "./seat-integration.tsx";

interface SeatProps {
  readonly extension: string;
  readonly name: string;
  readonly state: DemoState;
}

export function Seat({ extension, name, state }: SeatProps): VNode {
  const phones = state.simulator.value.phones;
  const idle: Phone = { extension, name, legs: [], can_send_summary: false };
  const phone = phones.find((candidate) => candidate.extension === extension) ?? idle;
  const others = state.config.value?.phones.filter((other) => other.extension !== extension) ?? [];
  const person = state.person(extension);
  return (
    <section class="seat" aria-label={name} data-extension={extension}>
      <PhoneView phone={phone} others={others} state={state} />
      <div class="screen">
        <h3>What {name} sees</h3>
        {state.config.value?.integrations && (
          <SeatIntegration extension={extension} live={person.integrations} />
        )}
        <call-popup
          label={`Calls of ${name}`}
          client={person.client}
          theme={state.theme.value ?? undefined}
        />
      </div>
    </section>
  );
}
