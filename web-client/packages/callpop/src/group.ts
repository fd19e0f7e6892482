// Which pages may share a connection: those whose tokens say the same about their user. The gateway
// checks each token; here it is only read, so that two users never meet on one channel by mistake.

type Claims = Readonly<Record<string, unknown>>;

/** What a JWT says, unverified; null when it is none. */
export function claimsOf(token: string): Claims | null {
  try {
    const payload = token.split(".")[1] ?? "";
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return typeof claims === "object" ? (claims as Claims) : null;
  } catch {
    return null;
  }
}

/**
 * What pages that share a connection have in common, as JSON: all that decides what a session may
 * see; null when the token does not tell. Two users of one extension, or one user as an agent and as
 * a supervisor or kept to other groups, hear different calls, so they must not hear them through one socket.
 */
export function groupOf(token: string): string | null {
  const claims = claimsOf(token);
  if (claims === null) return null;
  const { tenant_id, sub, extensions, role, groups } = claims;
  return JSON.stringify([tenant_id, sub, inOrder(extensions), role, inOrder(groups)]);
}

/** In any order they are the same extensions, and the same groups. */
function inOrder(list: unknown): unknown {
  return Array.isArray(list) ? list.sort() : list;
}
