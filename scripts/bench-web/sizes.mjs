// What the script tag costs, in gzip as the gateway sends it: the lists of web-client/.size-limit.js.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { dist } from "./stage.mjs";

const SHOWN = { "npm: SDK": 8, "script tag: shows any live call": 20, "script tag: everything": undefined };

export async function sizes() {
  const web = dirname(dist);
  const root = process.cwd();
  // Its paths are relative to its folder.
  process.chdir(web);
  const { default: lists } = await import(join(web, ".size-limit.js"));
  process.chdir(root);
  const size = (file) => gzipSync(readFileSync(join(web, file)), { level: 9 }).length / 1000;
  return Object.entries(SHOWN).map(([name, goal]) => {
    const files = lists.find((list) => list.name === name).path;
    return { what: name, measured: files.map(size).reduce((a, b) => a + b, 0), unit: "kB", goal };
  });
}
