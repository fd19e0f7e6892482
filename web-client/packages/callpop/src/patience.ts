// Loads a part of the code that may be out of reach for a while: a gateway that restarts, a
// network that is down. The address stays the same, so that a module is never there twice.

import { tell } from "./tell.ts";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/** Thrown when the page's policy forbids the address: to try again would be in vain. */
export class ForbiddenByPolicy extends Error {
  override name = "ForbiddenByPolicy";
}

/**
 * What `load` gives, tried again until it gives it; `from` is where it comes from, for the console.
 * Rejects only when the page's policy forbids it.
 */
export async function untilLoaded<T>(load: () => Promise<T>, from: string): Promise<T> {
  const policy = watchPolicy(from);
  try {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2)) {
      try {
        return await load();
      } catch (error) {
        tell(`${from} could not be loaded and is tried again: ${String(error)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
      if (policy.forbids) {
        const remedy = `the page's policy forbids ${from}: add ${new URL(from).origin} to script-src`;
        tell(remedy);
        throw new ForbiddenByPolicy(remedy);
      }
    }
  } finally {
    policy.stop();
  }
}

/** Whether the browser has blocked a script of the same origin for the page's policy. */
function watchPolicy(from: string): { readonly forbids: boolean; stop(): void } {
  const name = "securitypolicyviolation";
  let forbids = false;
  const listen = (event: SecurityPolicyViolationEvent): void => {
    const isOurs = event.blockedURI.startsWith(new URL(from).origin);
    const isScript = event.effectiveDirective.startsWith("script-src");
    if (isOurs && isScript && event.disposition === "enforce") forbids = true;
  };
  document.addEventListener(name, listen);
  return {
    get forbids() {
      return forbids;
    },
    stop: () => document.removeEventListener(name, listen),
  };
}
