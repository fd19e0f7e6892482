// How the chunks that are served and published are made small. The bundler's own minifier follows;
// what this one leaves compresses better.

import { minify } from "terser";
import type { Plugin } from "vite";
import { SHORT_NAMES, SHORT_TEXTS } from "./short-names.ts";

/** Makes each chunk small, before the hash in its name is taken. */
export function minified(): Plugin {
  return {
    name: "callpop-minified",
    async renderChunk(code) {
      const small = await minify(withShortTexts(code), {
        module: true,
        ecma: 2020,
        compress: { passes: 3, pure_getters: true, unsafe_arrows: true },
        mangle: { properties: { regex: namesToShorten(), keep_quoted: true } },
        // Of this chunk alone: it takes up the names that terser gives besides.
        nameCache: { props: { props: shortened() } },
        sourceMap: { asObject: true },
      });
      if (small.code === undefined) throw new Error("terser gave no code");
      return { code: small.code, map: small.map as never };
    },
  };
}

/** A text that names a field, as in `table[name]`, is as short as the field. */
function withShortTexts(code: string): string {
  return code.replace(/(["'`])(\w+)\1/g, (text, quote: string, word: string) =>
    SHORT_TEXTS.has(word) ? `${quote}${SHORT_NAMES.get(word)}${quote}` : text,
  );
}

function namesToShorten(): RegExp {
  return new RegExp(`^(${[...SHORT_NAMES.keys()].join("|")})$`);
}

/** As terser's cache has them. */
function shortened(): Record<string, string> {
  return Object.fromEntries([...SHORT_NAMES].map(([name, short]) => [`$${name}`, short]));
}
