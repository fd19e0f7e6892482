// The code for sharing a connection with other tabs, where there is something to share with.

import type { ClientOptions } from "./client.ts";
import type { Connection } from "./connection.ts";
import type { Sharing } from "./sharing.ts";
import { withDeadline } from "./timing.ts";
import { streamUrl } from "./url.ts";

/** A page whose code for sharing does not come connects alone. */
const DEADLINE_MS = 5_000;

/** Null where nothing is to be shared, or the code does not come. */
export async function loadSharing(
  connection: Connection,
  { tabs = true, url, scope }: ClientOptions,
): Promise<Sharing | null> {
  if (!tabs || !globalThis.navigator?.locks) return null;
  const loading = import("./sharing.ts").then(
    ({ Sharing }) => new Sharing(connection, streamUrl(url, scope)),
  );
  return withDeadline(loading, DEADLINE_MS).catch(() => null);
}
