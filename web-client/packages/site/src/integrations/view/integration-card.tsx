// One integration: its state, what it means, and what can be done.

import type { Integration } from "callpop";
import { Component, type VNode } from "preact";
import type { Place } from "../api.ts";
import { type LiveIntegrations, placeKey } from "../live-integrations.ts";
import { describe, portalName, providerName, type IntegrationWords } from "../words.ts";
import { StateIcon } from "./state-icon.tsx";

interface IntegrationCardProps {
  readonly place: Place;
  readonly integration: Integration | null;
  readonly live: LiveIntegrations;
  readonly nowMs: number;
}

interface CardState {
  /** The user is asked whether to disconnect. */
  readonly asking: boolean;
}

export class IntegrationCard extends Component<IntegrationCardProps, CardState> {
  override state: CardState = { asking: false };
  #card: HTMLElement | null = null;

  override getSnapshotBeforeUpdate(): boolean {
    return this.#hasFocus();
  }

  override componentDidUpdate(before: IntegrationCardProps, _: CardState, hadFocus: boolean): void {
    const { status } = this.props.integration ?? {};
    // Whoever was asked about a state that is no more has nothing to answer.
    if (this.state.asking && before.integration?.status !== status) this.#ask(false);
    if (!hadFocus || this.#hasFocus()) return;
    // What had the focus is gone; the next thing to press gets it.
    const [next, otherwise] = this.state.asking ? [".keep", "button"] : [".second", ".button"];
    const find = (selector: string): HTMLElement | null | undefined =>
      this.#card?.querySelector<HTMLElement>(selector);
    (find(next) ?? find(otherwise))?.focus();
  }

  override render({ place, integration, live, nowMs }: IntegrationCardProps): VNode {
    const words = describe(place.provider, integration, nowMs);
    const id = `title-${placeKey(place).replace(/\W/g, "-")}`;
    const failed = live.failed.value.get(placeKey(place));
    return (
      <article
        class="card"
        aria-labelledby={id}
        data-tone={words.tone}
        data-status={integration?.status ?? "none"}
        ref={(card: HTMLElement | null) => {
          this.#card = card;
        }}
      >
        <header>
          <StateIcon tone={words.tone} />
          <div>
            <h2 id={id}>
              {providerName(place.provider)}
              {place.source !== place.provider && ` (${place.source})`} · extension{" "}
              <bdi>{place.extension}</bdi>
            </h2>
            <p class="state" role="status">
              <span class="unseen">Extension {place.extension}: </span>
              {words.title}
            </p>
          </div>
        </header>
        <p>{words.meaning}</p>
        {words.why !== null && <Why text={words.why} />}
        <Facts words={words} />
        {this.state.asking ? this.#question(place) : this.#actions(words, place)}
        <p class="failed" role="alert">
          {failed && `That was not possible: ${failed}.`}
        </p>
      </article>
    );
  }

  #actions(words: IntegrationWords, place: Place): VNode {
    const doing = this.props.live.doing.value.get(placeKey(place));
    return (
      <div class="actions">
        {words.connect !== null && (
          <button
            type="button"
            class="button"
            aria-disabled={doing !== undefined}
            onClick={() => this.#connect(place)}
          >
            {doing === "connecting" ? `Opening ${portalName(place.provider)}…` : words.connect}
          </button>
        )}
        {words.canDisconnect && (
          <button
            type="button"
            class="button second"
            aria-disabled={doing !== undefined}
            onClick={() => doing === undefined && this.#ask(true)}
          >
            {doing === "disconnecting" ? "Disconnecting…" : "Disconnect"}
          </button>
        )}
      </div>
    );
  }

  #question(place: Place): VNode {
    const id = `ask-${placeKey(place).replace(/\W/g, "-")}`;
    return (
      <div
        class="question"
        role="group"
        aria-labelledby={id}
        onKeyDown={(event) => event.key === "Escape" && this.#ask(false)}
      >
        <p id={id}>
          Disconnect extension <bdi>{place.extension}</bdi>? Its calls stop reaching you here, and
          connecting again takes another visit to {portalName(place.provider)}.
        </p>
        <div class="actions">
          <button type="button" class="button danger" onClick={() => this.#disconnect(place)}>
            Yes, disconnect
          </button>
          <button type="button" class="button second keep" onClick={() => this.#ask(false)}>
            Cancel
          </button>
        </div>
      </div>
    );
  }

  #hasFocus(): boolean {
    return this.#card?.contains(document.activeElement) ?? false;
  }

  #ask(asking: boolean): void {
    this.setState({ asking });
  }

  #connect(place: Place): void {
    const { live } = this.props;
    if (live.doing.value.has(placeKey(place))) return;
    void live.connect(place, `${location.origin}${location.pathname}${location.search}`);
  }

  #disconnect(place: Place): void {
    this.#ask(false);
    void this.props.live.disconnect(place);
  }
}

function Why({ text }: { text: string }): VNode {
  return (
    <p class="why">
      <strong>Why: </strong>
      {text}
    </p>
  );
}

function Facts({ words }: { words: IntegrationWords }): VNode | null {
  if (words.facts.length === 0) return null;
  return (
    <dl>
      {words.facts.map(({ term, text }) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}
