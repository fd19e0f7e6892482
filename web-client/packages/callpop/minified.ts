// How the chunks that are served and published are made small. The bundler's own minifier follows;
// what this one leaves compresses better.

import { minify } from "terser";
import type { Plugin } from "vite";
import { SHORT_NAMES } from "./short-names.ts";

/** Makes each chunk small, before the hash in its name is taken. */
export function minified(): Plugin {
  return {
    name: "callpop-minified",
    async renderChunk(code) {
      const small = await minify(code, {
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

function namesToShorten(): RegExp {
  return new RegExp(`^(${[...SHORT_NAMES.keys()].join("|")})$`);
}

/** As terser's cache has them. */
function shortened(): Record<string, string> {
  return Object.fromEntries([...SHORT_NAMES].map(([name, short]) => [`$${name}`, short]));
}
