// What the npm package brings along, whoever packs it: the licences that its package.json names.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const PACKAGE = new URL("../", import.meta.url);
const REPOSITORY = new URL("../../../", PACKAGE);

const text = (name: string, folder: URL) => readFileSync(new URL(name, folder), "utf8");

function packed(): string[] {
  const options = { cwd: PACKAGE, encoding: "utf8" } as const;
  const told = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], options);
  const [{ files }] = JSON.parse(told) as [{ files: { path: string }[] }];
  return files.map((file) => file.path);
}

test("the package has the full texts of both licences", () => {
  const files = packed();
  for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) {
    expect(files).toContain(name);
    expect(text(name, PACKAGE)).toBe(text(name, REPOSITORY));
  }
  expect(text("LICENSE-MIT", REPOSITORY)).toContain("Copyright (c) the callpop authors");
  expect(text("LICENSE-APACHE", REPOSITORY)).toContain("END OF TERMS AND CONDITIONS");
}, 60_000);
