// Gets all that is loaded later while the gateway still has it: the next version's files have
// other names, and a page stays open for days.

/** The page has better things to do when it has just begun. */
const AFTER_MS = 5_000;

const PARTS: readonly (() => Promise<unknown>)[] = [
  async () => (await import("../alerts/alerts.tsx")).loadMore(),
  () => import("../recent/recent.ts"),
  () => import("../notices/notices.ts"),
  () => import("../wrap-up/wrap-up.ts"),
  () => import("../summary/summary.ts"),
  () => import("../screen-pop/screen-pop.ts"),
  () => import("../words/nl.ts"),
  () => import("../words/fr.ts"),
  () => import("../check/words-en.ts"),
  () => import("../check/words-nl.ts"),
  () => import("../check/words-fr.ts"),
  () => import("../../contacts.ts"),
  () => import("../../conversations.ts"),
];

let isBegun = false;

/** Loads every part once for the page, when it is idle; what fails is tried again by its user. */
export function loadEverything(): void {
  if (isBegun) return;
  isBegun = true;
  setTimeout(() => whenIdle(() => void loadAll()), AFTER_MS);
}

async function loadAll(): Promise<void> {
  for (const load of PARTS) await load().catch(() => undefined);
}

function whenIdle(then: () => void): void {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(then, { timeout: AFTER_MS });
  else then();
}
