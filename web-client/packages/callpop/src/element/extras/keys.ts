// The keyboard's way into the popup and back: the focus only ever moves when its user says so.

const DEFAULT = "Alt+Shift+P";
const NAMES = { Alt: "altKey", Control: "ctrlKey", Shift: "shiftKey", Meta: "metaKey" } as const;

export class Keys {
  readonly #host: HTMLElement;
  readonly #root: ShadowRoot;
  /** Where the focus was before it came in. */
  #before: Element | null = null;
  readonly #page: Document;
  readonly #end = new AbortController();

  constructor(host: HTMLElement, root: ShadowRoot) {
    this.#host = host;
    this.#root = root;
    this.#page = host.ownerDocument;
    const { signal } = this.#end;
    this.#page.addEventListener("keydown", (event) => this.#onPageKey(event), { signal });
    host.addEventListener("focusin", (event) => this.#onFocus(event), { signal });
    root.addEventListener("keydown", (event) => this.#onInnerKey(event as KeyboardEvent), {
      signal,
    });
    // A page with keys of its own does not see that somebody types in here.
    for (const type of ["keydown", "keypress", "keyup"]) {
      root.addEventListener(type, keepTyping, { signal });
    }
  }

  /** The shortcut, as `aria-keyshortcuts` wants it; none when it is off. */
  get ariaText(): string | undefined {
    const keys = this.#host.getAttribute("shortcut") ?? DEFAULT;
    return keys === "off" ? undefined : keys;
  }

  stop(): void {
    this.#end.abort();
  }

  #onFocus({ relatedTarget: from }: FocusEvent): void {
    if (from instanceof Element && from !== this.#host) this.#before = from;
  }

  /** A popup that has the focus leaves the shortcut to the next one of the page. */
  #onPageKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || !this.#isShortcut(event)) return;
    if (this.#root.activeElement !== null) return;
    event.preventDefault();
    this.#before = focusedIn(this.#page);
    this.#root.querySelector<HTMLElement>(".panel")?.focus();
  }

  #onInnerKey(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    const focused = this.#root.activeElement;
    event.preventDefault();
    if (this.#before instanceof HTMLElement && this.#before.isConnected) this.#before.focus();
    if (this.#root.activeElement === focused && focused instanceof HTMLElement) focused.blur();
    this.#before = null;
  }

  #isShortcut(event: KeyboardEvent): boolean {
    const keys = this.ariaText?.split("+") ?? [];
    const key = keys.at(-1) ?? "";
    // Alt and Option make other characters of letters: then the key's place tells.
    const isKey = event.key.toLowerCase() === key.toLowerCase() || event.code === `Key${key}`;
    return (
      isKey && Object.entries(NAMES).every(([name, held]) => event[held] === keys.includes(name))
    );
  }
}

function focusedIn(page: Document): Element | null {
  let focused = page.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  return focused;
}

function keepTyping(event: Event): void {
  const [at] = event.composedPath();
  if (at instanceof Element && at.matches("textarea, select, input")) event.stopPropagation();
}
