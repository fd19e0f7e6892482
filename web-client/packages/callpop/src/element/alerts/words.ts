// The words of the alerts that are always loaded.

import type { Language } from "../language.ts";

export interface AlertWords {
  readonly alerts: string;
  /** `{what}`: why the button of the alerts asks for a look. */
  readonly alertsBut: string;
  readonly locked: string;
  readonly enable: string;
  readonly quiet: string;
  /** `{time}` */
  readonly quietUntil: string;
  readonly turnOff: string;
}

export const ALERT_WORDS: Readonly<Record<Language, AlertWords>> = {
  en: {
    alerts: "Alerts",
    alertsBut: "Alerts: {what}",
    locked: "Calls do not ring yet: the browser waits for a click.",
    enable: "Enable sound",
    quiet: "Do not disturb",
    quietUntil: "Do not disturb until {time}",
    turnOff: "Turn off",
  },
  nl: {
    alerts: "Meldingen",
    alertsBut: "Meldingen: {what}",
    locked: "Oproepen gaan nog niet over: de browser wacht op een klik.",
    enable: "Geluid inschakelen",
    quiet: "Niet storen",
    quietUntil: "Niet storen tot {time}",
    turnOff: "Uitschakelen",
  },
  fr: {
    alerts: "Alertes",
    alertsBut: "Alertes : {what}",
    locked: "Les appels ne sonnent pas encore : le navigateur attend un clic.",
    enable: "Activer le son",
    quiet: "Ne pas déranger",
    quietUntil: "Ne pas déranger jusqu’à {time}",
    turnOff: "Désactiver",
  },
};
