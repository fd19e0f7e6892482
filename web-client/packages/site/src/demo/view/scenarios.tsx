// The provider's seven examples, one click each.

import type { VNode } from "preact";
import type { Scenario } from "../api.ts";
import { type DemoState, SPEEDS } from "../demo-state.ts";

interface ScenariosProps {
  readonly state: DemoState;
  readonly scenarios: readonly Scenario[];
}

export function Scenarios({ state, scenarios }: ScenariosProps): VNode {
  return (
    <section class="scenarios" aria-labelledby="scenarios">
      <div class="section-head">
        <h2 id="scenarios">Play a scenario</h2>
        <SpeedChoice state={state} />
      </div>
      <ul class="scenario-list">
        {scenarios.map((scenario) => (
          <li key={scenario.id}>
            <button
              type="button"
              class="scenario"
              data-scenario={scenario.id}
              data-playing={state.playing.value.has(scenario.id)}
              onClick={() => void state.play(scenario)}
            >
              <span class="scenario-title">{scenario.title}</span>
              <span class="scenario-size">{sizeOf(scenario, state.speed.value)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function SpeedChoice({ state }: { state: DemoState }): VNode {
  return (
    <fieldset class="choice" aria-label="Speed">
      {SPEEDS.map(({ factor, label }) => (
        <label key={factor}>
          <input
            type="radio"
            name="speed"
            value={factor}
            checked={state.speed.value === factor}
            onChange={() => {
              state.speed.value = factor;
            }}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

function sizeOf({ events, duration_ms: duration }: Scenario, speed: number): string {
  const count = events === 1 ? "1 webhook" : `${events} webhooks`;
  const seconds = speed === 0 ? 0 : duration / speed / 1000;
  return seconds < 0.1
    ? count
    : `${count}, ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}
