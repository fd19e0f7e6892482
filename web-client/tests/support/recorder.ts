// Remembers what a popup has shown, however briefly: nothing is missed between two looks.

import type { Page } from "playwright-core";
import { expect } from "vitest";

interface Recording {
  /** By the extension whose popup it is: lines of "state | who | told about it". */
  readonly seen: Record<string, string[]>;
}

/** Watches every `<call-popup>` of the demo page from now on. */
export async function record(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen: Record<string, string[]> = {};
    Object.assign(globalThis, { seen });
    const text = (within: Element, selector: string): string =>
      within.querySelector(selector)?.textContent ?? "";
    for (const seat of document.querySelectorAll<HTMLElement>(".seat")) {
      const lines: string[] = [];
      seen[seat.dataset.extension ?? ""] = lines;
      const root = seat.querySelector("call-popup")?.shadowRoot;
      if (!root) continue;
      const look = (): void => {
        for (const call of root.querySelectorAll("article[data-state]")) {
          const parts = [".tone", ".title, .row-title", ".story"].map((part) => text(call, part));
          const line = `${parts.join(" | ")}`;
          if (!lines.includes(line)) lines.push(line);
        }
      };
      new MutationObserver(look).observe(root, {
        subtree: true,
        childList: true,
        characterData: true,
        attributes: true,
      });
      look();
    }
  });
}

/** Waits until the popup of that extension has shown all of these lines. */
export async function expectShown(
  page: Page,
  extension: string,
  lines: readonly string[],
): Promise<void> {
  await expect
    .poll(() => page.evaluate((of) => (globalThis as unknown as Recording).seen[of], extension))
    .toEqual(expect.arrayContaining([...lines]));
}
