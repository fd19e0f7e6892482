// The words of the link that opens a caller in the page's own system.

import type { Language } from "../language.ts";

export interface ScreenPopWords {
  readonly open: string;
  /** `{who}` */
  readonly openOf: string;
  /** The browser did not let us open it. */
  readonly blocked: string;
}

export const SCREEN_POP_WORDS: Readonly<Record<Language, ScreenPopWords>> = {
  en: {
    open: "Open contact",
    openOf: "Open contact: {who}",
    blocked: "The browser blocked the window. Open it here, or allow pop-ups for this page.",
  },
  nl: {
    open: "Contact openen",
    openOf: "Contact openen: {who}",
    blocked: "De browser blokkeerde het venster. Open het hier, of sta pop-ups op deze pagina toe.",
  },
  fr: {
    open: "Ouvrir le contact",
    openOf: "Ouvrir le contact : {who}",
    blocked:
      "Le navigateur a bloqué la fenêtre. Ouvrez-la ici, ou autorisez les pop-ups pour cette page.",
  },
};
