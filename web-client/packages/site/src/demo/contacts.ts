// People to call and to be called by.

export interface Contact {
  readonly number: string;
  readonly name: string;
}

export const CONTACTS: readonly Contact[] = [
  { number: "+32470123456", name: "Marie Peeters" },
  { number: "+3228992675", name: "" },
  { number: "+33612345678", name: "Boulangerie Saint-Honoré" },
];

/** The name that goes with a number, when it is one of ours. */
export function nameOf(number: string): string {
  return CONTACTS.find((contact) => contact.number === number)?.name ?? "";
}
