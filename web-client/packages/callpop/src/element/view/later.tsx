// Draws a part that is loaded when it is needed, and says so when that takes long or fails.

import type { VNode } from "preact";
import type { Lazy, Part } from "../lazy.ts";
import type { Words } from "../words/words.ts";

interface LaterProps<P extends Part> {
  readonly part: Lazy<P>;
  readonly words: Words;
  /** What stands in its place while it loads; without it, nothing does. */
  readonly title?: string;
  readonly children: (part: P) => VNode | null;
}

export function Later<P extends Part>(props: LaterProps<P>): VNode | null {
  const { part, words, title, children } = props;
  const loaded = part.get();
  if (loaded !== null) return children(loaded);
  if (!part.hasFailed) {
    if (title === undefined) return null;
    return (
      <div class="card" data-tone="summary">
        <p class="state tone">{title}</p>
        <p class="muted">{words.part.loading}</p>
      </div>
    );
  }
  return (
    <div class="notice" data-tone="unconfirmed">
      <p>{title === undefined ? words.part.failed : `${title}: ${words.part.failed}`}</p>
      <button type="button" class="button" onClick={() => part.retry()}>
        {words.connection.tryAgain}
      </button>
    </div>
  );
}
