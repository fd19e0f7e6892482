// Gets the words of a language: English is always there, the others are chunks of their own.

import type { Language } from "../language.ts";
import { en } from "./en.ts";
import type { Words } from "./words.ts";

/** After this, what there is to see is drawn in English rather than not at all. */
export const PATIENCE_MS = 300;
const known = new Map<Language, Words>([["en", en]]);

/** The words, when they are here already. */
export function wordsAtHand(language: Language): Words | undefined {
  return known.get(language);
}

/** Rejects when they cannot be loaded; asking again tries again. */
export async function loadWords(language: Language): Promise<Words> {
  const words = known.get(language) ?? (await fetchWords(language));
  known.set(language, words);
  return words;
}

async function fetchWords(language: Language): Promise<Words> {
  switch (language) {
    case "nl":
      return (await import("./nl.ts")).nl;
    case "fr":
      return (await import("./fr.ts")).fr;
    case "en":
      return en;
  }
}
