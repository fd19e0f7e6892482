// A notice that is no card any more, as a row of the list of what was.

import type { VNode } from "preact";
import type { Notice } from "../../wire.ts";
import type { PopupState } from "../popup-state.ts";
import { displayText } from "../text.ts";
import { Sign } from "../view/icons.tsx";
import { timeOfDay } from "../view/time-of-day.ts";
import type { Words } from "../words/words.ts";
import { kindOf, signOf } from "./kinds.ts";
import { NOTICE_WORDS } from "./words.ts";

interface PastProps {
  readonly notice: Notice;
  readonly state: PopupState;
  readonly words: Words;
}

export function PastNotice({ notice, state, words }: PastProps): VNode {
  const own = NOTICE_WORDS[words.language];
  const isDone = notice.state === "done";
  const what = isDone ? own.wasDone : notice.dismissed_at === null ? own.isOver : own.wasDismissed;
  return (
    <li class="recent-call" data-notice={notice.notice_id} data-tone="ended">
      <span class="tone">
        <Sign d={signOf(notice)} />
      </span>
      <div class="identity">
        <p class="row-title">
          <bdi>{displayText(notice.title, 200)}</bdi>
        </p>
        <p class="subtitle">
          {`${own.kinds[kindOf(notice)]} · ${what} · `}
          {timeOfDay(notice.at, words.language, state.nowMs.value)}
        </p>
      </div>
    </li>
  );
}
