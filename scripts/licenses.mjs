// Writes THIRD-PARTY.txt: what is bundled into the binary and the web client, and under which terms. Needs nothing but
// the crates and packages that a build needs. `callpop --licenses` prints it, and tests hold it to what is bundled.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const WEB = join(ROOT, "web-client");
const PLATFORM = "x86_64-unknown-linux-gnu";
/** Names of files that hold terms, and what looks like one and is code. */
const TERMS = /^(licen[sc]e|copying|copyright|notice|unlicense)/i;
const CODE = /\.(rs|go|py|c|h|cc|toml|js|ts)$/;
/** Folders whose content is in no build. */
const UNUSED = new Set(["tests", "benches", "examples", "target", "node_modules"]);
const DEEPEST = 5;
const RULE = "-".repeat(80);

/** For the few that bring no text: the usual one, by the holders that they name. */
const USUAL = {
  MIT: (holders) => `MIT License

Copyright (c) ${holders}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`,
  "0BSD": (holders) => `BSD Zero Clause License

Copyright (c) ${holders}

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.`,
};

const crates = bundledCrates();
const packages = bundledPackages();
write(join(ROOT, "THIRD-PARTY.txt"), [
  ["In the binary, by the Rust compiler and from crates.io", [standardLibrary(), ...crates]],
  ["In the pages and scripts that the binary serves, from npm", packages],
]);
write(join(WEB, "packages/callpop/THIRD-PARTY.txt"), [["In this package, from npm", packages]]);

/** Every crate that the binary is made of: those that the root needs for more than its build and its tests. */
function bundledCrates() {
  const args = ["metadata", "--format-version=1", "--locked", `--filter-platform=${PLATFORM}`];
  const options = { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] };
  const { packages: known, resolve } = JSON.parse(execFileSync("cargo", args, options));
  const crate = new Map(known.map((it) => [it.id, it]));
  const node = new Map(resolve.nodes.map((it) => [it.id, it]));
  const isBundled = ({ dep_kinds }) => dep_kinds.some(({ kind }) => kind === null);
  const next = (id) => node.get(id).deps.filter(isBundled).map(({ pkg }) => pkg);
  const found = closure(next(resolve.root), next).map((id) => crate.get(id));
  return found.map(({ name, version, license, authors, repository, manifest_path }) =>
    describe({ name, version, license, authors, source: repository, folder: dirname(manifest_path) }),
  );
}

/** Every package that the sources of the web client name, with what those need. */
function bundledPackages() {
  const named = readdirSync(join(WEB, "packages")).flatMap((name) => imports(join(WEB, "packages", name, "src")));
  const about = (name) => JSON.parse(readFileSync(join(WEB, "node_modules", name, "package.json"), "utf8"));
  const own = new Set(readdirSync(join(WEB, "packages")));
  const next = (name) => Object.keys(about(name).dependencies ?? {});
  return closure(named.filter((name) => !own.has(name)), next).map((name) => {
    const { version, license, author, repository } = about(name);
    const source = (repository?.url ?? repository)?.replace(/^git\+/, "");
    const authors = [author?.name ?? author].filter(Boolean);
    return describe({ name, version, license, authors, source, folder: join(WEB, "node_modules", name) });
  });
}

/** The names of packages that a folder's sources import. */
function imports(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((file) => /\.tsx?$/.test(file));
  const specifier = /(?:from|import)\s*\(?\s*"([^".#][^"]*)"/g;
  return files.flatMap((file) =>
    [...readFileSync(join(folder, file), "utf8").matchAll(specifier)]
      .map(([, path]) => path.split("/", path.startsWith("@") ? 2 : 1).join("/"))
      .filter((name) => !/^(node:|virtual:)/.test(name)),
  );
}

function closure(first, next) {
  const found = new Set();
  const open = [...first];
  while (open.length > 0) {
    const one = open.pop();
    if (!found.has(one)) open.push(...next(one));
    found.add(one);
  }
  return [...found];
}

/** One bundled thing, with the texts of its terms. */
function describe({ name, version, license, authors, source, folder }) {
  const files = terms(folder);
  const texts = files.map((file) => ({ file: relative(folder, file), text: tidy(readFileSync(file, "utf8")) }));
  if (texts.length === 0) {
    const usual = Object.keys(USUAL).find((id) => license.split(/[ /()]+/).includes(id));
    if (usual === undefined) throw new Error(`${name} ${version} (${license}) brings no terms, and has none usual here`);
    const holders = authors.length > 0 ? authors.join(", ") : `the authors of ${name}`;
    texts.push({ file: usual, text: USUAL[usual](holders) });
  }
  return { name, version, license, source, texts };
}

/** What the compiler adds to every program. */
function standardLibrary() {
  const text = USUAL.MIT("The Rust Project contributors");
  const source = "https://github.com/rust-lang/rust";
  return { name: "std", version: "(Rust)", license: "MIT OR Apache-2.0", source, texts: [{ file: "MIT", text }] };
}

function terms(folder, depth = 0) {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return depth < DEEPEST && !UNUSED.has(entry.name) ? terms(path, depth + 1) : [];
    return TERMS.test(entry.name) && !CODE.test(entry.name) ? [path] : [];
  });
}

/** Without what differs and says nothing: ends of lines, and empty lines around. */
function tidy(text) {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  return lines.map((line) => line.trimEnd()).join("\n").replace(/^\n+|\n+$/g, "");
}

function write(file, sections) {
  const order = (a, b) => (a.name + a.version < b.name + b.version ? -1 : 1);
  const texts = new Map();
  let out = "Third-party software in callpop, and its terms. Written by `make licenses`.\n";
  for (const [title, all] of sections) {
    out += `\n${title}\n${"=".repeat(title.length)}\n`;
    for (const { name, version, license, source, texts: own } of all.toSorted(order)) {
      out += `${name} ${version}: ${license}${source ? `, ${source}` : ""}\n`;
      for (const { file, text } of own) {
        const key = text.replace(/\s+/g, " ");
        const known = texts.get(key) ?? { text, of: [] };
        known.of.push(`${name} ${version} (${file})`);
        texts.set(key, known);
      }
    }
  }
  out += "\nTerms\n=====\n";
  for (const { text, of } of texts.values()) out += `\n${RULE}\nOf ${of.join(", ")}:\n\n${text}\n`;
  writeFileSync(file, out);
}
