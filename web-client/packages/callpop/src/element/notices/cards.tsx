// The notices that are open, below the calls: each with what it says, a link to more, and two ways to
// be rid of it. They are announced politely, since somebody may be talking.

import { Component, type VNode } from "preact";
import { keyOf } from "../../item-key.ts";
import type { Notice } from "../../wire.ts";
import { isNews } from "../arrangement.ts";
import { fill, plural } from "../language.ts";
import type { PopupState } from "../popup-state.ts";
import { displayText } from "../text.ts";
import { Icon, Sign, TICK } from "../view/icons.tsx";
import { Who } from "../view/party.tsx";
import { timeOfDay } from "../view/time-of-day.ts";
import type { Words } from "../words/words.ts";
import { addressOf, kindOf, signOf } from "./kinds.ts";
import { NOTICE_WORDS, type NoticeWords } from "./words.ts";

/** A live region is watched a little after it came into the page. */
const HEARD_MS = 150;
/** What is longer is folded. */
const FOLDED_FROM = 180;
const OUT = "M13.5 4.5h6v6m0-6-9 9M17 14v5.5H4.5V7H10";

interface CardsProps {
  readonly state: PopupState;
  readonly words: Words;
}

interface CardsState {
  readonly isHeard: boolean;
  /** Cards that show all of their text, by their keys. */
  readonly unfolded: ReadonlySet<string>;
}

export class NoticeCards extends Component<CardsProps, CardsState> {
  override readonly state: CardsState = { isHeard: false, unfolded: new Set() };
  #timer: ReturnType<typeof setTimeout> | undefined;

  override componentDidMount(): void {
    this.#timer = setTimeout(() => this.setState({ isHeard: true }), HEARD_MS);
  }

  override componentWillUnmount(): void {
    clearTimeout(this.#timer);
  }

  override render(): VNode {
    const { state, words } = this.props;
    const own = NOTICE_WORDS[words.language];
    const notices = state.openNotices.value;
    return (
      <section class="notices" part="notices" aria-label={own.title}>
        <div class="announcer" aria-live="polite">
          {this.state.isHeard && notices.filter(isNew).map((notice) => said(notice, own))}
        </div>
        <h2 class="others">{plural(words.language, own.count, notices.length)}</h2>
        <ul>
          {notices.map((notice) => {
            const key = keyOf(notice);
            const isFolded = !this.state.unfolded.has(key);
            const fold = (): void => this.#fold(key, !isFolded);
            const props = { notice, state, words, own, isFolded, fold };
            return <Card key={key} {...props} />;
          })}
        </ul>
      </section>
    );

    function isNew(notice: Notice): boolean {
      return isNews(notice, state.nowMs.value);
    }
  }

  #fold(key: string, isFolded: boolean): void {
    const others = [...this.state.unfolded].filter((other) => other !== key);
    this.setState({ unfolded: new Set(isFolded ? others : [...others, key]) });
  }
}

/** Posted again, it is another word. */
function said(notice: Notice, own: NoticeWords): VNode {
  const values = { kind: own.kinds[kindOf(notice)], title: displayText(notice.title, 200) };
  return <p key={`${keyOf(notice)} ${notice.at}`}>{fill(own.announce, values)}</p>;
}

interface CardProps extends CardsProps {
  readonly notice: Notice;
  readonly own: NoticeWords;
  readonly isFolded: boolean;
  readonly fold: () => void;
}

function Card(props: CardProps): VNode {
  const { notice, state, words, own } = props;
  const title = displayText(notice.title, 200);
  const time = (us: number): string => timeOfDay(us, words.language, state.nowMs.value);
  return (
    <li
      class="notice-card"
      part="notice-card"
      data-notice={notice.notice_id}
      data-kind={kindOf(notice)}
      data-tone="summary"
    >
      <div class="notice-head">
        <span class="badge">
          <Sign d={signOf(notice)} />
        </span>
        <div class="identity">
          <p class="notice-title">
            <bdi>{title}</bdi>
          </p>
          <p class="subtitle">
            <span class="tone">{own.kinds[kindOf(notice)]}</span>
            {` · ${time(notice.at)}`}
            {notice.expires_at !== null &&
              ` · ${fill(own.until, { time: time(notice.expires_at) })}`}
            {notice.remote !== null && (
              <>
                {" · "}
                <Who party={notice.remote} words={words} />
              </>
            )}
          </p>
        </div>
        <button
          type="button"
          class="icon-button"
          aria-label={fill(own.dismissOf, { title })}
          onClick={() => state.dismissNotice(notice)}
        >
          <Icon name="close" />
        </button>
      </div>
      <Body {...props} />
      <Foot {...props} title={title} />
    </li>
  );
}

function Body({ notice, own, isFolded, fold }: CardProps): VNode | null {
  const body = displayText(notice.body, 2_000);
  if (body === "") return null;
  const isLong = body.length > FOLDED_FROM;
  return (
    <>
      <p class="notice-body" data-folded={isLong && isFolded}>
        <bdi>{body}</bdi>
      </p>
      {isLong && (
        <button type="button" class="link notice-more" aria-expanded={!isFolded} onClick={fold}>
          {isFolded ? own.more : own.less}
        </button>
      )}
    </>
  );
}

function Foot({ notice, state, own, title }: CardProps & { title: string }): VNode {
  const address = addressOf(notice);
  return (
    <p class="notice-foot">
      {address !== null && (
        <a
          class="pill"
          href={address}
          target="_blank"
          rel="noopener noreferrer"
          aria-label={fill(own.openOf, { title })}
        >
          <Sign d={OUT} />
          {own.open}
        </a>
      )}
      {state.canFinish && (
        <button
          type="button"
          class="pill"
          aria-label={fill(own.doneOf, { title })}
          onClick={() => state.finishNotice(notice)}
        >
          <Sign d={TICK} />
          {own.done}
        </button>
      )}
    </p>
  );
}
