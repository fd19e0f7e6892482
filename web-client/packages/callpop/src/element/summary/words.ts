// The words around a summary; the summary itself speaks the language of its call.

import type { Language } from "../language.ts";

export interface SummaryWords {
  readonly language: Language;
  /** Unfolds it. */
  readonly read: string;
  readonly close: string;
  readonly nothing: string;
  /** A long one is on its way. */
  readonly loading: string;
  /** It did not come. */
  readonly failed: string;
  readonly quick: string;
  readonly actions: string;
  readonly focus: string;
  readonly notes: string;
  readonly recommendations: string;
  readonly missed: string;
  readonly suggestions: string;
  readonly attendees: string;
  readonly copyAll: string;
  readonly copyActions: string;
  /** `{text}` */
  readonly copyAction: string;
  readonly copied: string;
  /** The browser refused, and the text is selected. */
  readonly selected: string;
}

export const SUMMARY_WORDS: Readonly<Record<Language, SummaryWords>> = {
  en: {
    language: "en",
    read: "Read",
    close: "Close summary",
    nothing: "This summary has no text.",
    loading: "The summary is being fetched…",
    failed: "The summary could not be fetched.",
    quick: "In short",
    actions: "Action items",
    focus: "Focus topics",
    notes: "Notes",
    recommendations: "Recommendations",
    missed: "Missed",
    suggestions: "Suggestions",
    attendees: "With",
    copyAll: "Copy summary",
    copyActions: "Copy all",
    copyAction: "Copy: {text}",
    copied: "Copied",
    selected: "Copying was refused. The text is selected: press Ctrl+C or ⌘C.",
  },
  nl: {
    language: "nl",
    read: "Lezen",
    close: "Samenvatting sluiten",
    nothing: "Deze samenvatting bevat geen tekst.",
    loading: "De samenvatting wordt opgehaald…",
    failed: "De samenvatting kon niet worden opgehaald.",
    quick: "In het kort",
    actions: "Actiepunten",
    focus: "Hoofdonderwerpen",
    notes: "Notities",
    recommendations: "Aanbevelingen",
    missed: "Gemist",
    suggestions: "Suggesties",
    attendees: "Met",
    copyAll: "Samenvatting kopiëren",
    copyActions: "Alles kopiëren",
    copyAction: "Kopiëren: {text}",
    copied: "Gekopieerd",
    selected: "Kopiëren werd geweigerd. De tekst is geselecteerd: druk op Ctrl+C of ⌘C.",
  },
  fr: {
    language: "fr",
    read: "Lire",
    close: "Fermer le résumé",
    nothing: "Ce résumé ne contient pas de texte.",
    loading: "Chargement du résumé…",
    failed: "Le résumé n’a pas pu être chargé.",
    quick: "En bref",
    actions: "Actions à mener",
    focus: "Sujets principaux",
    notes: "Notes",
    recommendations: "Recommandations",
    missed: "Points manqués",
    suggestions: "Suggestions",
    attendees: "Avec",
    copyAll: "Copier le résumé",
    copyActions: "Tout copier",
    copyAction: "Copier : {text}",
    copied: "Copié",
    selected: "La copie a été refusée. Le texte est sélectionné : appuyez sur Ctrl+C ou ⌘C.",
  },
};
