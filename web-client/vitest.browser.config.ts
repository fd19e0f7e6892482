import type { ViteUserConfig } from "vitest/config";
import { aliases } from "./packages/site/aliases.ts";
import { TAKES_PICTURES } from "./tests/support/picture.ts";
import { Sequence } from "./tests/support/sequence.ts";

const config: ViteUserConfig = {
  resolve: { alias: aliases },
  test: {
    include: ["tests/browser/**/*.test.ts"],
    // It is only to be looked at.
    exclude: TAKES_PICTURES ? [] : ["tests/browser/popup-states-sheet.test.ts"],
    globalSetup: ["tests/support/setup.ts"],
    // Most of a test is waiting. Nothing of one file is seen by another, and modules stay loaded.
    maxWorkers: 3,
    isolate: false,
    sequence: { sequencer: Sequence },
    // Against a hang only: no test is about how fast the machine is.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    reporters: ["default", "./tests/support/tally.ts"],
  },
};

export default config;
