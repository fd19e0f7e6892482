import type { ViteUserConfig } from "vitest/config";
import { aliases } from "./packages/site/aliases.ts";

const config: ViteUserConfig = {
  resolve: { alias: aliases },
  test: {
    include: ["packages/*/test/**/*.test.ts"],
    reporters: ["default", "./tests/support/tally.ts"],
  },
};

export default config;
