// Puts NAME.br and NAME.gz beside every built file that gets smaller by it, so that the gateway
// compresses nothing while it serves: `node precompress.mjs FOLDER`.

import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("which folder?");

const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));

for (const file of files.filter((name) => /\.(br|gz)$/.test(name))) rmSync(file);
for (const file of files.filter((name) => !/\.(br|gz)$/.test(name))) {
  const plain = readFileSync(file);
  keepIfSmaller(`${file}.br`, brotli(plain), plain);
  keepIfSmaller(`${file}.gz`, gzipSync(plain, { level: 9 }), plain);
}

/** @param {Buffer} plain */
function brotli(plain) {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
  };
  return brotliCompressSync(plain, { params });
}

/**
 * @param {string} name
 * @param {Buffer} packed
 * @param {Buffer} plain
 */
function keepIfSmaller(name, packed, plain) {
  if (packed.length < plain.length) writeFileSync(name, packed);
}
