// What a notification and the title say of a call, as text that is safe to show anywhere.

import { keyOf } from "../../item-key.ts";
import type { Call } from "../../wire.ts";
import { fill, LOCALES } from "../language.ts";
import { digitGroups } from "../phone-number.ts";
import { displayText } from "../text.ts";
import type { Words } from "../words/words.ts";
import type { Note } from "./notifier.ts";

export interface NoteOptions {
  readonly words: Words;
  /** No phone number appears outside of the popup. */
  readonly hidesNumbers: boolean;
  readonly silent: boolean;
  readonly click: () => void;
}

export function tagOf(call: Call): string {
  return `callpop-${keyOf(call)}`;
}

/** "Incoming call from Marie Peeters", or without a name where nothing else may be shown. */
export function headlineOf(call: Call, words: Words, hidesNumbers: boolean): string {
  const who = displayText(call.remote.name, 80) || numberOf(call.remote.number, hidesNumbers);
  return who === "" ? words.state.incoming : fill(words.announce, { who });
}

/** The number of a named caller, and the line that rings. */
export function noteOf(call: Call, { words, hidesNumbers, silent, click }: NoteOptions): Note {
  const number = call.remote.name === null ? "" : numberOf(call.remote.number, hidesNumbers);
  const line = displayText(call.local.name, 80) || numberOf(call.local.number, hidesNumbers);
  const to = line === "" ? "" : fill(words.toLine, { line });
  return {
    tag: tagOf(call),
    title: headlineOf(call, words, hidesNumbers),
    body: [number, to].filter((part) => part !== "").join(" · "),
    lang: LOCALES[words.language],
    silent,
    click,
  };
}

function numberOf(number: string | null, isHidden: boolean): string {
  return isHidden ? "" : digitGroups(displayText(number, 40)).join(" ");
}
