// The words of the form for what a user says of a call after it.

import type { Language, Plural } from "../language.ts";

export interface WrapUpWords {
  /** `{who}` */
  readonly formOf: string;
  readonly disposition: string;
  readonly none: string;
  readonly note: string;
  readonly placeholder: string;
  /** `{count}` */
  readonly left: Plural;
  readonly save: string;
  readonly tryAgain: string;
  readonly saving: string;
  readonly waiting: string;
  /** `{time}` */
  readonly saved: string;
  readonly notSaved: string;
  readonly refused: string;
  /** `{time}` */
  readonly changedElsewhere: string;
  readonly takeTheirs: string;
  readonly keepMine: string;
  readonly add: string;
  readonly edit: string;
  readonly draft: string;
  readonly close: string;
}

export const WRAP_UP_WORDS: Readonly<Record<Language, WrapUpWords>> = {
  en: {
    formOf: "Wrap-up of the call with {who}",
    disposition: "Outcome",
    none: "None",
    note: "Note",
    placeholder: "What was agreed, what is to be done?",
    left: { one: "{count} character left", other: "{count} characters left" },
    save: "Save",
    tryAgain: "Try again",
    saving: "Saving…",
    waiting: "Will be saved as soon as you are connected again.",
    saved: "Saved at {time}",
    notSaved: "Not saved yet",
    refused: "Not saved: the gateway did not take it.",
    changedElsewhere: "Changed on another page or device at {time}:",
    takeTheirs: "Take that one",
    keepMine: "Keep mine",
    add: "Wrap up",
    edit: "Edit",
    draft: "Unsaved",
    close: "Close",
  },
  nl: {
    formOf: "Afronding van de oproep met {who}",
    disposition: "Resultaat",
    none: "Geen",
    note: "Notitie",
    placeholder: "Wat is er afgesproken, wat moet er gebeuren?",
    left: { one: "Nog {count} teken", other: "Nog {count} tekens" },
    save: "Opslaan",
    tryAgain: "Opnieuw proberen",
    saving: "Wordt opgeslagen…",
    waiting: "Wordt opgeslagen zodra u weer verbonden bent.",
    saved: "Opgeslagen om {time}",
    notSaved: "Nog niet opgeslagen",
    refused: "Niet opgeslagen: de gateway heeft dit niet aanvaard.",
    changedElsewhere: "Gewijzigd op een andere pagina of een ander toestel om {time}:",
    takeTheirs: "Deze overnemen",
    keepMine: "De mijne behouden",
    add: "Afronden",
    edit: "Bewerken",
    draft: "Niet opgeslagen",
    close: "Sluiten",
  },
  fr: {
    formOf: "Post-appel de l’appel avec {who}",
    disposition: "Résultat",
    none: "Aucun",
    note: "Note",
    placeholder: "Qu’a-t-on convenu, que reste-t-il à faire ?",
    left: {
      one: "{count} caractère restant",
      many: "{count} de caractères restants",
      other: "{count} caractères restants",
    },
    save: "Enregistrer",
    tryAgain: "Réessayer",
    saving: "Enregistrement…",
    waiting: "Sera enregistré dès que vous serez reconnecté.",
    saved: "Enregistré à {time}",
    notSaved: "Pas encore enregistré",
    refused: "Non enregistré : la passerelle ne l’a pas accepté.",
    changedElsewhere: "Modifié sur une autre page ou un autre appareil à {time} :",
    takeTheirs: "Reprendre celui-ci",
    keepMine: "Garder le mien",
    add: "Post-appel",
    edit: "Modifier",
    draft: "Non enregistré",
    close: "Fermer",
  },
};
