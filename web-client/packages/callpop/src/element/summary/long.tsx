// A summary that is too long for the frames of its call: asked for when it is opened.

import { Component, type VNode } from "preact";
import type { Call, Summary } from "../../wire.ts";
import { LOCALES } from "../language.ts";
import type { PopupState } from "../popup-state.ts";
import type { Words } from "../words/words.ts";
import { SummaryBody } from "./body.tsx";
import { SUMMARY_WORDS } from "./words.ts";

export interface SummaryProps {
  readonly call: Call;
  readonly summary: Summary;
  readonly state: PopupState;
  readonly words: Words;
}

interface LongState {
  /** With all that it says, once that has come. */
  readonly whole: Summary | null;
  readonly isFailed: boolean;
}

export class LongSummary extends Component<SummaryProps, LongState> {
  override readonly state: LongState = { whole: null, isFailed: false };
  #isGone = false;

  override componentDidMount(): void {
    void this.#ask();
  }

  override componentWillUnmount(): void {
    this.#isGone = true;
  }

  override render(): VNode {
    const { whole, isFailed } = this.state;
    const { words } = this.props;
    const own = SUMMARY_WORDS[words.language];
    if (whole !== null) return <SummaryBody summary={whole} words={words} />;
    return (
      <div class="summary-body" lang={LOCALES[words.language]}>
        <p class="muted" role="status" aria-busy={!isFailed}>
          {isFailed ? own.failed : own.loading}
        </p>
        {isFailed && (
          <button type="button" class="pill" onClick={() => void this.#ask()}>
            {words.connection.tryAgain}
          </button>
        )}
      </div>
    );
  }

  async #ask(): Promise<void> {
    const { call, summary, state } = this.props;
    this.setState({ isFailed: false });
    try {
      const { source } = state;
      if (source?.summary === undefined) throw new Error("this source has no long summaries");
      const content = await source.summary(call);
      // Built once: what is read of it is remembered by it.
      const { language, reported_at } = summary;
      if (!this.#isGone) this.setState({ whole: { language, reported_at, content } });
    } catch {
      if (!this.#isGone) this.setState({ isFailed: true });
    }
  }
}
