// Draws a part that is loaded when it is needed, and says so when that takes long or fails.

import type { VNode } from "preact";
import type { Lazy, Part } from "../lazy.ts";
import type { Words } from "../words/words.ts";

interface LaterProps<P extends Part> {
  readonly part: Lazy<P>;
  readonly words: Words;
  /** Nothing stands in its place while it loads. */
  readonly quietly?: boolean;
  readonly children: (part: P) => VNode | null;
}

export function Later<P extends Part>(props: LaterProps<P>): VNode | null {
  const { part, words, children } = props;
  const loaded = part.get();
  if (loaded !== null) return children(loaded);
  if (!part.hasFailed) {
    return props.quietly ? null : <p class="muted small">{words.part.loading}</p>;
  }
  return (
    <div class="notice" data-tone="unconfirmed">
      <p>{words.part.failed}</p>
      <button type="button" class="button" onClick={() => part.retry()}>
        {words.connection.tryAgain}
      </button>
    </div>
  );
}
