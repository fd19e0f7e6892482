// The Chromium of the machine; its absence fails the tests, it never skips them.

import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { inject } from "vitest";

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

/** Against a hang only. */
const DEADLINE_MS = 60_000;

/** Where Chromium is. */
export function chromiumPath(): string {
  const path = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
  if (!existsSync(path)) {
    throw new Error(`${path} is missing: install Chromium, or name it in CHROMIUM_BIN`);
  }
  return path;
}

/** The one of the run; nothing of one file's pages is seen by another's. */
export async function openChromium(): Promise<Browser> {
  const browser = await chromium.connect(inject("chromium"));
  browser.on("context", (context) => context.setDefaultTimeout(DEADLINE_MS));
  return browser;
}
