// The words of the self-check in the reader's language.

import type { Language } from "../language.ts";
import type { CheckWords } from "./words.ts";

/** Only those of the language that is asked for are loaded. */
export async function loadCheckWords(language: Language): Promise<CheckWords> {
  switch (language) {
    case "en":
      return (await import("./words-en.ts")).en;
    case "nl":
      return (await import("./words-nl.ts")).nl;
    case "fr":
      return (await import("./words-fr.ts")).fr;
  }
}
