// Moments for people, in the time zone of the computer.

import { type Language, LOCALES } from "../language.ts";

/** "14:32", or "8 Dec, 14:32" when it was on another day than `nowMs`. */
export function timeOfDay(us: number, language: Language, nowMs: number): string {
  const [then, now] = [new Date(us / 1000), new Date(nowMs)];
  if (Number.isNaN(then.getTime())) return "";
  const sameDay = then.toDateString() === now.toDateString();
  return new Intl.DateTimeFormat(LOCALES[language], {
    hour: "2-digit",
    minute: "2-digit",
    ...(sameDay ? {} : { day: "numeric", month: "short" }),
  }).format(then);
}
