import { fileURLToPath } from "node:url";
import { build, type Plugin, type UserConfig } from "vite";
import { minified } from "../callpop/minified.ts";
import { aliases } from "./aliases.ts";

const OUT = fileURLToPath(new URL("../../dist/embed", import.meta.url));
const V1 = fileURLToPath(new URL("src/embed/v1.ts", import.meta.url));

/** The classic script of the script tag, which has to know the name of the popup's module. */
function classicScript(): Plugin {
  return {
    name: "callpop-v1",
    async writeBundle(_, bundle) {
      const popup = Object.values(bundle).find((file) => file.type === "chunk" && file.isEntry);
      if (popup === undefined) throw new Error("the popup was not built");
      await build({
        configFile: false,
        plugins: [minified()],
        logLevel: "warn",
        define: { POPUP_FILE: JSON.stringify(popup.fileName) },
        build: {
          target: "es2022",
          outDir: OUT,
          emptyOutDir: false,
          lib: { entry: V1, formats: ["iife"], name: "callpopV1", fileName: () => "v1.js" },
        },
      });
    },
  };
}

// The popup for a script tag in any page: ES modules of other origins, split where they `import()`.
// As a library, so that no helper for preloads gets in, which a strict policy would block.
const config: UserConfig = {
  resolve: { alias: aliases },
  plugins: [minified(), classicScript()],
  build: {
    target: "es2022",
    // Browsers that know light-dark(), so that it is not replaced by something longer.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    outDir: OUT,
    emptyOutDir: true,
    lib: { entry: { popup: "src/embed/popup.ts" }, formats: ["es"] },
    rolldownOptions: {
      // One file for what every popup needs; what is loaded later imports from it.
      preserveEntrySignatures: "allow-extension",
      output: {
        entryFileNames: "assets/[name]-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        minify: true,
        comments: false,
      },
    },
  },
};

export default config;
