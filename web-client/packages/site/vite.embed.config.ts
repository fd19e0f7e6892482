import type { UserConfig } from "vite";
import { aliases } from "./aliases.ts";

// One classic script for a script tag in any page.
const config: UserConfig = {
  resolve: { alias: aliases },
  build: {
    target: "es2022",
    // Browsers that know light-dark(), so that it is not replaced by something longer.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    outDir: "../../dist/embed",
    emptyOutDir: true,
    lib: {
      entry: "src/embed/embed.ts",
      formats: ["iife"],
      name: "callpop",
      fileName: () => "v1.js",
    },
  },
};

export default config;
