// What a summary says: what was said, decided and advised, and buttons to take it along.

import type { ComponentChildren, VNode } from "preact";
import type { Summary } from "../../wire.ts";
import { fill, LOCALES } from "../language.ts";
import { displayText } from "../text.ts";
import type { Words } from "../words/words.ts";
import { actionsText, actionText, summaryText } from "./as-text.ts";
import {
  isEmpty,
  readSummary,
  type SummaryContent,
  type SummarySection,
  type SummaryTopic,
} from "./content.ts";
import { type Copy, Copying } from "./copying.tsx";
import { SUMMARY_WORDS, type SummaryWords } from "./words.ts";

interface BodyProps {
  readonly summary: Summary;
  readonly words: Words;
}

interface ContentProps {
  readonly content: SummaryContent;
  readonly words: SummaryWords;
}

const LANGUAGE_TAG = /^[a-z]{2,3}(-[a-z\d]{2,8})*$/i;
/** Reading 200 KiB at every second's tick would be waste. */
const read = new WeakMap<Summary, SummaryContent>();

function contentOf(summary: Summary): SummaryContent {
  const content = read.get(summary) ?? readSummary(summary.content);
  read.set(summary, content);
  return content;
}

export function SummaryBody({ summary, words: { language, summary: title } }: BodyProps): VNode {
  const content = contentOf(summary);
  const words = SUMMARY_WORDS[language];
  const known = LANGUAGE_TAG.test(summary.language);
  return (
    <div
      class="summary-body"
      role="group"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={title}
      lang={known ? summary.language : undefined}
    >
      {content.title !== "" && <h2 class="summary-title">{content.title}</h2>}
      {content.attendees.length > 0 && (
        <p class="muted small">
          <Own words={words}>{words.attendees}</Own> {content.attendees.join(", ")}
        </p>
      )}
      <Copying words={words}>
        {(copy) => (
          <>
            {isEmpty(content) ? (
              <p class="muted" lang={LOCALES[language]}>
                {words.nothing}
              </p>
            ) : (
              <Content content={content} words={words} copy={copy} />
            )}
          </>
        )}
      </Copying>
    </div>
  );
}

function Content({ content, words, copy }: ContentProps & { readonly copy: Copy }): VNode {
  const whole = summaryText(content, words);
  return (
    <>
      {content.quick.length > 0 && (
        <Group title={words.quick} words={words}>
          <div class="lead">
            <Paragraphs texts={content.quick} />
          </div>
        </Group>
      )}
      <Actions content={content} words={words} copy={copy} />
      {content.focus.length > 0 && (
        <Group title={words.focus} words={words}>
          <ul class="chips">
            {content.focus.map((topic, index) => (
              <li key={index} class="chip">
                {topic}
              </li>
            ))}
          </ul>
        </Group>
      )}
      {content.sections.length > 0 && (
        <Group title={words.notes} words={words}>
          {content.sections.map((section, index) => (
            <Section key={index} section={section} />
          ))}
        </Group>
      )}
      <Recommendations content={content} words={words} />
      <div class="copy-all" lang={LOCALES[words.language]}>
        {copy({ text: whole, label: words.copyAll, name: words.copyAll })}
      </div>
    </>
  );
}

interface ActionsProps extends ContentProps {
  readonly copy: Copy;
}

function Actions({ content: { actions }, words, copy }: ActionsProps): VNode | null {
  if (actions.length === 0) return null;
  const all = {
    text: actionsText(actions),
    label: words.copyActions,
    name: `${words.copyActions}: ${words.actions}`,
  };
  return (
    <Group title={words.actions} words={words} button={actions.length > 1 ? copy(all) : null}>
      <ul class="actions">
        {actions.map((action, index) => {
          const text = actionText(action);
          const name = fill(words.copyAction, { text: displayText(text, 80) });
          return (
            <li key={index}>
              <span>
                {action.text}
                {action.details.length > 0 && (
                  <span class="muted">{` · ${action.details.join(" · ")}`}</span>
                )}
              </span>
              {copy({ text, name })}
            </li>
          );
        })}
      </ul>
    </Group>
  );
}

function Recommendations({ content, words }: ContentProps): VNode | null {
  const { conclusion, missed, suggestions } = content.recommendations;
  if (conclusion.length + missed.length + suggestions.length === 0) return null;
  return (
    <Group title={words.recommendations} words={words}>
      <Paragraphs texts={conclusion} />
      {[
        { title: words.suggestions, texts: suggestions },
        { title: words.missed, texts: missed },
      ].map(
        ({ title, texts }) =>
          texts.length > 0 && (
            <div key={title} class="topic">
              <h4 lang={LOCALES[words.language]}>{title}</h4>
              <List texts={texts} />
            </div>
          ),
      )}
    </Group>
  );
}

function Section({ section }: { section: SummarySection }): VNode {
  return (
    <section class="section">
      {section.title !== "" && <h4>{section.title}</h4>}
      <Paragraphs texts={section.conclusion} />
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
      <Paragraphs texts={topic.conclusion} />
      <List texts={topic.points} />
    </div>
  );
}

function Paragraphs({ texts }: { texts: readonly string[] }): VNode {
  return (
    <>
      {texts.map((text, index) => (
        <p key={index}>{text}</p>
      ))}
    </>
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

interface GroupProps {
  readonly title: string;
  readonly words: SummaryWords;
  readonly button?: VNode | null;
  readonly children: ComponentChildren;
}

function Group({ title, words, button, children }: GroupProps): VNode {
  return (
    <section class="group">
      <div class="group-head" lang={LOCALES[words.language]}>
        <h3>{title}</h3>
        {button}
      </div>
      {children}
    </section>
  );
}

/** A word of the popup within the text of the summary. */
function Own({ words, children }: { words: SummaryWords; children: string }): VNode {
  return <span lang={LOCALES[words.language]}>{children}</span>;
}
