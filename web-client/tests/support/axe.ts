// axe-core in a page, through the debugging protocol: the page's policy does not see it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeResult {
  readonly violations: readonly {
    id: string;
    nodes: readonly { html: string; any: readonly { message: string }[] }[];
  }[];
}

/** What depends on the colours; the rest of a page that was seen in others need not be looked at again. */
const OF_COLOURS = ["color-contrast", "link-in-text-block"];

/** One line per violation, with the element and what is wrong; `rules`: all, or those of colours alone. */
export async function axeViolations(
  page: Page,
  rules: "all" | "colours" = "all",
): Promise<string[]> {
  const loaded = await page.evaluate(() => "axe" in globalThis);
  if (!loaded) await page.evaluate(source);
  const options = rules === "all" ? {} : { runOnly: OF_COLOURS };
  const result = (await page.evaluate(`axe.run(${JSON.stringify(options)})`)) as AxeResult;
  return result.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html} ${node.any[0]?.message ?? ""}`),
  );
}
