import { fileURLToPath } from "node:url";

const source = (file: string): string =>
  fileURLToPath(new URL(`../callpop/src/${file}`, import.meta.url));

/** The pages are built from the sources of the SDK, not from its last build. */
export const aliases: Record<string, string> = {
  "callpop/element": source("element.ts"),
  callpop: source("index.ts"),
};
