import { expect, test, vi } from "vitest";
import { HOSTILE_NAME } from "../../../tests/support/hostile.ts";
import { call, CUSTOMER } from "../../../tests/support/calls.ts";
import { headlineOf, noteOf, tagOf } from "../src/element/alerts/note.ts";
import { en } from "../src/element/words/en.ts";
import { fr } from "../src/element/words/fr.ts";
import { nl } from "../src/element/words/nl.ts";

const marie = { number: "+32470123456", name: "Marie Peeters" };
const options = { words: en, hidesNumbers: false, silent: true, click: vi.fn() };

test("a notification says who calls, from where and on which line", () => {
  expect(noteOf(call({ remote: marie }), options)).toMatchObject({
    title: "Incoming call from Marie Peeters",
    body: "+32 470 12 34 56 · to John Doe",
    lang: "en-GB",
    silent: true,
  });
});

test("a number stands for a caller without a name, once", () => {
  expect(noteOf(call(), options)).toMatchObject({
    title: "Incoming call from +32 2 899 26 75",
    body: "to John Doe",
  });
});

test.each([
  [en, "Incoming call"],
  [nl, "Inkomende oproep"],
  [fr, "Appel entrant"],
])("hidden numbers appear nowhere, in no language", (words, title) => {
  const local = { number: "200", name: null };
  const note = noteOf(call({ local }), { ...options, words, hidesNumbers: true });
  expect([note.title, note.body]).toEqual([title, ""]);
  const named = noteOf(call({ remote: marie, local }), { ...options, words, hidesNumbers: true });
  expect(`${named.title}${named.body}`).toContain("Marie Peeters");
  expect(`${named.title}${named.body}`).not.toMatch(/\d/);
});

test("a caller of whom nothing is known is an incoming call", () => {
  expect(headlineOf(call({ remote: { number: null, name: null } }), en, false)).toBe(
    "Incoming call",
  );
});

test("what a caller puts into a name is one line of text", () => {
  const headline = headlineOf(call({ remote: { ...CUSTOMER, name: HOSTILE_NAME } }), en, false);
  expect(headline).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069\u200e\u200f]/u);
});

test("one id on two extensions, or of two sources, is as many notifications", () => {
  const calls = [call(), call({ extension: "210" }), call({ source: "clinic" })];
  expect(new Set(calls.map(tagOf)).size).toBe(3);
});
