// The words of the list of ended calls.

import type { Language } from "../language.ts";

export interface RecentWords {
  readonly title: string;
  readonly markAllSeen: string;
  readonly markSeen: string;
  /** `{who}` */
  readonly markSeenOf: string;
  /** `{count}` */
  readonly showAll: string;
  readonly showFewer: string;
  readonly summary: string;
  /** `{who}` */
  readonly summaryOf: string;
}

export const RECENT_WORDS: Readonly<Record<Language, RecentWords>> = {
  en: {
    title: "Recent",
    markAllSeen: "Mark all as seen",
    markSeen: "Seen",
    markSeenOf: "Mark the missed call from {who} as seen",
    showAll: "Show all {count}",
    showFewer: "Show fewer",
    summary: "Summary",
    summaryOf: "Summary of the call with {who}",
  },
  nl: {
    title: "Recent",
    markAllSeen: "Alles als gezien markeren",
    markSeen: "Gezien",
    markSeenOf: "Gemiste oproep van {who} als gezien markeren",
    showAll: "Alle {count} tonen",
    showFewer: "Minder tonen",
    summary: "Samenvatting",
    summaryOf: "Samenvatting van de oproep met {who}",
  },
  fr: {
    title: "Récents",
    markAllSeen: "Tout marquer comme vu",
    markSeen: "Vu",
    markSeenOf: "Marquer l’appel manqué de {who} comme vu",
    showAll: "Tout afficher ({count})",
    showFewer: "Afficher moins",
    summary: "Résumé",
    summaryOf: "Résumé de l’appel avec {who}",
  },
};
