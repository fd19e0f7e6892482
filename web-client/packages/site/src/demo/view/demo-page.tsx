// The demo page: scenarios and notices above, two seats side by side, the webhooks below.

import type { VNode } from "preact";
import mark from "../../mark.svg";
import type { DemoState } from "../demo-state.ts";
import { WebhookLog } from "./log.tsx";
import { Notices } from "./notices.tsx";
import { Scenarios } from "./scenarios.tsx";
import { Seat } from "./seat.tsx";

export function DemoPage({ state }: { state: DemoState }): VNode {
  const config = state.config.value;
  const trouble = state.refusals.value.get("");
  return (
    <>
      <Masthead state={state} />
      <main class="demo">
        {trouble !== undefined && (
          <p class="trouble" role="alert">
            {trouble}
          </p>
        )}
        {!state.reachable.value && (
          <p class="trouble" role="status">
            The simulator does not answer. Is <code>callpop demo</code> still running?
          </p>
        )}
        {config !== null && <Scenarios state={state} scenarios={config.scenarios} />}
        {config !== null && <Notices state={state} people={config.phones} />}
        <div class="seats">
          {config?.phones.map(({ extension, name }) => (
            <Seat key={extension} extension={extension} name={name} state={state} />
          ))}
        </div>
        {config !== null && <WebhookLog entries={state.simulator.value.log} />}
      </main>
    </>
  );
}

function Masthead({ state }: { state: DemoState }): VNode {
  return (
    <header class="masthead">
      <img src={mark} alt="" width="36" height="36" />
      <div>
        <h1>callpop</h1>
        <p>Two simulated phones send real webhooks; the popups arrive over the real WebSocket.</p>
      </div>
      <button type="button" class="quiet-button" onClick={() => switchTheme(state)}>
        Light or dark
      </button>
    </header>
  );
}

function switchTheme(state: DemoState): void {
  const dark =
    state.theme.value === null
      ? matchMedia("(prefers-color-scheme: dark)").matches
      : state.theme.value === "dark";
  state.theme.value = dark ? "light" : "dark";
}
