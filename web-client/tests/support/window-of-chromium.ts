// One Chromium for all tests of a file, and for each test a window of its own.

import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { RawChromium, type RawOptions, type Window } from "./cdp.ts";

export interface WindowOfChromium {
  /** The present test's. */
  readonly window: Window;
}

/** Starts it before the file's tests; each gets a window of somebody who was never there before. */
export function windowOfChromium(options: RawOptions = {}): WindowOfChromium {
  let browser: RawChromium;
  let window: Window;
  beforeAll(async () => {
    browser = await RawChromium.start(options);
  });
  afterAll(async () => {
    await browser?.stop();
  });
  beforeEach(async () => {
    window = await browser.openWindow();
  });
  afterEach(async () => {
    await window?.close();
  });
  return {
    get window() {
      return window;
    },
  };
}
