// The summary of a call, minutes after it: what was said, decided and advised.

import type { ComponentChildren, VNode } from "preact";
import type { Call, Summary } from "../../wire.ts";
import { clockText } from "../duration.ts";
import type { PopupState } from "../popup-state.ts";
import type { Strings } from "../strings.ts";
import {
  type ActionItem,
  isEmpty,
  readSummary,
  type SummaryContent,
  type SummarySection,
  type SummaryTopic,
} from "../summary-content.ts";
import { Icon } from "./icons.tsx";
import { Who } from "./party.tsx";
import { timeOfDay } from "./time-of-day.ts";

interface SummaryProps {
  readonly call: Call;
  readonly summary: Summary;
  readonly state: PopupState;
  readonly strings: Strings;
}

/** Reading 200 KiB at every second's tick would be waste. */
const read = new WeakMap<Summary, SummaryContent>();

function contentOf(summary: Summary): SummaryContent {
  const content = read.get(summary) ?? readSummary(summary.content);
  read.set(summary, content);
  return content;
}

export function SummaryCard({ call, summary, state, strings }: SummaryProps): VNode {
  const folded = state.summaryFolded.value;
  return (
    <article class="card summary" part="summary" data-leg={call.leg_id} data-tone="summary">
      <header class="state-line">
        <span class="state tone">
          <Icon name="summary" />
          {strings.summary.title}
        </span>
        {folded && (
          <button type="button" class="pill end" onClick={() => state.openSummary(call)}>
            {strings.summary.show}
          </button>
        )}
        <button
          type="button"
          class="icon-button"
          aria-label={strings.summary.close}
          onClick={() => state.closeSummary(call)}
        >
          <Icon name="close" />
        </button>
      </header>
      <p class="summary-of">
        <Who party={call.remote} strings={strings} />
        <span class="muted">
          {` · ${timeOfDay(call.started_at, strings.locale, state.nowMs.value)}`}
          {call.talk_ms > 0 && ` · ${clockText(call.talk_ms)}`}
        </span>
      </p>
      {!folded && (
        <Content content={contentOf(summary)} language={summary.language} strings={strings} />
      )}
    </article>
  );
}

interface ContentProps {
  readonly content: SummaryContent;
  readonly language: string;
  readonly strings: Strings;
}

function Content({ content, language, strings }: ContentProps): VNode {
  const { summary: words } = strings;
  return (
    <div
      class="summary-body"
      role="group"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={words.title}
      lang={language}
    >
      {content.title !== "" && <h2 class="summary-title">{content.title}</h2>}
      {content.attendees.length > 0 && (
        <p class="muted small">{`${words.attendees} ${content.attendees.join(", ")}`}</p>
      )}
      {isEmpty(content) && <p class="muted">{words.nothing}</p>}
      <Block title={words.quick} texts={content.quick} kind="lead" />
      <Actions title={words.actions} items={content.actions} />
      <Topics title={words.focus} topics={content.focus} />
      {content.sections.length > 0 && (
        <Group title={words.notes}>
          {content.sections.map((section, index) => (
            <Section key={index} section={section} />
          ))}
        </Group>
      )}
      <Recommendations content={content} strings={strings} />
    </div>
  );
}

function Recommendations({ content, strings }: Omit<ContentProps, "language">): VNode | null {
  const { conclusion, missed, suggestions } = content.recommendations;
  if (conclusion.length + missed.length + suggestions.length === 0) return null;
  return (
    <Group title={strings.summary.recommendations}>
      {conclusion.map((text, index) => (
        <p key={index}>{text}</p>
      ))}
      <Points title={strings.summary.suggestions} points={suggestions} />
      <Points title={strings.summary.missed} points={missed} />
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
