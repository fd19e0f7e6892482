// The words of the self-check: every finding says what is, and what to do about it.

import type { Language } from "../language.ts";
import type { Code, Health, Subject } from "./findings.ts";

export interface CheckWords {
  readonly title: string;
  readonly again: string;
  readonly copy: string;
  readonly copied: string;
  readonly back: string;
  readonly health: Readonly<Record<Health, string>>;
  readonly subjects: Readonly<Record<Subject, string>>;
  /** Gaps: `{time}`, `{host}`, `{directive}`. */
  readonly texts: Readonly<Record<Code, string>>;
}

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
