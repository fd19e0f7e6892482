// The pages and one Chromium for all tests of a file.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { openChromium } from "./chromium.ts";
import { type Pages, servePages } from "./pages.ts";

export interface PagesInChromium {
  readonly browser: Browser;
  readonly pages: Pages;
}

/** Starts both before the file's tests, and ends them after. */
export function pagesInChromium(): PagesInChromium {
  let browser: Browser;
  let pages: Pages;
  beforeAll(async () => {
    pages = await servePages();
    browser = await openChromium();
  });
  afterAll(async () => {
    await browser?.close();
    pages?.close();
  });
  return {
    get browser() {
      return browser;
    },
    get pages() {
      return pages;
    },
  };
}
