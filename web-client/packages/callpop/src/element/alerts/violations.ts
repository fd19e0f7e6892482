// What the page's policy blocked since the alerts were loaded, for the self-check.

export interface Violation {
  readonly directive: string;
  /** An address without its path, or a word of the browser's. */
  readonly blocked: string;
  /** The origin of the script that wanted it, or "". */
  readonly source: string;
}

const KEPT = 20;
const seen: Violation[] = [];
const listeners = new Set<() => void>();

/** Calls `changed` for every violation; all of them are kept for `violations`. */
export function watchViolations(changed: () => void): () => void {
  if (listeners.size === 0) document.addEventListener("securitypolicyviolation", onViolation);
  listeners.add(changed);
  return () => listeners.delete(changed);
}

export function violations(): readonly Violation[] {
  return seen;
}

function onViolation(event: SecurityPolicyViolationEvent): void {
  const blocked = originOf(event.blockedURI) || event.blockedURI;
  const source = originOf(event.sourceFile);
  seen.push({ directive: event.effectiveDirective, blocked, source });
  if (seen.length > KEPT) seen.shift();
  for (const listener of listeners) listener();
}

/** The origin of an address, "" of what is none. */
function originOf(address: string): string {
  return URL.canParse(address) ? new URL(address).origin : "";
}
