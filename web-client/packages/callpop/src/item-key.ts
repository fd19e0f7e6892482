// What an item is known by: a call or a notice. The id of either is its source's own, and may stand on
// two extensions, or come from two sources: only all three together name one item.

interface Owner {
  readonly source?: string;
  readonly extension?: string;
}

/** Names a call, as every `Call` does; what is left out may be any of the user's. */
export interface CallName extends Owner {
  readonly leg_id: string;
}

/** Names a notice, as every `Notice` does. */
export interface NoticeName extends Owner {
  readonly notice_id: string;
}

/** One of both; a frame of the gateway that is about no item has neither id. */
export type ItemName = Owner & Partial<Pick<CallName & NoticeName, "leg_id" | "notice_id">>;

/** No id holds a control character. */
const BETWEEN = "\n";

/** The key by which an item is kept, here and in the page; that of a notice has an empty place more. */
export function keyOf({ source, extension, leg_id, notice_id }: ItemName): string {
  const id = notice_id === undefined ? leg_id : BETWEEN + notice_id;
  return [source, extension, id].join(BETWEEN);
}

/** The name alone, as a frame carries it: JSON leaves out what is not known. */
export function nameAlone({ source, extension, leg_id, notice_id }: ItemName): ItemName {
  return { leg_id, notice_id, source, extension } as ItemName;
}

/** Whether a name has an id that the gateway may know: 1 to 128 bytes without control characters. */
export function hasId({ leg_id, notice_id }: ItemName): boolean {
  const id = leg_id ?? notice_id ?? "";
  return /^\P{Cc}+$/u.test(id) && new Blob([id]).size <= 128;
}

/** Whether both names may be of one item. */
export function isMeant(a: ItemName, b: ItemName): boolean {
  return (
    a.leg_id === b.leg_id &&
    a.notice_id === b.notice_id &&
    (a.source ?? b.source) === (b.source ?? a.source) &&
    (a.extension ?? b.extension) === (b.extension ?? a.extension)
  );
}

/** Keeps the newest of what is kept by such keys. */
export function forgetOldest(kept: Set<string> | Map<string, unknown>, most: number): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= most) return;
    kept.delete(oldest);
  }
}
