import { describe, expect, test } from "vitest";
import { wordProblems } from "../../../tests/support/words.ts";
import { type Language, LOCALES, plural } from "../src/element/language.ts";
import { CONTROL_WORDS } from "../src/element/alerts/control-words.ts";
import { ALERT_WORDS } from "../src/element/alerts/words.ts";
import { en as checkEn } from "../src/element/check/words-en.ts";
import { fr as checkFr } from "../src/element/check/words-fr.ts";
import { nl as checkNl } from "../src/element/check/words-nl.ts";
import { RECENT_WORDS } from "../src/element/recent/words.ts";
import { SCREEN_POP_WORDS } from "../src/element/screen-pop/words.ts";
import { SUMMARY_WORDS } from "../src/element/summary/words.ts";
import { en } from "../src/element/words/en.ts";
import { fr } from "../src/element/words/fr.ts";
import { loadWords, wordsAtHand } from "../src/element/words/load.ts";
import { nl } from "../src/element/words/nl.ts";
import { WRAP_UP_WORDS } from "../src/element/wrap-up/words.ts";

const CHECK_WORDS = { en: checkEn, nl: checkNl, fr: checkFr };

test.each([
  ["popup", { en, nl, fr }],
  ["summary", SUMMARY_WORDS],
  ["recent", RECENT_WORDS],
  ["screen pop", SCREEN_POP_WORDS],
  ["wrap-up", WRAP_UP_WORDS],
  ["alerts", ALERT_WORDS],
  ["controls", CONTROL_WORDS],
  ["self-check", CHECK_WORDS],
] as const)("the words of the %s are whole in every language", (_, tables) => {
  expect(wordProblems(tables)).toEqual([]);
});

describe("the check of words", () => {
  const table = { a: "{x} a", b: { c: "c" }, n: { one: "{count} n", other: "{count} n" } };
  const french = { ...table, n: { ...table.n, many: "{count} n" } };

  test("takes what is whole", () => {
    expect(wordProblems({ en: table, nl: table, fr: french })).toEqual([]);
  });

  test.each([
    ["a key that is missing", { ...table, b: {} }, "nl b.c: is missing"],
    ["a key that nobody else has", { ...table, d: "d" }, "nl d: is not there in English"],
    ["an empty text", { ...table, b: { c: " " } }, "nl b.c: is empty"],
    ["another gap", { ...table, a: "{y} a" }, "nl a: has other gaps"],
    [
      "a plural that is none",
      { ...table, n: "{count} n" },
      "nl n: is a plural in one language only",
    ],
    ["a plural too few", { ...table, n: { other: "{count} n" } }, "nl n: has other plural forms"],
  ])("finds %s", (_, nlTable, problem) => {
    expect(wordProblems({ en: table, nl: nlTable, fr: french })).toEqual([problem]);
  });
});

test.each([
  ["en", 0, "0 other calls"],
  ["en", 1, "1 other call"],
  ["en", 2, "2 other calls"],
  ["nl", 0, "0 andere oproepen"],
  ["nl", 1, "1 andere oproep"],
  ["fr", 0, "0 autre appel"],
  ["fr", 1, "1 autre appel"],
  ["fr", 2, "2 autres appels"],
  ["fr", 1_000_000, "1\u202f000\u202f000 d’autres appels"],
] as const)("%s counts %d as %s", (language, count, text) => {
  expect(plural(language, { en, nl, fr }[language].otherCalls, count)).toBe(text);
});

test("the words of every language can be loaded, and are at hand then", async () => {
  expect(wordsAtHand("en")).toBe(en);
  for (const language of Object.keys(LOCALES) as Language[]) {
    expect((await loadWords(language)).language).toBe(language);
    expect(wordsAtHand(language)?.language).toBe(language);
  }
});
