// Imports go down, and never round: the table in docs/architecture.md says which way is down.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { faultsOf, type Files, importsOf, roomsOf } from "./floors.ts";

const PACKAGES = join(import.meta.dirname, "../..");
const PAGE = join(PACKAGES, "../../docs/architecture.md");
/** What one package of ours has for the others. */
const ENTRIES = new Map([
  ["callpop", "callpop/src/index.ts"],
  ["callpop/element", "callpop/src/element.ts"],
]);

function filesOf(folder: string): Files {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(PACKAGES, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
  return new Map(paths.map((path) => [path, readFileSync(join(PACKAGES, path), "utf8")]));
}

test("every import of the web client goes down, and none goes round", () => {
  const rooms = roomsOf(readFileSync(PAGE, "utf8"), "Floors of the web client");
  const files = new Map(
    readdirSync(PACKAGES).flatMap((name) => [...filesOf(join(PACKAGES, name, "src"))]),
  );
  expect(files.size).toBeGreaterThan(100);
  expect(faultsOf(rooms, files, ENTRIES)).toEqual([]);
});

describe("the checker", () => {
  const ROOMS = roomsOf(
    [
      "# Page",
      "## Before",
      "| 9 | `elsewhere` | no |",
      "## Floors",
      "| floor | rooms | what is in them |",
      "| --- | --- | --- |",
      "| 2 | `app/src/top` | what is seen |",
      "| 1 | `app/src/left`, `app/src/right` | beside each other |",
      "| 0 | `app/src/left/words`, `app/src/n`, `app/src/e`, `app/src/s`, `app/src/w` | the rest |",
      "## After",
      "| 3 | `no/such` | no |",
      "",
    ].join("\n"),
    "Floors",
  );

  const REST = ["n", "e", "s", "w"];
  const HOUSE: Readonly<Record<string, string>> = {
    "app/src/top.ts": 'import { a } from "./left/a.ts";\nexport { a };\n',
    "app/src/left/a.ts": "export const a = 1;\n",
    "app/src/left/b.ts": "export const b = 1;\n",
    "app/src/left/words.ts": "export const word = 1;\n",
    "app/src/right/index.ts": "export const c = 1;\n",
    ...Object.fromEntries(REST.map((name) => [`app/src/${name}.ts`, "\n".repeat(10)])),
  };
  const withFiles = (more: Readonly<Record<string, string>>): readonly string[] =>
    faultsOf(ROOMS, new Map(Object.entries({ ...HOUSE, ...more })), new Map([["app", TOP]]));
  const TOP = "app/src/top.ts";

  test("reads the rooms of its own section", () => {
    expect(ROOMS.map(({ floor, path }) => `${floor} ${path}`)).toEqual([
      "2 app/src/top",
      "1 app/src/left",
      "1 app/src/right",
      "0 app/src/left/words",
      ...REST.map((name) => `0 app/src/${name}`),
    ]);
  });

  test("finds nothing where all goes down", () => {
    expect(withFiles({})).toEqual([]);
  });

  test.each([
    ["static", 'import { word } from "X";'],
    ["for its effect", 'import "X";'],
    ["of a type only", 'import type { Word } from "X";'],
    ["of a type among others", 'import { type Word } from "X";'],
    ["of a type in its place", 'export type Word = import("X").Word;'],
    ["of a module's type", 'export type All = typeof import("X");'],
    ["dynamic", 'export const load = async () => (await import("X")).word;'],
    ["passed on", 'export { word } from "X";'],
    ["passed on as a type", 'export type { Word } from "X";'],
    ["passed on whole", 'export * from "X";'],
    ["passed on under a name", 'export * as words from "X";'],
  ])("an import up is found: %s", (_, line) => {
    const text = `// One.\n\n${line.replace("X", "../top.ts")}\n`;
    expect(withFiles({ "app/src/right/index.ts": text })).toEqual([
      "app/src/right/index.ts:3: imports app/src/top.ts, from floor 1 up to 2",
    ]);
    const byName = `\n${line.replace("X", "app")}\n\n`;
    expect(withFiles({ "app/src/right/index.ts": byName })).toEqual([
      "app/src/right/index.ts:2: imports app/src/top.ts, from floor 1 up to 2",
    ]);
  });

  test("no words in a text or a comment are imports", () => {
    const text = '// import "./a.ts";\nexport const x = `import("./a.ts")`;\n/* from "./a.ts" */\n';
    expect(importsOf("x.ts", text)).toEqual([]);
  });

  test("two rooms of one floor may import one way, and not round", () => {
    const there = 'import { c } from "../right/index.ts";\nexport const b = c;\n';
    expect(withFiles({ "app/src/left/b.ts": there })).toEqual([]);
    const back = '\nimport type { a } from "../left/a.ts";\nexport type C = typeof a;\n\n';
    expect(withFiles({ "app/src/left/b.ts": there, "app/src/right/index.ts": back })).toEqual([
      "app/src/left/b.ts:1: imports app/src/right/index.ts in a circle of rooms",
      "app/src/right/index.ts:2: imports app/src/left/a.ts in a circle of rooms",
    ]);
  });

  test("files of one room import each other in no circle", () => {
    const a = '\nexport const a = () => import("./b.ts");\n\n\n\n';
    const b = 'export * from "./a.ts";\n';
    expect(withFiles({ "app/src/left/a.ts": a, "app/src/left/b.ts": b })).toEqual([
      "app/src/left/a.ts:2: imports app/src/left/b.ts in a circle of files",
      "app/src/left/b.ts:1: imports app/src/left/a.ts in a circle of files",
    ]);
    const self = 'import type { b } from "./b.ts";\nexport type B = b;\n';
    expect(withFiles({ "app/src/left/b.ts": self })[0]).toContain("in a circle of files");
  });

  test("a file belongs to the room that names it most closely", () => {
    const text = 'import { a } from "./a.ts";\nexport const word = a;\n\n\n';
    expect(withFiles({ "app/src/left/words.ts": text })).toEqual([
      "app/src/left/words.ts:1: imports app/src/left/a.ts, from floor 0 up to 1",
    ]);
  });

  test("a file in no room, a room without files and one that is too large are told", () => {
    expect(withFiles({ "app/src/cellar.ts": "\n" })).toEqual([
      "app/src/cellar.ts:1: is in no room",
    ]);
    const { "app/src/left/words.ts": _, ...others } = HOUSE;
    expect(faultsOf(ROOMS, new Map(Object.entries(others)))).toEqual(
      expect.arrayContaining(["app/src/left/words: is a room without files"]),
    );
    expect(withFiles({ "app/src/right/more.ts": "\n".repeat(20) })).toEqual([
      "app/src/right: holds 21 of 66 lines, more than a quarter",
    ]);
  });
});
