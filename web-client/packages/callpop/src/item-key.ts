// What an item is known by. The id of a call is its source's own, and may stand on two extensions, or
// come from two sources: only all three together name one call.

/** Names a call, as every `Call` does; what is left out may be any of the user's. */
export interface CallName {
  readonly leg_id: string;
  readonly source?: string;
  readonly extension?: string;
}

/** No id holds a control character. */
const BETWEEN = "\n";

/** The key by which a call is kept, here and in the page. */
export function keyOf({ source, extension, leg_id: legId }: CallName): string {
  return [source, extension, legId].join(BETWEEN);
}

/** The name alone, as a frame carries it: JSON leaves out what is not known. */
export function nameAlone({ source, extension, leg_id }: CallName): CallName {
  return { leg_id, source, extension } as CallName;
}

/** Whether both names may be of one call. */
export function isMeant(a: CallName, b: CallName): boolean {
  return (
    a.leg_id === b.leg_id &&
    (a.source ?? b.source) === (b.source ?? a.source) &&
    (a.extension ?? b.extension) === (b.extension ?? a.extension)
  );
}
