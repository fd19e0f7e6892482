// The code for sharing a connection with other tabs, where there is something to share with.

import { withDeadline } from "./timing.ts";

/** The rules, and what does as they say. */
export type Sharing = typeof import("./sharing.ts");

/** A page whose code for sharing does not come connects alone. */
const DEADLINE_MS = 5_000;

/** Null where nothing is to be shared, or the code does not come. */
export function loadSharing(isWanted: boolean = true): Promise<Sharing | null> | null {
  if (!isWanted || !globalThis.navigator?.locks) return null;
  return withDeadline(import("./sharing.ts"), DEADLINE_MS).catch(() => null);
}
