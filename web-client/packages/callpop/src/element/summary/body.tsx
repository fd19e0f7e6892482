// What a summary says: what was said, decided and advised.

import type { ComponentChildren, VNode } from "preact";
import type { Summary } from "../../wire.ts";
import type { Words } from "../words/words.ts";
import {
  type ActionItem,
  isEmpty,
  readSummary,
  type SummaryContent,
  type SummarySection,
  type SummaryTopic,
} from "./content.ts";
import { SUMMARY_WORDS, type SummaryWords } from "./words.ts";

interface BodyProps {
  readonly summary: Summary;
  readonly words: Words;
}

interface ContentProps {
  readonly content: SummaryContent;
  readonly own: SummaryWords;
}

/** Reading 200 KiB at every second's tick would be waste. */
const read = new WeakMap<Summary, SummaryContent>();

function contentOf(summary: Summary): SummaryContent {
  const content = read.get(summary) ?? readSummary(summary.content);
  read.set(summary, content);
  return content;
}

export function SummaryBody({ summary, words }: BodyProps): VNode {
  const content = contentOf(summary);
  const own = SUMMARY_WORDS[words.language];
  return (
    <div
      class="summary-body"
      role="group"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={words.summary}
      lang={summary.language}
    >
      {content.title !== "" && <h2 class="summary-title">{content.title}</h2>}
      {content.attendees.length > 0 && (
        <p class="muted small">{`${own.attendees} ${content.attendees.join(", ")}`}</p>
      )}
      {isEmpty(content) && <p class="muted">{own.nothing}</p>}
      <Block title={own.quick} texts={content.quick} kind="lead" />
      <Actions title={own.actions} items={content.actions} />
      <Topics title={own.focus} topics={content.focus} />
      {content.sections.length > 0 && (
        <Group title={own.notes}>
          {content.sections.map((section, index) => (
            <Section key={index} section={section} />
          ))}
        </Group>
      )}
      <Recommendations content={content} own={own} />
    </div>
  );
}

function Recommendations({ content, own }: ContentProps): VNode | null {
  const { conclusion, missed, suggestions } = content.recommendations;
  if (conclusion.length + missed.length + suggestions.length === 0) return null;
  return (
    <Group title={own.recommendations}>
      {conclusion.map((text, index) => (
        <p key={index}>{text}</p>
      ))}
      <Points title={own.suggestions} points={suggestions} />
      <Points title={own.missed} points={missed} />
    </Group>
  );
}

function Section({ section }: { section: SummarySection }): VNode {
  return (
    <section class="section">
      {section.title !== "" && <h4>{section.title}</h4>}
      {section.conclusion.map((text, index) => (
        <p key={index}>{text}</p>
      ))}
      {section.topics.map((topic, index) => (
        <Topic key={index} topic={topic} />
      ))}
    </section>
  );
}

function Topic({ topic }: { topic: SummaryTopic }): VNode {
  return (
    <div class="topic">
      {topic.title !== "" && <h5>{topic.title}</h5>}
      {topic.conclusion.map((text, index) => (
        <p key={index}>{text}</p>
      ))}
      <List texts={topic.points} />
    </div>
  );
}

function Actions({ title, items }: { title: string; items: readonly ActionItem[] }): VNode | null {
  if (items.length === 0) return null;
  return (
    <Group title={title}>
      <ul class="actions">
        {items.map((item, index) => (
          <li key={index}>
            {item.text}
            {item.details.length > 0 && (
              <span class="muted">{` · ${item.details.join(" · ")}`}</span>
            )}
          </li>
        ))}
      </ul>
    </Group>
  );
}

function Topics({ title, topics }: { title: string; topics: readonly string[] }): VNode | null {
  if (topics.length === 0) return null;
  return (
    <Group title={title}>
      <ul class="chips">
        {topics.map((topic, index) => (
          <li key={index} class="chip">
            {topic}
          </li>
        ))}
      </ul>
    </Group>
  );
}

function Points({ title, points }: { title: string; points: readonly string[] }): VNode | null {
  if (points.length === 0) return null;
  return (
    <div class="topic">
      <h4>{title}</h4>
      <List texts={points} />
    </div>
  );
}

interface BlockProps {
  readonly title: string;
  readonly texts: readonly string[];
  readonly kind: string;
}

function Block({ title, texts, kind }: BlockProps): VNode | null {
  if (texts.length === 0) return null;
  return (
    <Group title={title}>
      <div class={kind}>
        {texts.map((text, index) => (
          <p key={index}>{text}</p>
        ))}
      </div>
    </Group>
  );
}

function List({ texts }: { texts: readonly string[] }): VNode | null {
  if (texts.length === 0) return null;
  return (
    <ul>
      {texts.map((text, index) => (
        <li key={index}>{text}</li>
      ))}
    </ul>
  );
}

function Group({ title, children }: { title: string; children: ComponentChildren }): VNode {
  return (
    <section class="group">
      <h3>{title}</h3>
      {children}
    </section>
  );
}
