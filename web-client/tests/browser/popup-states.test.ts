// Every state of the popup: seen, not clipped, accessible, and within the page's policy.

import { mkdirSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { axeViolations } from "../support/axe.ts";
import { startChromium } from "../support/chromium.ts";
import { type Pages, servePages } from "../support/pages.ts";
import { type Watch, watchPage } from "../support/watch.ts";
import { SCENES } from "./scenes.ts";
import { addPopup, clearStage } from "./stage.ts";

const FOLDER = new URL("../../screenshots/popup/", import.meta.url).pathname;

let browser: Browser;
let pages: Pages;

beforeAll(async () => {
  mkdirSync(FOLDER, { recursive: true });
  pages = await servePages();
  browser = await startChromium();
});

afterAll(async () => {
  await browser?.close();
  pages?.close();
});

async function open(
  colorScheme: "light" | "dark",
  width: number,
): Promise<{ page: Page; watch: Watch }> {
  const page = await browser.newPage({
    colorScheme,
    viewport: { width, height: 700 },
    reducedMotion: "reduce",
    timezoneId: "Europe/Brussels",
  });
  const watch = watchPage(page);
  await page.goto(pages.url);
  return { page, watch };
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [390, 320]) {
    test(`every state in ${colorScheme} at ${width} px is whole, accessible and within the policy`, async () => {
      const { page, watch } = await open(colorScheme, width);
      const findings: string[] = [];
      for (const [name, scene] of Object.entries(SCENES)) {
        await clearStage(page);
        await addPopup(page, scene);
        await page.screenshot({
          path: `${FOLDER}${name}-${colorScheme}-${width}.png`,
          fullPage: true,
        });
        const found = [...(await clipped(page)), ...(await axeViolations(page))];
        findings.push(...found.map((finding) => `${name}: ${finding}`));
      }
      expect(findings).toEqual([]);
      expect(watch.problems()).toEqual([]);
      await page.close();
    });
  }
}

for (const look of ["light", "dark", "forced"] as const) {
  test(`all states on one sheet, ${look} colours`, async () => {
    const { page, watch } = await open(look === "light" ? "light" : "dark", 1640);
    await page.emulateMedia({ forcedColors: look === "forced" ? "active" : "none" });
    await page.evaluate(() => document.querySelector("main")?.classList.add("sheet"));
    for (const scene of Object.values(SCENES)) await addPopup(page, scene);
    expect(await page.locator("call-popup .panel").count()).toBe(Object.keys(SCENES).length);
    expect(watch.problems()).toEqual([]);
    await page.screenshot({ path: `${FOLDER}sheet-${look}.png`, fullPage: true });
    await page.close();
  });
}

/** The elements of the popup that reach over its edge, or hide a part of their own text. */
function clipped(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const panel = document.querySelector("call-popup")?.shadowRoot?.querySelector(".panel");
    const edge = panel?.getBoundingClientRect();
    if (!panel || !edge) return ["nothing is shown"];
    return [...panel.querySelectorAll<HTMLElement>("*:not(.announcer, .announcer *)")]
      .filter((element) => {
        const { left, right } = element.getBoundingClientRect();
        const hides = getComputedStyle(element).overflowX !== "visible";
        const cut = hides && element.scrollWidth > element.clientWidth + 1;
        return left < edge.left || right > edge.right || right > innerWidth || cut;
      })
      .map((element) => `clipped ${element.className}: ${element.textContent?.slice(0, 40)}`);
  });
}
