// What the script tag costs, in gzip as the gateway sends it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { dist } from "./stage.mjs";

const size = (file) => gzipSync(readFileSync(file), { level: 9 }).length / 1000;
const sum = (files) => files.map(size).reduce((a, b) => a + b, 0);

export async function sizes() {
  const assets = join(dist, "embed/assets");
  const modules = readdirSync(assets).filter((name) => name.endsWith(".js"));
  const files = modules.map((name) => join(assets, name));
  const v1 = join(dist, "embed/v1.js");
  const main = files.filter((file) => /\/popup-[\w-]{8}\.js$/.test(file));
  const sdk = ["index.js", "client.js"].map((name) => join(dist, "../packages/callpop/dist", name));
  return [
    { what: "SDK", measured: sum(sdk), unit: "kB", goal: 8 },
    { what: "script tag, to show any live call", measured: sum([v1, ...main]), unit: "kB", goal: 20 },
    { what: "script tag, with all that is loaded later", measured: sum([v1, ...files]), unit: "kB" },
  ];
}
