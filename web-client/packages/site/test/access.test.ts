import { TokenUnavailable } from "callpop";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  extensionsOf,
  openAccess,
  type PageAddress,
  signOut,
  takeFromAddress,
} from "../src/integrations/access.ts";

const fetches = vi.fn<typeof fetch>();

beforeEach(() => {
  fetches.mockReset();
  fetches.mockImplementation(async () => new Response("{}", { status: 404 }));
  vi.stubGlobal("fetch", fetches);
});
afterEach(() => {
  signOut(page());
  vi.unstubAllGlobals();
});

/** A token as it looks; nobody here verifies it. */
function jwt(claims: object): string {
  const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString("base64url");
  return `${part({ alg: "none" })}.${part(claims)}.c2ln`;
}

interface FakePage extends PageAddress {
  readonly kept: Map<string, string>;
  readonly shown: string[];
}

/** A page at that address, in a tab that keeps what `kept` holds. */
function page(hash = "", search = "", kept: Map<string, string> = new Map()): FakePage {
  const location = { hash, search, pathname: "/integrations" };
  const shown: string[] = [];
  return {
    location,
    kept,
    shown,
    history: {
      state: null,
      replaceState: (_state, _title, url) => {
        location.hash = "";
        shown.push(String(url));
      },
    },
    sessionStorage: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
    },
  };
}

test("a token of the address is taken, and the address is rid of it at once", async () => {
  const token = jwt({ sub: "john", extensions: ["200", "201"] });
  const tab = page(`#token=${token}`, "?from=crm");
  const opening = openAccess(tab);
  expect(tab.shown).toEqual(["/integrations?from=crm"]);
  const access = await opening;
  expect(access?.extensions).toEqual(["200", "201"]);
  expect(await access?.token()).toBe(token);
  expect(fetches).not.toHaveBeenCalled();
});

test("it outlives the way to the provider and back, in this tab", async () => {
  const token = jwt({ extensions: ["200"] });
  const { kept } = page();
  await openAccess(page(`#token=${token}`, "", kept));
  vi.resetModules();
  const afresh = await import("../src/integrations/access.ts");
  const access = await afresh.openAccess(page("", "", kept));
  expect(await access?.token()).toBe(token);
});

test("a newer token of the address replaces the one that is kept", async () => {
  const kept = new Map<string, string>();
  await openAccess(page(`#token=${jwt({ extensions: ["200"] })}`, "", kept));
  const access = await openAccess(page(`#token=${jwt({ extensions: ["210"] })}`, "", kept));
  expect(access?.extensions).toEqual(["210"]);
});

test("signing out forgets it everywhere", async () => {
  const tab = page(`#token=${jwt({ extensions: ["200"] })}`);
  const access = await openAccess(tab);
  signOut(tab);
  expect(tab.kept.size).toBe(0);
  expect(() => access?.token()).toThrow(TokenUnavailable);
  expect(await openAccess(page("", "", tab.kept))).toBeNull();
});

test("nobody is signed in without a token, and nothing is asked", async () => {
  expect(await openAccess(page())).toBeNull();
  expect(fetches).not.toHaveBeenCalled();
});

test.each(["nonsense", "a.b.c", jwt({ extensions: "200" }), "", `x.${btoa("null")}.y`])(
  "what is no token (%s) is not kept",
  async (token) => {
    const tab = page(`#token=${token}`);
    expect(await openAccess(tab)).toBeNull();
    expect(tab.kept.size).toBe(0);
    expect(tab.shown).toHaveLength(1);
  },
);

test("other fragments stay where they are", () => {
  const tab = page("#help");
  expect(takeFromAddress(tab)).toBeNull();
  expect(tab.shown).toEqual([]);
});

test("a browser that lets the page keep nothing signs in for as long as the page is open", async () => {
  const token = jwt({ extensions: ["200"] });
  const refuse = (): never => {
    throw new DOMException("denied", "SecurityError");
  };
  const storage = { getItem: refuse, setItem: refuse, removeItem: refuse };
  const access = await openAccess({ ...page(`#token=${token}`), sessionStorage: storage });
  expect(await access?.token()).toBe(token);
});

test("in the demo, a fresh token is asked for by extension each time", async () => {
  let count = 0;
  fetches.mockImplementation(async () => Response.json({ token: `t${++count}` }));
  const access = await openAccess(page("", "?extension=200"));
  expect(access?.extensions).toEqual(["200"]);
  expect([await access?.token(), await access?.token()]).toEqual(["t2", "t3"]);
  expect(fetches.mock.calls[0]?.[0]).toBe("/demo/token?extension=200");
});

test("a gateway that is no demo gives none, and the kept one counts", async () => {
  const kept = new Map<string, string>();
  expect(await openAccess(page("", "?extension=200", kept))).toBeNull();
  const token = jwt({ extensions: ["210"] });
  await openAccess(page(`#token=${token}`, "", kept));
  const access = await openAccess(page("", "?extension=200", kept));
  expect(await access?.token()).toBe(token);
});

test("a token without extensions is one of nobody's, with letters of any script", () => {
  expect(extensionsOf(jwt({ sub: "Søren Æ 李" }))).toEqual([]);
  expect(extensionsOf(jwt({ extensions: [200] }))).toEqual(["200"]);
});
