// What a popup shows in part only.

import type { Page } from "playwright-core";

/** The elements of the popup that reach over its edge, or hide a part of their own text. */
export function clipped(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const panel = document.querySelector("call-popup")?.shadowRoot?.querySelector(".panel");
    const edge = panel?.getBoundingClientRect();
    if (!panel || !edge) return ["nothing is shown"];
    return [...panel.querySelectorAll<HTMLElement>("*:not(.announcer, .announcer *, option)")]
      .filter((element) => {
        if (element.getClientRects().length === 0) return false;
        const { left, right } = element.getBoundingClientRect();
        const hides = getComputedStyle(element).overflowX !== "visible";
        const cut = hides && element.scrollWidth > element.clientWidth + 1;
        return left < edge.left || right > edge.right || right > innerWidth || cut;
      })
      .map((element) => `clipped ${element.className}: ${element.textContent?.slice(0, 40)}`);
  });
}
