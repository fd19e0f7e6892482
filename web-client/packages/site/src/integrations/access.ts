// How the page knows its user: a JWT in the fragment of its address, kept for this tab; or,
// in the demo, one that is asked for by extension.

import { type TokenProvider, TokenUnavailable } from "callpop";
import { fetchToken } from "../demo/api.ts";
import { Refusal } from "../http.ts";

const KEPT_AS = "callpop.token";

/** Whoever is signed in. */
export interface Access {
  readonly token: TokenProvider;
  readonly extensions: readonly string[];
}

/** What is used of the window. */
export interface PageAddress {
  readonly location: Pick<Location, "hash" | "pathname" | "search">;
  readonly history: Pick<History, "replaceState" | "state">;
  readonly sessionStorage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
}

/** Finds out who is signed in; null when nobody is. */
export async function openAccess(page: PageAddress): Promise<Access | null> {
  const given = takeFromAddress(page);
  if (given !== null) keep(page, given);
  const extension = new URLSearchParams(page.location.search).get("extension");
  if (given === null && extension !== null && (await isDemo(extension))) {
    return { token: () => fetchToken(extension), extensions: [extension] };
  }
  const token = kept(page);
  const extensions = token === null ? null : extensionsOf(token);
  if (extensions === null) {
    signOut(page);
    return null;
  }
  return { token: () => kept(page) ?? nobody(), extensions };
}

/** Forgets the token of this tab. */
export function signOut(page: PageAddress): void {
  try {
    page.sessionStorage.removeItem(KEPT_AS);
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
  inMemory = null;
}

/** The token of the fragment; address bar and history are rid of it at once. */
export function takeFromAddress({ location, history }: PageAddress): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return null;
  history.replaceState(history.state, "", `${location.pathname}${location.search}`);
  return token;
}

/** The extensions that a token says it is for, unverified: the gateway decides. */
export function extensionsOf(token: string): readonly string[] | null {
  try {
    const body = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
    const { extensions = [] } = JSON.parse(new TextDecoder().decode(bytes));
    return Array.isArray(extensions) ? extensions.map(String) : null;
  } catch {
    return null;
  }
}

/** Where the browser lets this page keep nothing, the token lasts until it is left. */
let inMemory: string | null = null;

function keep({ sessionStorage }: PageAddress, token: string): void {
  inMemory = token;
  try {
    sessionStorage.setItem(KEPT_AS, token);
  } catch {
    // Then it is in memory only.
  }
}

function kept({ sessionStorage }: PageAddress): string | null {
  try {
    return inMemory ?? sessionStorage.getItem(KEPT_AS);
  } catch {
    return inMemory;
  }
}

async function isDemo(extension: string): Promise<boolean> {
  try {
    await fetchToken(extension);
    return true;
  } catch (error) {
    // A gateway that is no demo has no such address; out of reach, it may be one.
    return error instanceof Refusal && error.status === 0;
  }
}

function nobody(): never {
  throw new TokenUnavailable("signed out");
}
