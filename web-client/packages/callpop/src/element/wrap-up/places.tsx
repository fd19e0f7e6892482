// Where the form is: on the card of a call that has just ended, and in the list of recent calls.

import type { VNode } from "preact";
import { fill } from "../language.ts";
import { Sign } from "../view/icons.tsx";
import { whoText } from "../view/party.tsx";
import { Drafts } from "./drafts.ts";
import { Form, type FormProps, Stored } from "./form.tsx";
import { WRAP_UP_WORDS } from "./words.ts";

const PENCIL = "M4 20l1-4.5L16 4.5l3.5 3.5-11 11ZM13.5 7l3.5 3.5";
const FOLD = "M6 15l6-6 6 6";

/** Open by itself when the call was talked on and nothing else is going on. */
export function EndedWrapUp(props: FormProps): VNode {
  const { call, state } = props;
  const drafts = Drafts.of(state);
  const inUse = drafts.isInUse(call);
  // After this drawing: it draws again.
  queueMicrotask(() => state.keep(call, inUse));
  const isQuiet = state.arrangement.value.cards.every((card) => card.state === "ended");
  const isOpen = drafts.isOpen(call) || inUse;
  if (isOpen || (isQuiet && call.answered_at !== null)) return <Form {...props} />;
  return (
    <div class="wrap-up-closed">
      <Stored call={call} />
      <OpenButton {...props} />
    </div>
  );
}

/** On a recent call: what was said of it, and the form when it is asked for. */
export function RecentWrapUp(props: FormProps): VNode | null {
  const { call, state } = props;
  const drafts = Drafts.of(state);
  return drafts.isOpen(call) ? <Form {...props} /> : <Stored call={call} />;
}

interface OpenProps extends FormProps {
  /** Where there is little room, a sign says it. */
  readonly small?: boolean;
}

/** Opens the form, and closes it again without losing a word. */
export function OpenButton({ call, state, words, small }: OpenProps): VNode {
  const own = WRAP_UP_WORDS[words.language];
  const drafts = Drafts.of(state);
  const isOpen = drafts.isOpen(call);
  const isUnsaved = !isOpen && drafts.isUnsaved(call);
  const text = isOpen ? own.close : isUnsaved ? own.draft : call.wrap_up ? own.edit : own.add;
  const of = fill(own.formOf, { who: whoText(call.remote, words) });
  return (
    <button
      type="button"
      class={small ? "icon-button" : "pill"}
      data-unsaved={isUnsaved || undefined}
      aria-expanded={isOpen}
      aria-label={`${text}. ${of}`}
      onClick={() => drafts.open(call, !isOpen)}
    >
      {small ? <Sign d={isOpen ? FOLD : PENCIL} /> : text}
    </button>
  );
}
