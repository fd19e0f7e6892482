// Opens the caller in the page's own system: by itself in the tab that its user looks at, once
// a call, and by a link whenever the user wants it.

import type { VNode } from "preact";
import { keyOf } from "../../item-key.ts";
import type { Call } from "../../wire.ts";
import { fill } from "../language.ts";
import type { PopupState } from "../popup-state.ts";
import { whoText } from "../view/party.tsx";
import { takeTurn } from "./popped.ts";
import { addressOf, callerOf, isOutside, problemOf } from "./template.ts";
import { SCREEN_POP_WORDS } from "./words.ts";

/** Only what has just begun opens something: not what was there when the page was loaded. */
const FRESH_MS = 5_000;

/** What a `screenpop` event tells; with a problem, nothing is opened. */
export interface ScreenPopDetail {
  readonly url: string | null;
  readonly call: Call | null;
  readonly problem: string | null;
}

export class ScreenPop {
  readonly #host: HTMLElement;
  readonly #state: PopupState;
  /** Calls whose moment has come here, whatever became of it, by their keys. */
  readonly #seen = new Set<string>();
  readonly #blocked = new Set<string>();
  /** The last template that was looked at, and whether it is of use. */
  #template = "";
  #isSound = false;

  constructor(host: HTMLElement, state: PopupState) {
    this.#host = host;
    this.#state = state;
  }

  /** Looks at the calls as they now stand. */
  look(): void {
    if (!this.#check()) return;
    const calls = this.#state.arrangement.value.cards;
    for (const call of calls) if (this.#isDue(call)) this.#pop(call);
    const live = new Set(calls.map(keyOf));
    for (const key of this.#seen) if (!live.has(key)) this.#seen.delete(key);
  }

  /** The link on the card of a call. */
  readonly link = (call: Call): VNode | null => {
    const url = this.#check() ? addressOf(this.#template, call, this.#base) : null;
    if (url === null) return null;
    const words = this.#state.words.value;
    const own = SCREEN_POP_WORDS[words.language];
    const isBlocked = this.#blocked.has(keyOf(call));
    return (
      <p class="pop" part="screen-pop" data-blocked={isBlocked || undefined}>
        {isBlocked && <span>{own.blocked}</span>}
        <a
          href={url}
          target={this.#target}
          rel="noopener"
          aria-label={fill(own.openOf, { who: whoText(callerOf(call), words) })}
          onClick={(event) => this.#onClick(event, url, call)}
        >
          {own.open}
        </a>
      </p>
    );
  };

  get #target(): string {
    return this.#host.getAttribute("screen-pop-target") || "_blank";
  }

  get #base(): string {
    return this.#host.ownerDocument.baseURI;
  }

  /** Whether the template is of use; what is wrong with it is told once. */
  #check(): boolean {
    const template = this.#host.getAttribute("screen-pop") ?? "";
    if (template === this.#template) return this.#isSound;
    const problem = problemOf(template, this.#base);
    this.#template = template;
    this.#isSound = problem === null;
    if (problem !== null) {
      // biome-ignore lint/suspicious/noConsole: the page's developer is to see it
      console.warn(`<call-popup> ${problem}`);
      this.#tell({ url: null, call: null, problem });
    }
    return this.#isSound;
  }

  #isDue(call: Call): boolean {
    if (call.direction !== "inbound" || !isOutside(call) || this.#seen.has(keyOf(call)))
      return false;
    const onAnswer = this.#host.getAttribute("screen-pop-on") === "answer";
    const at = onAnswer ? call.answered_at : call.started_at;
    const isNow = onAnswer ? call.state === "active" : call.state === "ringing";
    if (!isNow || at === null) return false;
    return this.#state.nowMs.value - at / 1000 < FRESH_MS;
  }

  #pop(call: Call): void {
    this.#seen.add(keyOf(call));
    const url = addressOf(this.#template, call, this.#base);
    if (url === null || !this.#host.ownerDocument.hasFocus() || !takeTurn(keyOf(call))) return;
    if (this.#tell({ url, call, problem: null })) this.#open(url, call);
  }

  /** True unless the page has taken it upon itself. */
  #tell(detail: ScreenPopDetail): boolean {
    const options = { detail, bubbles: true, composed: true, cancelable: true };
    return this.#host.dispatchEvent(new CustomEvent("screenpop", options));
  }

  #onClick(event: MouseEvent, url: string, call: Call): void {
    const isOurs = this.#tell({ url, call, problem: null });
    // Held keys ask for a window or a tab of the browser's own.
    if (isOurs && (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) return;
    event.preventDefault();
    if (isOurs) this.#open(url, call);
  }

  #open(url: string, call: Call): void {
    const view = this.#host.ownerDocument.defaultView;
    // With "noopener" a browser does not say whether it opened anything, nor takes a window
    // again by its name: so the way back is cut here.
    const opened = view?.open(url, this.#target) ?? null;
    if (opened === null) {
      this.#blocked.add(keyOf(call));
      this.#state.touch();
      return;
    }
    if (this.#blocked.delete(keyOf(call))) this.#state.touch();
    if (opened !== view) cutWayBack(opened);
  }
}

function cutWayBack(opened: Window): void {
  try {
    opened.opener = null;
  } catch {
    // A window of that name shows another origin already; it was cut when it was opened.
  }
}
