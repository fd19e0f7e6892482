// What the page's developer has to know, on the console: each thing once.

const told = new Set<string>();

/** Says it with the remedy; the same words are said once in a page. */
export function tell(words: string): void {
  if (told.has(words)) return;
  told.add(words);
  // biome-ignore lint/suspicious/noConsole: this is the one place that speaks to a developer
  console.warn(`callpop: ${words}`);
}
