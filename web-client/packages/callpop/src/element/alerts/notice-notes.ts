// Which notices have a desktop notification, and what it says. Where the user has looked at a page
// while a notice was there, it is no news any more.

import { keyOf } from "../../item-key.ts";
import type { Notice } from "../../wire.ts";
import { isNews } from "../arrangement.ts";
import { LOCALES } from "../language.ts";
import { displayText } from "../text.ts";
import type { Words } from "../words/words.ts";
import type { Note } from "./notifier.ts";

/** What may be a phone number, however it is written. */
const NUMBERS = /\+?\p{Nd}(?:[\s./()\p{Pd}\u2212]{0,3}\p{Nd}){5,}/gu;

interface Situation {
  readonly nowMs: number;
  /** This page is to notify, as no page of the user has the focus. */
  readonly notifies: boolean;
  /** The user wants that, and is not to be left alone. */
  readonly isWanted: boolean;
  readonly words: Words;
  readonly hidesNumbers: boolean;
  readonly click: () => void;
}

export class NoticeNotes {
  /** What was shown, and what was seen without it: by keys, with the time of their posting. */
  readonly #shown = new Set<string>();
  readonly #seen = new Set<string>();

  of(open: readonly Notice[], situation: Situation): readonly Note[] {
    const { nowMs, notifies, isWanted } = situation;
    const posted = new Map(open.map((notice) => [`${keyOf(notice)}\t${notice.at}`, notice]));
    for (const known of [this.#shown, this.#seen]) {
      for (const key of known) if (!posted.has(key)) known.delete(key);
    }
    if (!notifies || !isWanted) {
      for (const key of posted.keys()) this.#seen.add(key);
      this.#shown.clear();
      return [];
    }
    const news = [...posted].filter(
      ([key, notice]) => this.#shown.has(key) || (!this.#seen.has(key) && isNews(notice, nowMs)),
    );
    for (const [key] of news) this.#shown.add(key);
    return news.map(([key, notice]) => noteOf(key, notice, situation));
  }
}

function noteOf(key: string, notice: Notice, { words, hidesNumbers, click }: Situation): Note {
  const shown = (text: string | null, longest: number): string => {
    const fit = displayText(text, longest);
    return hidesNumbers ? fit.replace(NUMBERS, "…") : fit;
  };
  return {
    tag: `callpop-${key}`,
    title: shown(notice.title, 120),
    body: shown(notice.body, 240),
    lang: LOCALES[words.language],
    silent: true,
    isFleeting: true,
    click,
  };
}
