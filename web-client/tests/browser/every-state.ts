// Every state of the popup: seen, not clipped, accessible, and within the page's policy. A file for
// each language, since files run side by side.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { axeViolations } from "../support/axe.ts";
import { clipped } from "../support/clipped.ts";
import { type PagesInChromium, pagesInChromium } from "../support/pages-in-chromium.ts";
import { picture } from "../support/picture.ts";
import { type Watch, watchPage } from "../support/watch.ts";
import { SCENES } from "./scenes.ts";
import { addPopup, clearStage, warmUp } from "./stage.ts";

const LOCALES = { en: "en-GB", nl: "nl-BE", fr: "fr-FR" } as const;
type Language = keyof typeof LOCALES;

interface Look {
  readonly colours: "light" | "dark" | "forced";
  readonly width: number;
}

const LOOKS: readonly Look[] = [
  { colours: "light", width: 390 },
  { colours: "light", width: 320 },
  { colours: "dark", width: 390 },
  { colours: "dark", width: 320 },
  { colours: "forced", width: 320 },
];

async function open(
  here: PagesInChromium,
  { colours, width }: Look,
  language: Language = "en",
): Promise<{ page: Page; watch: Watch }> {
  const page = await here.browser.newPage({
    colorScheme: colours === "light" ? "light" : "dark",
    viewport: { width, height: 700 },
    reducedMotion: "reduce",
    timezoneId: "Europe/Brussels",
    locale: LOCALES[language],
  });
  await page.emulateMedia({ forcedColors: colours === "forced" ? "active" : "none" });
  const watch = watchPage(page);
  await page.goto(here.pages.url);
  await page.evaluate(() => document.documentElement.removeAttribute("lang"));
  await warmUp(page);
  await page.evaluate((lang) => document.documentElement.setAttribute("lang", lang), language);
  return { page, watch };
}

/** What is wrong with the state that the page shows. */
async function findingsOf(page: Page, { colours, width }: Look): Promise<readonly string[]> {
  const found = await clipped(page);
  // What is accessible in a narrow window is so in a wider one.
  if (width > 320) return found;
  return [...found, ...(await axeViolations(page, colours === "light" ? "all" : "colours"))];
}

/** The tests of one language. */
export function everyStateIn(language: Language): void {
  const here = pagesInChromium();
  for (const look of LOOKS) {
    const { colours, width } = look;
    test(`every state in ${language}, ${colours}, at ${width} px is whole, accessible and within the policy`, async () => {
      const { page, watch } = await open(here, look, language);
      const findings: string[] = [];
      for (const [name, scene] of Object.entries(SCENES)) {
        await clearStage(page);
        await addPopup(page, scene);
        await picture(page, `popup/${name}-${language}-${colours}-${width}`);
        findings.push(...(await findingsOf(page, look)).map((finding) => `${name}: ${finding}`));
      }
      expect(findings).toEqual([]);
      expect(watch.problems()).toEqual([]);
      await page.close();
    });
  }
}

/** The tests that show all states beside each other. */
export function allStatesOnOneSheet(): void {
  const here = pagesInChromium();
  for (const colours of ["light", "dark", "forced"] as const) {
    test(`all states on one sheet, ${colours} colours`, async () => {
      const { page, watch } = await open(here, { colours, width: 1640 });
      await page.evaluate(() => document.querySelector("main")?.classList.add("sheet"));
      const scenes = Object.values(SCENES).filter(({ act }) => act === undefined);
      for (const scene of scenes) await addPopup(page, scene);
      expect(await page.locator("call-popup .panel").count()).toBe(scenes.length);
      expect(watch.problems()).toEqual([]);
      await picture(page, `popup/sheet-${colours}`);
      await page.close();
    });
  }
}
