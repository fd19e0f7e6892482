// The head of the popup: whether calls can arrive, and if not, why and what to do.

import type { VNode } from "preact";
import type { ConnectionState } from "../../state.ts";
import type { PopupState } from "../popup-state.ts";
import { plural } from "../language.ts";
import type { Words } from "../words/words.ts";

interface ConnectionProps {
  readonly state: PopupState;
  readonly words: Words;
}

export function Head({ state, words }: ConnectionProps): VNode {
  const connection = state.connection.value;
  const { missed } = state.arrangement.value;
  return (
    <header class="head" part="head">
      <span class="connection" part="connection" data-phase={connection.phase} role="status">
        <span class="dot" aria-hidden="true" />
        {connectionText(connection, words.connection)}
      </span>
      {missed > 0 && (
        <button
          type="button"
          class="missed"
          aria-pressed={state.missedOnly.value}
          onClick={() => state.showMissed(!state.missedOnly.value)}
        >
          {plural(words.language, words.missedCount, missed)}
        </button>
      )}
      {state.alerts.value?.button()}
    </header>
  );
}

/** What the user has to know or do about the connection. */
export function Trouble({ state, words }: ConnectionProps): VNode | null {
  const connection = state.connection.value;
  if (connection.phase === "reconnecting" && state.arrangement.value.cards.length > 0) {
    return (
      <p class="notice" part="notice" data-tone="held">
        {words.connection.outdated}
      </p>
    );
  }
  if (connection.phase !== "refused") return null;
  return (
    <div class="notice" part="notice" data-tone="missed" role="alert">
      <p>{words.connection.refusal[connection.reason]}</p>
      <button type="button" class="button" onClick={() => state.connect()}>
        {words.connection.tryAgain}
      </button>
    </div>
  );
}

function connectionText(state: ConnectionState, words: Words["connection"]): string {
  if (state.phase === "connecting" && state.attempt > 1) return words.unreachable;
  return words[state.phase];
}
