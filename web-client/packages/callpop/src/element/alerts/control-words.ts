// The words of the controls of the alerts.

import type { Language } from "../language.ts";

export interface ControlWords {
  readonly ringtone: string;
  readonly noSound: string;
  readonly test: string;
  readonly playing: string;
  readonly heard: string;
  readonly yes: string;
  readonly no: string;
  readonly notHeard: string;
  readonly silent: string;
  readonly notifications: string;
  /** A choice: not of calls only. */
  readonly notices: string;
  readonly allowed: string;
  readonly allow: string;
  readonly denied: string;
  readonly unsupported: string;
  readonly quiet: string;
  readonly halfHour: string;
  readonly hour: string;
  readonly untilOff: string;
  readonly openWindow: string;
  readonly windowRefused: string;
  readonly away: string;
  readonly back: string;
  readonly check: string;
  readonly close: string;
}

export const CONTROL_WORDS: Readonly<Record<Language, ControlWords>> = {
  en: {
    ringtone: "Ringtone",
    noSound: "This browser plays no sound",
    test: "Test",
    playing: "Playing…",
    heard: "Did you hear it?",
    yes: "Yes",
    no: "No",
    notHeard: "Check the volume, the headset, and whether this tab is muted.",
    silent: "The browser let no sound out. Check whether sound is allowed for this site.",
    notifications: "Notifications",
    notices: "Of tickets, messages and the like, too",
    allowed: "On",
    allow: "Allow",
    denied: "Blocked for this site in the browser",
    unsupported: "Not available in this page",
    quiet: "Do not disturb",
    halfHour: "30 min",
    hour: "1 hour",
    untilOff: "Until I turn it off",
    openWindow: "Open in its own window",
    windowRefused: "The browser opened no window. Allow pop-up windows for this site.",
    away: "Calls are shown in their own window.",
    back: "Bring back",
    check: "Self-check",
    close: "Close",
  },
  nl: {
    ringtone: "Beltoon",
    noSound: "Deze browser speelt geen geluid af",
    test: "Testen",
    playing: "Speelt af…",
    heard: "Hebt u het gehoord?",
    yes: "Ja",
    no: "Nee",
    notHeard: "Controleer het volume, de headset en of dit tabblad gedempt is.",
    silent: "De browser liet geen geluid door. Controleer of geluid voor deze site toegestaan is.",
    notifications: "Bureaubladmeldingen",
    notices: "Ook van tickets, berichten en dergelijke",
    allowed: "Aan",
    allow: "Toestaan",
    denied: "In de browser geblokkeerd voor deze site",
    unsupported: "Niet beschikbaar op deze pagina",
    quiet: "Niet storen",
    halfHour: "30 min",
    hour: "1 uur",
    untilOff: "Tot ik het uitschakel",
    openWindow: "In een eigen venster openen",
    windowRefused: "De browser opende geen venster. Sta pop-upvensters voor deze site toe.",
    away: "De oproepen staan in een eigen venster.",
    back: "Terughalen",
    check: "Zelftest",
    close: "Sluiten",
  },
  fr: {
    ringtone: "Sonnerie",
    noSound: "Ce navigateur ne joue aucun son",
    test: "Tester",
    playing: "Lecture…",
    heard: "L’avez-vous entendue ?",
    yes: "Oui",
    no: "Non",
    notHeard: "Vérifiez le volume, le casque et si cet onglet est muet.",
    silent:
      "Le navigateur n’a laissé passer aucun son. Vérifiez si le son est autorisé pour ce site.",
    notifications: "Notifications",
    notices: "Aussi pour les tickets, messages, etc.",
    allowed: "Activées",
    allow: "Autoriser",
    denied: "Bloquées pour ce site dans le navigateur",
    unsupported: "Indisponibles dans cette page",
    quiet: "Ne pas déranger",
    halfHour: "30 min",
    hour: "1 heure",
    untilOff: "Jusqu’à désactivation",
    openWindow: "Ouvrir dans sa propre fenêtre",
    windowRefused:
      "Le navigateur n’a ouvert aucune fenêtre. Autorisez les fenêtres pop-up pour ce site.",
    away: "Les appels sont affichés dans leur propre fenêtre.",
    back: "Ramener ici",
    check: "Autodiagnostic",
    close: "Fermer",
  },
};
