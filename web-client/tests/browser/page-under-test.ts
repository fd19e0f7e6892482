// A fresh page for every test of a file, and what it complained of.

import type { Party, Summary, WrapUp } from "callpop";
import type { BrowserContext, Locator, Page } from "playwright-core";
import { afterEach, beforeEach, expect } from "vitest";
import { secondsAgo } from "../support/calls.ts";
import { pagesInChromium } from "../support/pages-in-chromium.ts";
import { FULL_CONTENT } from "../support/summaries.ts";
import { watchPage } from "../support/watch.ts";

export const MARIE: Party = { number: "+32470123456", name: "Marie Peeters" };
export const SUMMARY: Summary = {
  language: "en-GB",
  reported_at: secondsAgo(1),
  content: FULL_CONTENT,
};
/** A wrap-up that somebody has made a second ago. */
export const STORED: WrapUp = {
  disposition: "Call back",
  note: "Theirs",
  at: secondsAgo(1),
  by: "user",
};

export interface PageUnderTest {
  readonly page: Page;
  readonly popup: Locator;
  readonly context: BrowserContext;
  readonly url: string;
  /** Complaints that the test asks for. */
  expectProblems(pattern: RegExp): void;
}

/** Opens the harness page before each test; after it, nothing must have been complained of. */
export function pageUnderTest(): PageUnderTest {
  const here = pagesInChromium();
  let context: BrowserContext;
  let page: Page;
  let problems: () => readonly string[];
  let expected: RegExp | null;
  beforeEach(async () => {
    context = await here.browser.newContext({
      viewport: { width: 390, height: 700 },
      reducedMotion: "reduce",
      timezoneId: "Europe/Brussels",
      locale: "en-GB",
    });
    page = await context.newPage();
    problems = watchPage(page).problems;
    expected = null;
    await page.goto(here.pages.url);
  });
  afterEach(async () => {
    await context?.close();
    expect(problems().filter((problem) => !expected?.test(problem))).toEqual([]);
  });
  return {
    get page() {
      return page;
    },
    get popup() {
      return page.locator("call-popup");
    },
    get context() {
      return context;
    },
    get url() {
      return here.pages.url;
    },
    expectProblems: (pattern) => {
      expected = pattern;
    },
  };
}

/** What has the focus, in the page or in the popup: its name, its text or its id. */
export function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return (
      at?.getAttribute("aria-label") ?? (at?.textContent?.trim() || at?.id || at?.tagName || "")
    );
  });
}

/** Whether the focus is on such an element of the only popup. */
export function focusIsOn(page: Page, selector: string): Promise<boolean> {
  return page.evaluate((wanted) => {
    const root = document.querySelector("call-popup")?.shadowRoot;
    return root?.activeElement?.matches(wanted) ?? false;
  }, selector);
}

/** Waits until what is to be drawn now was drawn. */
export function nextFrames(page: Page): Promise<void> {
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
      }),
  );
}

/** Puts a field into the page and the focus into it. */
export async function addField(page: Page): Promise<void> {
  await page.evaluate(() => {
    const field = document.createElement("input");
    field.id = "page-field";
    document.querySelector("main")?.before(field);
    field.focus();
  });
}

/** Lets the only popup believe that it is that time. */
export function setNow(page: Page, now: number): Promise<void> {
  return page.evaluate((ms) => {
    const popup = document.querySelector("call-popup") as unknown as { client: object };
    Object.assign(popup.client, { now: () => ms });
  }, now);
}
