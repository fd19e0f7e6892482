// The language of a popup: which one its reader wants, and how it counts, dates and fills texts.

/** What the popup speaks. */
export type Language = "en" | "nl" | "fr";

/** For dates, numbers, plurals and the `lang` attribute within the popup. */
export const LOCALES: Readonly<Record<Language, string>> = {
  en: "en-GB",
  nl: "nl-BE",
  fr: "fr-FR",
};

/** A text by the plural category of its `{count}`; every category of the language is there. */
export type Plural = Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>;

/**
 * The first of these that the popup speaks: the element's `lang`, that of the closest element
 * around it, the languages of the browser; else English.
 */
export function languageOf(element: Element): Language {
  const wanted = [langAround(element), ...(globalThis.navigator?.languages ?? [])];
  return wanted.map(spoken).find((language) => language !== null) ?? "en";
}

/** A text with its `{…}` filled in. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (_, key: string) => values[key] ?? "");
}

/** The text for that many, with `{count}` written as the language writes numbers. */
export function plural(language: Language, forms: Plural, count: number): string {
  const locale = LOCALES[language];
  const form = forms[new Intl.PluralRules(locale).select(count)] ?? forms.other;
  return fill(form, { count: count.toLocaleString(locale) });
}

/** The closest `lang` that is spoken here, also outside of the shadow trees around. */
function langAround(element: Element): string {
  let at: Element | null = element;
  while (at !== null) {
    const lang = at.getAttribute("lang") ?? "";
    if (spoken(lang) !== null) return lang;
    const root: Node = at.getRootNode();
    at = at.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
  }
  return "";
}

function spoken(lang: string): Language | null {
  const language = lang.slice(0, 2).toLowerCase();
  return /^..(-|$)/.test(lang) && language in LOCALES ? (language as Language) : null;
}
