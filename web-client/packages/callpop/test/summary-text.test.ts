import { expect, test } from "vitest";
import { FULL_CONTENT } from "../../../tests/support/summaries.ts";
import { actionsText, summaryText } from "../src/element/summary/as-text.ts";
import { readSummary } from "../src/element/summary/content.ts";
import { SUMMARY_WORDS } from "../src/element/summary/words.ts";

test("the action items are copied one a line, with who and when", () => {
  expect(actionsText(readSummary(FULL_CONTENT).actions)).toBe(
    [
      "- Refund the second payment of € 248.00 for invoice 2025-1187",
      "- Send a written confirmation to Marie · John Doe · 9 December",
    ].join("\n"),
  );
});

test("a summary is copied whole, in paragraphs, with titles in the reader's language", () => {
  const paragraphs = summaryText(readSummary(FULL_CONTENT), SUMMARY_WORDS.nl).split("\n\n");
  expect(paragraphs.map((paragraph) => paragraph.split("\n")[0])).toEqual([
    "Phone call between Marie Peeters and John Doe - 8th December 2025",
    "In het kort",
    "Actiepunten",
    "Hoofdonderwerpen",
    "Billing",
    "Follow-up",
    "Aanbevelingen",
    "Suggesties",
    "Gemist",
  ]);
  expect(paragraphs[4]).toContain(
    "Caused by a second direct debit run.\n- Marie saw both payments",
  );
});

test("what a summary lacks leaves no title behind", () => {
  const content = readSummary({ quick_summary: "Only this." });
  expect(summaryText(content, SUMMARY_WORDS.en)).toBe("In short\nOnly this.");
  expect(summaryText(readSummary(null), SUMMARY_WORDS.en)).toBe("");
});
