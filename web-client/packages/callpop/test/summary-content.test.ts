import { expect, test } from "vitest";
import { exampleContent, FULL_CONTENT } from "../../../tests/support/summaries.ts";
import { isEmpty, readSummary } from "../src/element/summary/content.ts";

test("the provider's example is understood whole", () => {
  const summary = readSummary(exampleContent());
  expect(summary.title).toBe(
    "Phone call between External Person 1 and John Doe - 8th December 2025",
  );
  expect(summary.attendees).toEqual(["External Person 1", "John Doe"]);
  expect(summary.quick).toHaveLength(2);
  expect(summary.focus).toEqual([
    "Test call for summary generation",
    "Evaluation of summary output",
  ]);
  expect(summary.actions).toEqual([]);
  expect(summary.sections[0]?.title).toBe("Purpose of the Call");
  expect(summary.sections[0]?.topics[0]?.points).toHaveLength(3);
  expect(summary.recommendations.conclusion[0]).toContain("🚀");
  expect(summary.recommendations.missed).toHaveLength(1);
  expect(summary.recommendations.suggestions).toHaveLength(2);
  expect(isEmpty(summary)).toBe(false);
});

test("action items are texts or objects", () => {
  expect(readSummary(FULL_CONTENT).actions).toEqual([
    { text: "Refund the second payment of € 248.00 for invoice 2025-1187", details: [] },
    { text: "Send a written confirmation to Marie", details: ["John Doe", "9 December"] },
  ]);
  const odd = [7, null, "", [], {}, { owner: "nobody" }, { action_item: "call back" }];
  expect(readSummary({ action_items: odd }).actions.map((item) => item.text)).toEqual([
    "7",
    "call back",
  ]);
});

test.each([null, undefined, 0, "text", true, [], [[[]]], () => 1, Symbol("s"), Number.NaN])(
  "content that is %s has nothing to show",
  (content) => {
    expect(isEmpty(readSummary(content))).toBe(true);
  },
);

test("parts of the wrong type are passed over, the others are kept", () => {
  const summary = readSummary({
    meeting_title: { text: "no" },
    quick_summary: "one text, not a list",
    focus_topics: [1, null, "two", { x: 1 }],
    meeting_information: "by phone",
    alfie_recommendations: [],
    action_items: "do it",
    meeting_notes_sections: [
      null,
      7,
      "a section that is a text",
      { section_title: 3, topics: "a topic that is a text" },
      { conclusion: { text: "an object" }, topics: [null, [], { points: { text: "one point" } }] },
      { topics: [{}], conclusion: [] },
    ],
  });
  expect(summary.title).toBe("");
  expect(summary.quick).toEqual(["one text, not a list"]);
  expect(summary.focus).toEqual(["1", "two"]);
  expect(summary.actions).toEqual([{ text: "do it", details: [] }]);
  expect(summary.sections).toEqual([
    { title: "", conclusion: ["a section that is a text"], topics: [] },
    {
      title: "3",
      conclusion: [],
      topics: [{ title: "", conclusion: [], points: ["a topic that is a text"] }],
    },
    {
      title: "",
      conclusion: ["an object"],
      topics: [{ title: "", conclusion: [], points: ["one point"] }],
    },
  ]);
});

test("names of the language itself are no fields", () => {
  const hostile = JSON.parse(
    '{"__proto__":{"meeting_title":"x"},"constructor":{"name":"y"},"action_items":[{"__proto__":{"text":"z"}}]}',
  );
  const summary = readSummary(hostile);
  expect(summary.title).toBe("");
  expect(summary.actions).toEqual([]);
  expect(Object.prototype).not.toHaveProperty("meeting_title");
});

test("a huge or deep summary is bounded", () => {
  let deep: unknown = "bottom";
  for (let level = 0; level < 20_000; level += 1) deep = [deep];
  const summary = readSummary({
    meeting_title: "x".repeat(200_000),
    quick_summary: Array(100_000).fill("line"),
    focus_topics: deep,
  });
  expect(summary.title).toHaveLength(4_000);
  expect(summary.quick).toHaveLength(200);
  expect(summary.focus).toEqual([]);
});

test("markup stays text", () => {
  const markup = '<script>alert(1)</script><img src=x onerror="alert(1)">';
  expect(readSummary({ quick_summary: [markup] }).quick).toEqual([markup]);
});
