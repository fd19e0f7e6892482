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

/** One line per violation, with the element and what is wrong. */
export async function axeViolations(page: Page): Promise<string[]> {
  const loaded = await page.evaluate(() => "axe" in globalThis);
  if (!loaded) await page.evaluate(source);
  const result = (await page.evaluate("axe.run()")) as AxeResult;
  return result.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html} ${node.any[0]?.message ?? ""}`),
  );
}
