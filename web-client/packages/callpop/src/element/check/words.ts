// The words of the self-check: every finding says what is, and what to do about it.

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
