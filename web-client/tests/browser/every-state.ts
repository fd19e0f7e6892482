// Every state of the popup: seen, not clipped, accessible, and within the page's policy. A file for
// each language, since files run side by side.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { axeViolations } from "../support/axe.ts";
import { clipped } from "../support/clipped.ts";
import { type PagesInChromium, pagesInChromium } from "../support/pages-in-chromium.ts";
import { type Watch, watchPage } from "../support/watch.ts";
import { SCENES } from "./scenes.ts";
import { addPopup, clearStage, warmUp } from "./stage.ts";

const FOLDER = new URL("../../screenshots/popup/", import.meta.url).pathname;

const LOCALES = { en: "en-GB", nl: "nl-BE", fr: "fr-FR" } as const;
type Language = keyof typeof LOCALES;

async function open(
  here: PagesInChromium,
  colorScheme: "light" | "dark",
  width: number,
  language: Language = "en",
): Promise<{ page: Page; watch: Watch }> {
  const page = await here.browser.newPage({
    colorScheme,
    viewport: { width, height: 700 },
    reducedMotion: "reduce",
    timezoneId: "Europe/Brussels",
    locale: LOCALES[language],
  });
  const watch = watchPage(page);
  await page.goto(here.pages.url);
  await page.evaluate(() => document.documentElement.removeAttribute("lang"));
  await warmUp(page);
  await page.evaluate((lang) => document.documentElement.setAttribute("lang", lang), language);
  return { page, watch };
}

/** What is wrong with any of the states; each is left as a picture. */
async function findingsIn(page: Page, picture: string): Promise<string[]> {
  const findings: string[] = [];
  for (const [name, scene] of Object.entries(SCENES)) {
    await clearStage(page);
    await addPopup(page, scene);
    await page.screenshot({ path: `${FOLDER}${name}-${picture}.png`, fullPage: true });
    const found = await clipped(page);
    // What is accessible in a narrow window is so in a wider one; this takes the most time.
    if (picture.endsWith("320")) found.push(...(await axeViolations(page)));
    findings.push(...found.map((finding) => `${name}: ${finding}`));
  }
  return findings;
}

/** The tests of one language. */
export function everyStateIn(language: Language): void {
  const here = pagesInChromium(FOLDER);
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [390, 320]) {
      test(`every state in ${language}, ${colorScheme}, at ${width} px is whole, accessible and within the policy`, async () => {
        const { page, watch } = await open(here, colorScheme, width, language);
        expect(await findingsIn(page, `${language}-${colorScheme}-${width}`)).toEqual([]);
        expect(watch.problems()).toEqual([]);
        await page.close();
      });
    }
  }

  test(`every state in ${language} with forced colours is whole and accessible`, async () => {
    const { page, watch } = await open(here, "dark", 320, language);
    await page.emulateMedia({ forcedColors: "active" });
    expect(await findingsIn(page, `${language}-forced-320`)).toEqual([]);
    expect(watch.problems()).toEqual([]);
    await page.close();
  });
}

/** The tests that show all states beside each other. */
export function allStatesOnOneSheet(): void {
  const here = pagesInChromium(FOLDER);
  for (const look of ["light", "dark", "forced"] as const) {
    test(`all states on one sheet, ${look} colours`, async () => {
      const { page, watch } = await open(here, look === "light" ? "light" : "dark", 1640);
      await page.emulateMedia({ forcedColors: look === "forced" ? "active" : "none" });
      await page.evaluate(() => document.querySelector("main")?.classList.add("sheet"));
      const scenes = Object.values(SCENES).filter(({ act }) => act === undefined);
      for (const scene of scenes) await addPopup(page, scene);
      expect(await page.locator("call-popup .panel").count()).toBe(scenes.length);
      expect(watch.problems()).toEqual([]);
      await page.screenshot({ path: `${FOLDER}sheet-${look}.png`, fullPage: true });
      await page.close();
    });
  }
}
