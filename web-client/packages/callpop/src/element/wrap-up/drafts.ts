// The drafts of one popup. They outlive the forms: a card that goes takes nothing with it.

import { keyOf } from "../../item-key.ts";
import type { Call } from "../../wire.ts";
import type { CallSource, WrapUpEntry } from "../call-source.ts";
import type { PopupState } from "../popup-state.ts";
import { cleaned, conflictOf, type Draft, draftOf, follow, isUnsaved } from "./draft.ts";

const known = new WeakMap<PopupState, Drafts>();

export class Drafts {
  readonly #state: PopupState;
  /** Whose calls they are about: another user does not see them. */
  readonly #source: CallSource | null;
  /** These by the keys of calls. */
  readonly #drafts = new Map<string, Draft>();
  /** Forms that were opened by hand. */
  readonly #opened = new Set<string>();
  /** The call in whose form the focus is. */
  #focused: string | null = null;

  /** Those of a popup. */
  static of(state: PopupState): Drafts {
    const kept = known.get(state);
    if (kept !== undefined && kept.#source === state.source) return kept;
    const drafts = new Drafts(state);
    known.set(state, drafts);
    return drafts;
  }

  private constructor(state: PopupState) {
    this.#state = state;
    this.#source = state.source;
  }

  /** The draft of a call, in step with what is stored of it. */
  of(call: Call): Draft {
    const { wrap_up: stored } = call;
    const key = keyOf(call);
    const draft = follow(this.#drafts.get(key) ?? draftOf(stored), stored);
    if (this.#drafts.has(key)) this.#drafts.set(key, draft);
    return draft;
  }

  write(call: Call, change: Partial<WrapUpEntry>): void {
    const draft = this.of(call);
    this.#set(call, { ...draft, entry: { ...draft.entry, ...change } });
  }

  /** Gives it to the gateway. */
  save(call: Call): void {
    const entry = cleaned(this.of(call).entry);
    this.#set(call, { ...this.of(call), entry, seen: call.wrap_up, sent: entry });
    this.#state.source?.wrapUp?.(call, entry);
  }

  /** Forgets what is written for what is stored. */
  takeTheirs(call: Call): void {
    this.#set(call, draftOf(call.wrap_up));
  }

  /** What is written stands, though something else was stored since. */
  keepMine(call: Call): void {
    this.#set(call, { ...this.of(call), seen: call.wrap_up });
  }

  isOpen(call: Call): boolean {
    return this.#opened.has(keyOf(call));
  }

  open(call: Call, isOpen: boolean): void {
    const { cards, recent } = this.#state.arrangement.value;
    const present = new Set([...cards, ...recent].map(keyOf));
    for (const opened of this.#opened) if (!present.has(opened)) this.#opened.delete(opened);
    if (isOpen) this.#opened.add(keyOf(call));
    else this.#opened.delete(keyOf(call));
    this.#state.touch();
  }

  focus(call: Call, isIn: boolean): void {
    const key = keyOf(call);
    if (isIn) this.#focused = key;
    else if (this.#focused === key) this.#focused = null;
    this.#state.touch();
  }

  /** Whether the form must not go away now. */
  isInUse(call: Call): boolean {
    return this.#focused === keyOf(call) || this.isUnsaved(call);
  }

  isUnsaved(call: Call): boolean {
    return isUnsaved(this.of(call));
  }

  /** What was stored by somebody else while this was written. */
  conflictOf(call: Call): Call["wrap_up"] {
    return conflictOf(this.of(call), call.wrap_up);
  }

  #set(call: Call, draft: Draft): void {
    for (const [key, other] of this.#drafts) {
      if (!isUnsaved(other)) this.#drafts.delete(key);
    }
    this.#drafts.set(keyOf(call), draft);
    this.#state.touch();
  }
}
