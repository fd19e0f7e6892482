// Contents of summaries: the provider's example, a full one, and hostile ones.

import { readFileSync } from "node:fs";

const fixture = new URL("../../../tests/fixtures/telsmart/7-summary.jsonl", import.meta.url);

/** The content of the provider's example. */
export function exampleContent(): unknown {
  const event = JSON.parse(readFileSync(fixture, "utf8").trim());
  return event.summary.content;
}

export const FULL_CONTENT: unknown = {
  meeting_title: "Phone call between Marie Peeters and John Doe - 8th December 2025",
  meeting_information: { attendees: ["Marie Peeters", "John Doe"], location: "Phone Call" },
  quick_summary: [
    "Marie reported that invoice 2025-1187 was charged twice and asked for the second payment back.",
    "John confirmed the double charge and promised a refund within three working days.",
  ],
  action_items: [
    "Refund the second payment of € 248.00 for invoice 2025-1187",
    { text: "Send a written confirmation to Marie", owner: "John Doe", due_date: "9 December" },
  ],
  focus_topics: ["Double charge", "Refund", "Direct debit"],
  meeting_notes_sections: [
    {
      section_number: 1,
      section_title: "Billing",
      conclusion: ["The invoice was collected on the 1st and again on the 3rd of December."],
      topics: [
        {
          topic_title: "Double charge",
          conclusion: ["Caused by a second direct debit run."],
          points: ["Marie saw both payments on her statement.", "John found both in the ledger."],
        },
        { topic_title: "Refund", points: ["Paid to the same account.", "Three working days."] },
      ],
    },
    {
      section_number: 2,
      section_title: "Follow-up",
      topics: [{ topic_title: "Confirmation", points: ["By e-mail, with the date of payment."] }],
    },
  ],
  alfie_recommendations: {
    conclusion: "A clear and friendly call. The caller's problem was solved at once. 🚀",
    suggestions: ["Offer to call back once the refund is paid."],
    missed: ["The cause of the second direct debit run was not explained."],
  },
};
