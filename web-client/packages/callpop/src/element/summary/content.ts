// The provider's summary, read with distrust: any part may be missing, of another type,
// or hostile. What is understood is kept, the rest passed over; nothing here throws.

import { displayText } from "../text.ts";

const LONGEST_TEXT = 4_000;
const MOST_ENTRIES = 200;
// The provider shows no example of an action item that is an object: these are usual names.
const TEXT_KEYS = [
  "text",
  "title",
  "action",
  "action_item",
  "item",
  "task",
  "point",
  "description",
];
const DETAIL_KEYS = ["owner", "assignee", "responsible", "due", "due_date", "deadline"];

export interface SummaryTopic {
  readonly title: string;
  readonly conclusion: readonly string[];
  readonly points: readonly string[];
}

export interface SummarySection {
  readonly title: string;
  readonly conclusion: readonly string[];
  readonly topics: readonly SummaryTopic[];
}

export interface SummaryAction {
  readonly text: string;
  /** Who does it and until when, as far as told. */
  readonly details: readonly string[];
}

export interface SummaryContent {
  readonly title: string;
  readonly attendees: readonly string[];
  readonly quick: readonly string[];
  readonly focus: readonly string[];
  readonly actions: readonly SummaryAction[];
  readonly sections: readonly SummarySection[];
  readonly recommendations: {
    readonly conclusion: readonly string[];
    readonly missed: readonly string[];
    readonly suggestions: readonly string[];
  };
}

/** Reads what is understood of a summary's content. */
export function readSummary(content: unknown): SummaryContent {
  const root = record(content);
  const advice = record(root.alfie_recommendations);
  return {
    title: text(root.meeting_title),
    attendees: texts(record(root.meeting_information).attendees),
    quick: texts(root.quick_summary),
    focus: texts(root.focus_topics),
    actions: list(root.action_items)
      .map(readAction)
      .filter((action) => action.text !== ""),
    sections: list(root.meeting_notes_sections).map(readSection).filter(hasText),
    recommendations: {
      conclusion: texts(advice.conclusion),
      missed: texts(advice.missed),
      suggestions: texts(advice.suggestions),
    },
  };
}

/** Whether there is anything to show below the title. */
export function isEmpty(content: SummaryContent): boolean {
  const { recommendations: advice } = content;
  return [
    content.quick,
    content.focus,
    content.actions,
    content.sections,
    advice.conclusion,
    advice.missed,
    advice.suggestions,
  ].every((part) => part.length === 0);
}

function readSection(value: unknown): SummarySection {
  if (typeof value === "string") return { title: "", conclusion: texts(value), topics: [] };
  const section = record(value);
  return {
    title: text(section.section_title),
    conclusion: texts(section.conclusion),
    topics: list(section.topics)
      .map(readTopic)
      .filter((topic) => topic.title !== "" || topic.conclusion.length + topic.points.length > 0),
  };
}

function readTopic(value: unknown): SummaryTopic {
  if (typeof value === "string") return { title: "", conclusion: [], points: texts(value) };
  const topic = record(value);
  return {
    title: text(topic.topic_title),
    conclusion: texts(topic.conclusion),
    points: texts(topic.points),
  };
}

function hasText(section: SummarySection): boolean {
  return section.title !== "" || section.conclusion.length + section.topics.length > 0;
}

function readAction(value: unknown): SummaryAction {
  const fields = record(value);
  return {
    text: entry(value),
    details: DETAIL_KEYS.map((key) => text(fields[key])).filter((detail) => detail !== ""),
  };
}

/** A text, or the text of an object that carries one. */
function entry(value: unknown): string {
  const fields = record(value);
  return (
    [text(value), ...TEXT_KEYS.map((key) => text(fields[key]))].find((found) => found !== "") ?? ""
  );
}

function text(value: unknown): string {
  return displayText(typeof value === "number" ? String(value) : value, LONGEST_TEXT);
}

/** A list of texts; a single text counts as one. */
function texts(value: unknown): string[] {
  return list(value)
    .map(entry)
    .filter((found) => found !== "");
}

function list(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.slice(0, MOST_ENTRIES);
  return value === undefined || value === null ? [] : [value];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
