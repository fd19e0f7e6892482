// What all files of a run share: one Chromium, and a temporary folder that must be empty at the end.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { TestProject } from "vitest/node";
import { chromiumPath, SWITCHES } from "./chromium.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the run's Chromium is spoken to. */
    readonly chromium: string;
  }
}

/** Starts both before the first file, and ends them after the last. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "callpop-"));
  process.env.TMPDIR = folder;
  // Also when the run is broken off.
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  const server = await chromium.launchServer({
    executablePath: chromiumPath(),
    args: [...SWITCHES],
  });
  provide("chromium", server.wsEndpoint());
  return async () => {
    await server.close();
    const left = readdirSync(folder);
    remove();
    if (left.length === 0) return;
    process.stderr.write(`left in the temporary folder: ${left.join(", ")}\n`);
    process.exitCode = 1;
  };
}
