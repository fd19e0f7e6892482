import { fileURLToPath } from "node:url";
import type { UserConfig } from "vite";
import { aliases } from "./aliases.ts";

const page = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

// The pages that the gateway serves. Its policy allows no inline script, style or data font.
const config: UserConfig = {
  resolve: { alias: aliases },
  build: {
    target: "es2022",
    // Browsers that know light-dark(), so that it is not replaced by something longer.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    outDir: "../../dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["index.html", "demo.html", "integrations.html"].map(page) },
  },
};

export default config;
