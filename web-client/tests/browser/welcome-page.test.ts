// The page of a gateway that serves: says that it runs and how to connect, and no more.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { axeViolations } from "../support/axe.ts";
import { openChromium } from "../support/chromium.ts";
import { Gateway } from "../support/gateway.ts";
import { picture } from "../support/picture.ts";
import { watchPage } from "../support/watch.ts";

let browser: Browser;
const gateway = new Gateway([]);

beforeAll(async () => {
  await gateway.start();
  browser = await openChromium();
});
afterAll(async () => {
  await browser?.close();
  await gateway.dispose();
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1280, 320]) {
    test(`the welcome page is whole and accessible in ${colorScheme} at ${width} px`, async () => {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } });
      const watch = watchPage(page);
      const response = await page.goto(gateway.url);
      expect(response?.headers()["content-security-policy"]).toContain("default-src 'none'");
      await page.getByText(`${gateway.url}/embed/v1.js`).waitFor();
      await page.getByText(`${gateway.url}/webhooks/telsmart`).waitFor();
      await picture(page, `welcome/${colorScheme}-${width}`);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
      expect(await axeViolations(page)).toEqual([]);
      expect(watch.problems()).toEqual([]);
      await page.close();
    });
  }
}
