// The page: whose integrations these are, whether they are live, and one card for each.

import type { VNode } from "preact";
import type { ConnectionState } from "callpop";
import mark from "../../mark.svg";
import type { Access } from "../access.ts";
import { placeKey, type LiveIntegrations } from "../live-integrations.ts";
import type { PageState } from "../page-state.ts";
import { IntegrationCard } from "./integration-card.tsx";

export function IntegrationsPage({ state }: { state: PageState }): VNode {
  const phase = state.phase.value;
  return (
    <>
      <header class="masthead">
        <img src={mark} alt="" width="36" height="36" />
        <div>
          <h1>Integrations</h1>
          <p>Whether the calls of your telephone reach you here.</p>
        </div>
      </header>
      <main>
        {phase.name === "starting" && <p class="quiet">One moment…</p>}
        {phase.name === "signed_out" && <SignedOut refused={phase.refused} />}
        {phase.name === "here" && <Signed state={state} access={phase.access} live={phase.live} />}
      </main>
    </>
  );
}

function SignedOut({ refused }: { refused: boolean }): VNode {
  return (
    <section class="notice" data-tone={refused ? "wait" : "off"} role="status">
      <h2>{refused ? "Your sign-in has ended" : "You are not signed in here"}</h2>
      <p>
        Open this page from the application that you work in: it signs you in. Nothing has changed
        about your integrations.
      </p>
    </section>
  );
}

interface SignedProps {
  readonly state: PageState;
  readonly access: Access;
  readonly live: LiveIntegrations;
}

function Signed({ state, access, live }: SignedProps): VNode {
  const all = live.all.value;
  const places = state.places(access, live);
  return (
    <>
      {live.trouble.value !== null && <Trouble live={live} detail={live.trouble.value} />}
      {all === null && live.trouble.value === null && <p class="quiet">One moment…</p>}
      {all !== null && places.length === 0 && (
        <p class="quiet">You are signed in, but without an extension to connect.</p>
      )}
      {all !== null && (
        <ul class="cards">
          {places.map((place) => (
            <li key={placeKey(place)}>
              <IntegrationCard
                place={place}
                integration={all.get(placeKey(place)) ?? null}
                live={live}
                nowMs={live.nowMs.value}
              />
            </li>
          ))}
        </ul>
      )}
      <Liveness state={state.connection.value} />
    </>
  );
}

function Trouble({ live, detail }: { live: LiveIntegrations; detail: string }): VNode {
  return (
    <section class="notice" data-tone="bad" role="alert">
      <h2>Your integrations cannot be read</h2>
      <p>{sentence(detail)}</p>
      <button type="button" class="button" onClick={() => void live.read()}>
        Try again
      </button>
    </section>
  );
}

/** Whether a change will show by itself. */
function Liveness({ state }: { state: ConnectionState }): VNode {
  return (
    <p class="liveness" role="status" data-live={state.phase === "connected"}>
      <span class="dot" aria-hidden="true" />
      {livenessText(state)}
    </p>
  );
}

function livenessText({ phase }: ConnectionState): string {
  switch (phase) {
    case "connected":
      return "Changes show here by themselves";
    case "refused":
    case "closed":
      return "Changes show when you reload this page";
    default:
      return "Connecting to the gateway…";
  }
}

/** "it failed" as "It failed." */
function sentence(text: string): string {
  return `${text.slice(0, 1).toLocaleUpperCase("en")}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
