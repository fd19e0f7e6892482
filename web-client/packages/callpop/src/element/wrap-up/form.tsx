// The form itself: an outcome, a note, and whether they are saved. It never takes the focus.

import type { VNode } from "preact";
import { keyOf } from "../../item-key.ts";
import type { Call } from "../../wire.ts";
import { fill, plural } from "../language.ts";
import type { PopupState } from "../popup-state.ts";
import { displayText } from "../text.ts";
import { whoText } from "../view/party.tsx";
import { timeOfDay } from "../view/time-of-day.ts";
import type { Words } from "../words/words.ts";
import { LONGEST_NOTE } from "./draft.ts";
import { Drafts } from "./drafts.ts";
import { WRAP_UP_WORDS, type WrapUpWords } from "./words.ts";

/** From so many characters on, those that are left are told. */
const NEARLY_FULL = LONGEST_NOTE - 200;
/** More choices than this are a list to pull down. */
const MOST_PILLS = 6;

export interface FormProps {
  readonly call: Call;
  readonly state: PopupState;
  readonly words: Words;
}

interface FormOwnProps extends FormProps {
  readonly own: WrapUpWords;
  readonly drafts: Drafts;
}

export function Form({ call, state, words }: FormProps): VNode {
  const own = WRAP_UP_WORDS[words.language];
  const drafts = Drafts.of(state);
  const props: FormOwnProps = { call, state, words, own, drafts };
  return (
    <form
      class="wrap-up"
      part="wrap-up"
      aria-label={fill(own.formOf, { who: whoText(call.remote, words) })}
      onFocusIn={() => drafts.focus(call, true)}
      onFocusOut={() => drafts.focus(call, false)}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) drafts.save(call);
      }}
      onSubmit={(event) => {
        event.preventDefault();
        drafts.save(call);
      }}
    >
      <Conflict {...props} />
      <Choices {...props} />
      <Note {...props} />
      <Foot {...props} />
    </form>
  );
}

function Conflict({ call, state, words, own, drafts }: FormOwnProps): VNode {
  const theirs = drafts.conflictOf(call);
  return (
    <div role="status">
      {theirs !== null && (
        <div class="notice" data-tone="held">
          <p>
            {fill(own.changedElsewhere, {
              time: timeOfDay(theirs.at, words.language, state.nowMs.value),
            })}
          </p>
          <Stored call={call} />
          <p class="buttons">
            <button type="button" class="pill" onClick={() => drafts.takeTheirs(call)}>
              {own.takeTheirs}
            </button>
            <button type="button" class="pill" onClick={() => drafts.keepMine(call)}>
              {own.keepMine}
            </button>
          </p>
        </div>
      )}
    </div>
  );
}

/** What is stored, to read. */
export function Stored({ call }: { call: Call }): VNode | null {
  if (call.wrap_up === null) return null;
  const { disposition, note } = call.wrap_up;
  return (
    <p class="stored" part="wrap-up-text">
      {disposition !== null && <span class="chip">{displayText(disposition, 64)}</span>}
      <bdi class="stored-note">{displayText(note, LONGEST_NOTE)}</bdi>
    </p>
  );
}

function Choices({ call, state, own, drafts }: FormOwnProps): VNode | null {
  const { disposition } = drafts.of(call).entry;
  const offered = state.source?.dispositions ?? [];
  if (offered.length === 0 && disposition === null) return null;
  const isKnown = disposition === null || offered.includes(disposition);
  const choices = [null, ...offered, ...(isKnown ? [] : [disposition])];
  const choose = (choice: string | null): void => drafts.write(call, { disposition: choice });
  const textOf = (choice: string | null): string =>
    choice === null ? own.none : displayText(choice, 64);
  if (choices.length > MOST_PILLS + 1) {
    return (
      <label class="labelled">
        <span>{own.disposition}</span>
        <select
          class="field"
          value={disposition ?? ""}
          onChange={({ currentTarget }) => choose(currentTarget.value || null)}
        >
          {choices.map((choice) => (
            <option key={choice} value={choice ?? ""}>
              {textOf(choice)}
            </option>
          ))}
        </select>
      </label>
    );
  }
  return (
    <fieldset>
      <legend>{own.disposition}</legend>
      {choices.map((choice) => (
        <label key={choice} class="choice">
          <input
            type="radio"
            name={`disposition-${keyOf(call)}`}
            checked={choice === disposition}
            onChange={() => choose(choice)}
          />
          <span>{textOf(choice)}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Note({ call, words, own, drafts }: FormOwnProps): VNode {
  const { note } = drafts.of(call).entry;
  const length = [...note].length;
  return (
    <label class="labelled">
      <span>
        {own.note}
        {length >= NEARLY_FULL && (
          <span class="left">{plural(words.language, own.left, LONGEST_NOTE - length)}</span>
        )}
      </span>
      <textarea
        class="field"
        rows={2}
        maxLength={LONGEST_NOTE}
        placeholder={own.placeholder}
        value={note}
        onInput={({ currentTarget }) => drafts.write(call, { note: currentTarget.value })}
      />
    </label>
  );
}

function Foot({ call, state, words, own, drafts }: FormOwnProps): VNode {
  const unsaved = drafts.isUnsaved(call);
  const progress = state.source?.wrapUpState?.(call) ?? null;
  const isRefused = progress === "refused" && drafts.of(call).sent !== null;
  return (
    <p class="wrap-up-foot">
      <span role="status" data-tone={isRefused ? "missed" : "ended"} class="tone">
        {statusOf()}
      </span>
      <button type="submit" class="button" disabled={!unsaved || progress === "saving"}>
        {isRefused ? own.tryAgain : own.save}
      </button>
    </p>
  );

  function statusOf(): string {
    if (progress === "saving") {
      return state.connection.value.phase === "connected" ? own.saving : own.waiting;
    }
    if (isRefused) return own.refused;
    if (unsaved) return own.notSaved;
    if (call.wrap_up === null) return "";
    const time = timeOfDay(call.wrap_up.at, words.language, state.nowMs.value);
    return fill(own.saved, { time });
  }
}
