// The usual token provider: the page's own server gives its signed-in user a token.

import { type TokenProvider, TokenUnavailable } from "./tokens.ts";

/**
 * A provider that asks `url`, which answers `{"token": "<jwt>"}`, with the cookies of the page's
 * own origin. 401 and 403 mean that nobody is signed in: there will be no token.
 */
export function tokenFromUrl(url: string): TokenProvider {
  return async () => {
    // fetch sends cookies to its own origin, and to no other, unless it is told otherwise.
    const response = await fetch(url, { cache: "no-store" }).catch((error: Error) => error);
    if ("status" in response) {
      const { status, ok } = response;
      if (status === 401 || status === 403) throw new TokenUnavailable("not signed in");
      const body = await response.json().catch(() => null);
      const token: unknown = body?.token;
      if (ok && token && typeof token === "string") return token;
    }
    const { explain } = await import("./token-trouble.ts");
    return explain(url, response);
  };
}
