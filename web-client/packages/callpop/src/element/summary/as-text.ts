// A summary as plain text, to paste into a ticket or an e-mail.

import type { SummaryAction, SummaryContent } from "./content.ts";
import type { SummaryWords } from "./words.ts";

/** "Send a confirmation · John Doe · 9 December" */
export function actionText({ text, details }: SummaryAction): string {
  return [text, ...details].join(" · ");
}

/** One line an action. */
export function actionsText(actions: readonly SummaryAction[]): string {
  return actions.map((action) => `- ${actionText(action)}`).join("\n");
}

/** The whole of it, in paragraphs with their titles. */
export function summaryText(content: SummaryContent, words: SummaryWords): string {
  const { recommendations: advice, attendees, sections } = content;
  const head = [
    content.title,
    attendees.length > 0 ? `${words.attendees} ${attendees.join(", ")}` : "",
  ];
  const blocks = [
    head,
    titled(words.quick, content.quick),
    titled(words.actions, content.actions.length > 0 ? [actionsText(content.actions)] : []),
    titled(words.focus, points(content.focus)),
    ...sections.map((section) => [
      section.title || words.notes,
      ...section.conclusion,
      ...section.topics.flatMap((topic) => [
        topic.title,
        ...topic.conclusion,
        ...points(topic.points),
      ]),
    ]),
    titled(words.recommendations, advice.conclusion),
    titled(words.suggestions, points(advice.suggestions)),
    titled(words.missed, points(advice.missed)),
  ];
  return blocks
    .map((lines) => lines.filter((line) => line !== "").join("\n"))
    .filter((block) => block !== "")
    .join("\n\n");
}

function titled(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

function points(texts: readonly string[]): string[] {
  return texts.map((text) => `- ${text}`);
}
