// The usual token provider: the page's own server gives its signed-in user a token.

import { tell } from "./tell.ts";
import { type TokenProvider, TokenUnavailable } from "./tokens.ts";

/**
 * A provider that asks `url`, which answers `{"token": "<jwt>"}`, with the cookies of the page's
 * own origin. 401 and 403 mean that nobody is signed in: there will be no token.
 */
export function tokenFromUrl(url: string): TokenProvider {
  return async () => {
    const response = await ask(url);
    if (response.status === 401 || response.status === 403) {
      throw new TokenUnavailable("not signed in");
    }
    const body: unknown = await response.json().catch(() => null);
    if (response.ok && typeof body === "object" && body !== null && "token" in body) {
      return String(body.token);
    }
    return fail(`${url} answered ${response.status} without a token: it has to answer
      {"token": "<jwt>"}, and 401 when nobody is signed in`);
  };
}

async function ask(url: string): Promise<Response> {
  try {
    return await fetch(url, { credentials: "same-origin", cache: "no-store" });
  } catch (error) {
    return fail(
      `${url} cannot be asked for a token (does the page's connect-src allow it?): ${error}`,
    );
  }
}

function fail(what: string): never {
  const words = what.replace(/\s+/g, " ");
  tell(words);
  throw new Error(words);
}
