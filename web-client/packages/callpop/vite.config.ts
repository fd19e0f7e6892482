import type { UserConfig } from "vite";
import { minified } from "./minified.ts";

// The ES modules that npm gets; preact and signals are inside, so nothing else is installed.
const config: UserConfig = {
  plugins: [minified()],
  build: {
    target: "es2022",
    // Browsers that know light-dark(), so that it is not replaced by something longer.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    minify: "oxc",
    lib: {
      entry: { index: "src/index.ts", element: "src/element.ts" },
      formats: ["es"],
    },
    rolldownOptions: {
      preserveEntrySignatures: "allow-extension",
      output: {
        // What both entries need is the client; what is loaded later keeps its name.
        chunkFileNames: ({ isDynamicEntry }) => (isDynamicEntry ? "[name].js" : "client.js"),
        // One chunk, though some of it is for others, too: a second one is a request, and compresses by itself.
        advancedChunks: {
          groups: [{ name: "client", test: /\/src\/(client|item-key|token-url)\.ts$/ }],
        },
        minify: true,
        comments: false,
      },
    },
  },
};

export default config;
