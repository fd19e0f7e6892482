// Copies texts of a summary: by the clipboard where the browser allows it, else by a field with
// the text selected, for the reader's own keys.

import { Component, createRef, type ComponentChildren, type VNode } from "preact";
import { LOCALES } from "../language.ts";
import { Sign, TICK } from "../view/icons.tsx";
import type { SummaryWords } from "./words.ts";

const COPY = "M9 8.5h10.5V20H9ZM15 8.5V4H4.5v11.5H9";
/** How long a copied text is marked as such. */
const MARKED_MS = 2_500;

interface CopyingProps {
  readonly words: SummaryWords;
  readonly children: (copy: Copy) => ComponentChildren;
}

interface CopyingState {
  /** What was copied last. */
  readonly done: string | null;
  /** What the browser did not let us copy. */
  readonly refused: string | null;
}

/** A button that copies a text. */
export type Copy = (button: {
  readonly text: string;
  /** For those who see it; without it, the button is its sign alone. */
  readonly label?: string;
  readonly name: string;
}) => VNode;

export class Copying extends Component<CopyingProps, CopyingState> {
  override readonly state: CopyingState = { done: null, refused: null };
  readonly #field = createRef<HTMLTextAreaElement>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  override componentWillUnmount(): void {
    clearTimeout(this.#timer);
  }

  override render(): VNode {
    const { done, refused } = this.state;
    const { words, children } = this.props;
    return (
      <>
        {children((button) => (
          <button
            type="button"
            class={button.label === undefined ? "icon-button copy" : "pill copy"}
            data-done={done === button.text || undefined}
            aria-label={button.name}
            onClick={() => void this.#copy(button.text)}
          >
            <Sign d={done === button.text ? TICK : COPY} />
            {button.label}
          </button>
        ))}
        <p class="copy-state" role="status" lang={LOCALES[words.language]}>
          {refused !== null ? words.selected : done !== null ? words.copied : ""}
        </p>
        {refused !== null && (
          <textarea
            ref={this.#field}
            class="field"
            readOnly
            rows={4}
            aria-label={words.selected}
            value={refused}
          />
        )}
      </>
    );
  }

  async #copy(text: string): Promise<void> {
    clearTimeout(this.#timer);
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      return this.#select(text);
    }
    this.setState({ done: text, refused: null });
    this.#timer = setTimeout(() => this.setState({ done: null }), MARKED_MS);
  }

  /** The reader has just pressed a button, so the focus may move. */
  #select(text: string): void {
    this.setState({ done: null, refused: text }, () => {
      this.#field.current?.focus();
      this.#field.current?.select();
    });
  }
}
