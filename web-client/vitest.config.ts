import type { ViteUserConfig } from "vitest/config";
import { aliases } from "./packages/site/aliases.ts";

const config: ViteUserConfig = {
  resolve: { alias: aliases },
  test: {
    // Some play minutes of three tabs: on a busy machine that takes more than the usual five seconds.
    testTimeout: 60_000,
    include: ["packages/*/test/**/*.test.ts"],
    reporters: ["default", "./tests/support/tally.ts"],
  },
};

export default config;
