import type { ViteUserConfig } from "vitest/config";
import { aliases } from "./packages/site/aliases.ts";

// Files run one after the other: each has a Chromium of its own, and machines have few cores.
const config: ViteUserConfig = {
  resolve: { alias: aliases },
  test: {
    include: ["tests/browser/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["default", "./tests/support/tally.ts"],
  },
};

export default config;
