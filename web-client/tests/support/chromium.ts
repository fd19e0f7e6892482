// Starts the Chromium of the machine; its absence fails the tests, it never skips them.

import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** For a browser that talks to nobody but the tests. */
export const SWITCHES: readonly string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Where Chromium is. */
export function chromiumPath(): string {
  const path = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
  if (!existsSync(path)) {
    throw new Error(`${path} is missing: install Chromium, or name it in CHROMIUM_BIN`);
  }
  return path;
}

export async function startChromium(): Promise<Browser> {
  return await chromium.launch({ executablePath: chromiumPath(), args: [...SWITCHES] });
}
