// A name that is short in the built chunks must be nobody else's: what crosses a border keeps its name.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SHORT_NAMES, SHORT_TEXTS } from "../short-names.ts";

const ROOT = join(import.meta.dirname, "../../..");
const SRC = join(ROOT, "packages/callpop/src");

/** Whose every word is of the wire, of a message between tabs, or of what a page sees. */
const BORDERS = [
  "wire.ts",
  "frames.ts",
  "tab-message.ts",
  "state.ts",
  "reach.ts",
  "options.ts",
  "token-url.ts",
  "element/call-source.ts",
  "element/alerts/settings.ts",
  "element/summary/content.ts",
];
/** Classes that a page uses; their members are public unless they begin with `#`. `TokenUnavailable` has none. */
const PUBLIC = ["client.ts", "element/call-popup.ts"];

const sources = new Map(
  [SRC, join(ROOT, "packages/site/src/embed")].flatMap((folder) => filesIn(folder, /\.tsx?$/)),
);
const ours = [...sources.values()].join("\n");

function filesIn(folder: string, name: RegExp): [string, string][] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => name.test(path))
    .map((path) => [path.replaceAll("\\", "/"), codeOf(readFileSync(join(folder, path), "utf8"))]);
}

function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}

function source(path: string): string {
  const text = sources.get(path);
  if (text === undefined) throw new Error(`${path} is not there`);
  return text;
}

function found(text: string, pattern: RegExp): ReadonlySet<string> {
  return new Set([...text.matchAll(pattern)].map(([all, name]) => name ?? all));
}

const wordsOf = (text: string): ReadonlySet<string> => found(text, /[A-Za-z_$][\w$]*/g);

/** What the browser and preact call theirs, and what terser takes for the browser's and leaves. */
function hostNames(): ReadonlySet<string> {
  const types = join(ROOT, "node_modules/@typescript");
  const libraries = readdirSync(types).flatMap((platform) => filesIn(join(types, platform), LIB));
  expect(libraries.length).toBeGreaterThan(50);
  const preact = readFileSync(join(ROOT, "node_modules/preact/dist/preact.mjs"), "utf8");
  const left = readFileSync(join(ROOT, "node_modules/terser/tools/domprops.js"), "utf8");
  return wordsOf([preact, left, ...libraries.map(([, text]) => text)].join("\n"));
}
const LIB = /^lib[\\/]lib\..*\.d\.ts$/;

describe("a name that is shortened", () => {
  const shared = (names: ReadonlySet<string>): readonly string[] =>
    [...SHORT_NAMES.keys()].filter((name) => names.has(name));

  test("is there, once, and no two become one", () => {
    const words = wordsOf(ours);
    expect([...SHORT_NAMES.keys()].filter((name) => !words.has(name))).toEqual([]);
    expect(new Set(SHORT_NAMES.values()).size).toBe(SHORT_NAMES.size);
  });

  test("crosses no border", () => {
    expect(shared(wordsOf(BORDERS.map(source).join("\n")))).toEqual([]);
    const members = /^ {2}(?:(?:readonly|static|override|async|get|set) )*(\w+)\??[!:(<]/gm;
    expect(shared(found(PUBLIC.map(source).join("\n"), members))).toEqual([]);
  });

  test("is used as a text only where it is shortened, too, and exported by no module", () => {
    const texts = shared(found(ours, /["'`](\w+)["'`]/g));
    expect(texts.toSorted()).toEqual([...SHORT_TEXTS].toSorted());
    expect(
      shared(found(ours, /export (?:async )?(?:abstract )?(?:function|const|let|class) (\w+)/g)),
    ).toEqual([]);
    expect(shared(found(ours, /export \{([^}]*)\}/g))).toEqual([]);
  });

  test("is neither the browser's nor the library's, short or long", () => {
    const names = hostNames();
    expect(shared(names)).toEqual([]);
    expect([...SHORT_NAMES.values()].filter((name) => names.has(name))).toEqual([]);
  });

  test("is no field or text of ours when it is short", () => {
    const fields = found(ours, /(?<=[a-z)\]]\??\.|\{ |^ +(?:readonly )?)(\w{2})\b(?!-)/gm);
    expect([...SHORT_NAMES.values()].filter((name) => fields.has(name))).toEqual([]);
    const texts = found(ours, /["'`](\w{2})["'`]/g);
    const shortTexts = [...SHORT_TEXTS].map((name) => SHORT_NAMES.get(name) ?? name);
    expect(shortTexts.filter((name) => texts.has(name))).toEqual([]);
  });
});
