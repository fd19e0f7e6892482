// What a caller or a model might put into a name or a summary to be more than text.

const MARKUP = '<img src=x onerror="document.title=1">';
const SCRIPT = "<script>document.title=2</script>";

/** Markup between control characters, right-to-left overrides and isolates. */
export const HOSTILE_NAME: string = `\u202e\u0007${MARKUP}\u2066\u200f\u001b[31m \u0000Doe`;

const line = `${SCRIPT}${MARKUP}\u202e\u0000 javascript:alert(1)`;

/** Of a good shape with hostile texts, and of bad shapes, and long. */
export const HOSTILE_CONTENT: unknown = {
  meeting_title: line,
  quick_summary: [line, { toString: "no", text: line }, null, 7],
  focus_topics: [line, "x".repeat(3_000)],
  action_items: [line, { text: line, owner: MARKUP }, []],
  meeting_notes_sections: [
    { section_title: line, conclusion: [line], topics: [{ topic_title: line, points: [line] }] },
    "not a section",
    { topics: { points: 1 } },
  ],
  alfie_recommendations: { conclusion: line, missed: line, suggestions: [line, null] },
  meeting_information: { attendees: [line, {}], constructor: "x" },
  ["__proto__"]: { polluted: true },
};
