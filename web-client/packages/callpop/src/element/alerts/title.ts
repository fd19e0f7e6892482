// The title of the page while a call rings: the page's own and the call's in turn. What the page
// writes meanwhile is kept, and stands there afterwards.

import { Wishes } from "./wishes.ts";

const TURN_MS = 1_000;

export class PageTitle {
  readonly #document: Document;
  #alert = "";
  /** The page's own; null: it has no title element. */
  #own: string | null = null;
  /** What was written here last; anything else is the page's. */
  #written: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #observer: MutationObserver | undefined;

  constructor(of: Document) {
    this.#document = of;
  }

  /** Shows `alert` in turn with the page's title; null: only that. */
  show(alert: string | null): void {
    if (alert === null) this.#restore();
    else {
      this.#alert = alert;
      if (this.#observer === undefined) this.#begin();
      else if (this.#written !== this.#own) this.#write(alert);
    }
  }

  #begin(): void {
    this.#learn();
    const Observer = MutationObserver;
    this.#observer = new Observer(() => this.#learn());
    this.#observer.observe(this.#document.head, {
      childList: true,
      characterData: true,
      subtree: true,
    });
    this.#turn(true);
  }

  #turn(isAlert: boolean): void {
    this.#write(isAlert ? this.#alert : (this.#own ?? ""));
    const due = performance.now() + TURN_MS;
    this.#timer = setTimeout(() => {
      // Where timers are throttled, the title that says something stays.
      const isLate = performance.now() - due > TURN_MS;
      this.#turn(isLate || !isAlert);
    }, TURN_MS);
  }

  #learn(): void {
    const title = this.#element?.textContent ?? null;
    if (title !== this.#written || this.#written === null) this.#own = title;
  }

  #write(text: string): void {
    this.#learn();
    this.#written = text;
    if (this.#element === null) this.#document.title = text;
    else if (this.#element.textContent !== text) this.#element.textContent = text;
  }

  #restore(): void {
    if (this.#observer === undefined) return;
    clearTimeout(this.#timer);
    this.#observer.disconnect();
    this.#observer = undefined;
    this.#learn();
    if (this.#own === null) this.#element?.remove();
    else if (this.#element?.textContent !== this.#own) this.#write(this.#own);
    this.#written = null;
  }

  get #element(): HTMLTitleElement | null {
    return this.#document.querySelector("head > title");
  }
}

let shared: PageTitle | undefined;

/** What the head of the page is to tell. */
export interface Headline {
  readonly text: string;
  /** The page says that its policy allows an icon from a data: URL. */
  readonly icon: boolean;
}

/** What the popups of this page want there; the first one has it. */
export const headlines: Wishes<Headline> = new Wishes((wishes) => {
  shared ??= new PageTitle(document);
  shared.show(wishes[0]?.text ?? null);
  showFavicon(wishes.some((wish) => wish.icon || hasDataImage()));
});

let isIconWanted = false;

/** The icon is loaded where it can be shown. */
function showFavicon(isWanted: boolean): void {
  if (isWanted === isIconWanted) return;
  isIconWanted = isWanted;
  void import("./favicon.ts").then(
    (favicon) => favicon.showFavicon(isIconWanted),
    () => undefined,
  );
}

/** An image of that kind that was really loaded proves what the policy allows. */
function hasDataImage(): boolean {
  return [...document.images].some(
    (image) => image.currentSrc.startsWith("data:image/") && image.naturalWidth > 0,
  );
}
