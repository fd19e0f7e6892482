// The words of notices.

import type { Notice } from "../../wire.ts";
import type { Language, Plural } from "../language.ts";

export interface NoticeWords {
  readonly title: string;
  /** `{count}` */
  readonly count: Plural;
  readonly kinds: Readonly<Record<Notice["kind"], string>>;
  /** `{kind}`, `{title}` */
  readonly announce: string;
  readonly done: string;
  /** `{title}` */
  readonly doneOf: string;
  /** `{title}` */
  readonly dismissOf: string;
  readonly open: string;
  /** `{title}` */
  readonly openOf: string;
  readonly more: string;
  readonly less: string;
  /** `{time}` */
  readonly until: string;
  readonly wasDone: string;
  readonly wasDismissed: string;
  readonly isOver: string;
}

export const NOTICE_WORDS: Readonly<Record<Language, NoticeWords>> = {
  en: {
    title: "Notices",
    count: { one: "{count} notice", other: "{count} notices" },
    kinds: {
      message: "Message",
      ticket: "Ticket",
      appointment: "Appointment",
      chat: "Chat",
      voicemail: "Voicemail",
      automation: "Automation",
      other: "Notice",
    },
    announce: "{kind}: {title}",
    done: "Done",
    doneOf: "Done: {title}",
    dismissOf: "Dismiss: {title}",
    open: "Open",
    openOf: "Open in a new tab: {title}",
    more: "Show all",
    less: "Show less",
    until: "until {time}",
    wasDone: "Done",
    wasDismissed: "Dismissed",
    isOver: "Expired",
  },
  nl: {
    title: "Berichten",
    count: { one: "{count} bericht", other: "{count} berichten" },
    kinds: {
      message: "Tekstbericht",
      ticket: "Ticket",
      appointment: "Afspraak",
      chat: "Chat",
      voicemail: "Voicemail",
      automation: "Automatisering",
      other: "Melding",
    },
    announce: "{kind}: {title}",
    done: "Afgehandeld",
    doneOf: "Afgehandeld: {title}",
    dismissOf: "Sluiten: {title}",
    open: "Openen",
    openOf: "Openen in een nieuw tabblad: {title}",
    more: "Alles tonen",
    less: "Minder tonen",
    until: "tot {time}",
    wasDone: "Afgehandeld",
    wasDismissed: "Gesloten",
    isOver: "Verlopen",
  },
  fr: {
    title: "Avis",
    count: { one: "{count} avis", many: "{count} d’avis", other: "{count} avis" },
    kinds: {
      message: "Message",
      ticket: "Ticket",
      appointment: "Rendez-vous",
      chat: "Discussion",
      voicemail: "Message vocal",
      automation: "Automatisation",
      other: "Avis",
    },
    announce: "{kind} : {title}",
    done: "Traité",
    doneOf: "Traité : {title}",
    dismissOf: "Fermer : {title}",
    open: "Ouvrir",
    openOf: "Ouvrir dans un nouvel onglet : {title}",
    more: "Tout afficher",
    less: "Afficher moins",
    until: "jusqu’à {time}",
    wasDone: "Traité",
    wasDismissed: "Fermé",
    isOver: "Expiré",
  },
};
