// What a page complains of: errors, and everything that its policy has blocked.

import type { Page } from "playwright-core";

export interface Watch {
  /** All complaints so far. */
  problems(): readonly string[];
}

/** Watches from now on; Chromium reports a policy's violations as console errors. */
export function watchPage(page: Page): Watch {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  return { problems: () => problems };
}
