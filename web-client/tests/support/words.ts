// What is wrong with tables of words: every language must say everything, in the same gaps.

import { type Language, LOCALES } from "../../packages/callpop/src/element/language.ts";

/** One line for every key that is missing, empty, differs in its `{…}` or lacks a plural. */
export function wordProblems(tables: Readonly<Record<Language, object>>): string[] {
  const model = texts("en", tables.en);
  return (Object.keys(LOCALES) as Language[]).flatMap((language) => {
    const own = texts(language, tables[language]);
    const keys = new Set([...model.keys(), ...own.keys()]);
    return [...keys].flatMap((key) => {
      const [wanted, given] = [model.get(key), own.get(key)];
      const problem = problemOf(wanted, given, language);
      return problem === null ? [] : [`${language} ${key}: ${problem}`];
    });
  });
}

type Text = string | Readonly<Record<string, string>>;

function problemOf(
  wanted: Text | undefined,
  given: Text | undefined,
  language: Language,
): string | null {
  if (wanted === undefined) return "is not there in English";
  if (given === undefined) return "is missing";
  if (typeof wanted !== typeof given) return "is a plural in one language only";
  const forms = formsOf(given);
  if (forms.some((form) => form.trim() === "")) return "is empty";
  if (typeof given !== "string" && !samePlurals(given, language)) return "has other plural forms";
  const gaps = gapsOf(formsOf(wanted)[0] ?? "");
  return forms.every((form) => gapsOf(form) === gaps) ? null : "has other gaps";
}

const formsOf = (text: Text): string[] => (typeof text === "string" ? [text] : Object.values(text));
const gapsOf = (text: string): string => (text.match(/\{\w*\}/g) ?? []).sort().join();

function samePlurals(forms: object, language: Language): boolean {
  const { pluralCategories } = new Intl.PluralRules(LOCALES[language]).resolvedOptions();
  return Object.keys(forms).sort().join() === [...pluralCategories].sort().join();
}

/** All texts by their path; an object with `other` is the plurals of one text. */
function texts(path: string, table: object): Map<string, Text> {
  const found = new Map<string, Text>();
  for (const [key, value] of Object.entries(table) as [string, unknown][]) {
    const at = path.length === 2 ? key : `${path}.${key}`;
    if (at === "language") continue;
    if (typeof value === "string") found.set(at, value);
    else if (typeof value !== "object" || value === null) throw new Error(`${at} is no text`);
    else if ("other" in value) found.set(at, value as Record<string, string>);
    else for (const [inner, text] of texts(at, value)) found.set(inner, text);
  }
  return found;
}
