// The self-check: what works, what does not, and what to do about it. Loaded when it is opened.

import { Component, type VNode } from "preact";
import { type AlertsProps, keepingFocus } from "../alerts/line.tsx";
import { fill, type Language } from "../language.ts";
import { Sign, TICK } from "../view/icons.tsx";
import css from "./check.css?inline";
import { gatherFacts } from "./facts.ts";
import { type Facts, type Finding, findingsOf, type Health } from "./findings.ts";
import { loadCheckWords } from "./load-words.ts";
import { reportOf } from "./report.ts";
import type { CheckWords } from "./words.ts";

export { css };

/** A shape for each, so that colour is not needed. */
const SIGNS: Readonly<Record<Health, string>> = {
  good: TICK,
  attention: "M12 4 21 20H3ZM12 10v4.5M12 17.2v.1",
  unknown: "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 18v.1",
};
const TONES: Readonly<Record<Health, string>> = {
  good: "active",
  attention: "held",
  unknown: "unconfirmed",
};

/** What was found, and the words for it. */
interface Found {
  readonly facts: Facts;
  readonly language: Language;
  readonly words: CheckWords;
}

interface CheckState {
  /** null: the check is under way; "failed": its words could not be loaded. */
  readonly found: Found | "failed" | null;
  /** "text": it could not be copied, so it is shown. */
  readonly copied: "no" | "yes" | "text";
}

export class SelfCheck extends Component<AlertsProps, CheckState> {
  override state: CheckState = { found: null, copied: "no" };

  override componentDidMount(): void {
    void this.#run();
  }

  override componentDidUpdate(): void {
    const { found } = this.state;
    if (found === null || found === "failed") return;
    if (found.language !== this.props.of.coreWords.language) void this.#run();
  }

  override render(): VNode {
    const { found } = this.state;
    const { part, connection } = this.props.of.coreWords;
    if (found === null) {
      return (
        <p class="check muted small" tabIndex={-1}>
          {part.loading}
        </p>
      );
    }
    if (found !== "failed") return this.#panel(found);
    return (
      <div class="notice" data-tone="unconfirmed">
        <p>{part.failed}</p>
        <button type="button" class="button" onClick={() => void this.#run()}>
          {connection.tryAgain}
        </button>
      </div>
    );
  }

  #panel({ facts, words }: Found): VNode {
    const { copied } = this.state;
    const { isChecking } = this.props.of;
    return (
      <section class="check" tabIndex={-1} aria-label={words.title}>
        <h2>{words.title}</h2>
        <ul>
          {findingsOf(facts).map((finding) => (
            <Row
              key={finding.subject}
              finding={finding}
              words={words}
              text={this.#text(finding, words)}
            />
          ))}
        </ul>
        <p class="check-ends">
          <button type="button" class="pill" onClick={() => void this.#again()}>
            {words.again}
          </button>
          <button type="button" class="pill" onClick={() => void this.#copy()}>
            {copied === "yes" ? words.copied : words.copy}
          </button>
          <button
            type="button"
            class="link end"
            onClick={keepingFocus(() => {
              isChecking.value = false;
            })}
          >
            {words.back}
          </button>
        </p>
        <p role="status" class="announcer">
          {copied === "yes" && words.copied}
        </p>
        {copied === "text" && (
          <textarea
            class="field"
            rows={8}
            readOnly
            aria-label={words.title}
            value={this.#report()}
          />
        )}
      </section>
    );
  }

  #text({ code, values }: Finding, words: CheckWords): string {
    const { coreWords, options } = this.props.of;
    const connection = options.state.connection.value;
    if (code === "refused" && connection.phase === "refused") {
      return coreWords.connection.refusal[connection.reason];
    }
    return fill(words.texts[code], values);
  }

  async #run(): Promise<void> {
    const { of } = this.props;
    const { language } = of.coreWords;
    try {
      const [facts, words] = await Promise.all([gatherFacts(of), loadCheckWords(language)]);
      this.setState({ found: { facts, language, words }, copied: "no" });
    } catch {
      this.setState({ found: "failed" });
    }
  }

  /** The click allows a sound, so that is tested too. */
  async #again(): Promise<void> {
    const { of } = this.props;
    if (!of.settings.isQuiet && of.wantsSound) await of.testSound();
    await this.#run();
  }

  async #copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.#report());
      this.setState({ copied: "yes" });
    } catch {
      this.setState({ copied: "text" });
    }
  }

  #report(): string {
    const { found } = this.state;
    if (found === null || found === "failed") return "";
    return reportOf(findingsOf(found.facts), found.facts, navigator.userAgent);
  }
}

interface RowProps {
  readonly finding: Finding;
  readonly words: CheckWords;
  readonly text: string;
}

function Row({ finding: { subject, health, code }, words, text }: RowProps): VNode {
  return (
    <li data-subject={subject} data-health={health} data-code={code} data-tone={TONES[health]}>
      <Sign d={SIGNS[health]} />
      <div>
        <p class="check-name">
          {words.subjects[subject]}
          <span class="tone">{words.health[health]}</span>
        </p>
        <p class="muted small">{text}</p>
      </div>
    </li>
  );
}
