// The last line of a run: how many tests passed, and how many did not for whatever reason.

import type { Reporter, TestModule } from "vitest/node";

class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = (state: string, of: readonly TestModule[] = modules): number =>
      of
        .flatMap((module) => [...module.children.allTests()])
        .filter((test) => test.result().state === state).length;
    // A file that could not be loaded or prepared has failed, with all its tests.
    const broken = modules.filter((module) => module.errors().length > 0);
    const untested = broken.map((module) => Math.max(1, count("skipped", [module])));
    const failed = count("failed") + untested.reduce((a, b) => a + b, 0) + errors.length;
    const leftOut = count("skipped") - count("skipped", broken);
    const skipped = leftOut > 0 ? `, ${leftOut} skipped` : "";
    process.stdout.write(`\n${count("passed")} passed, ${failed} failed${skipped}\n`);
  }
}

// vitest loads a reporter by its default export.
// biome-ignore lint/style/noDefaultExport: see above
export default Tally;
