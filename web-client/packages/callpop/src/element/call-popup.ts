// The element: attributes and properties in, a rendered popup in its shadow root out.

import { type ComponentChild, h, render } from "preact";
import { CallpopClient } from "../client.ts";
import { tokenFromUrl } from "../token-url.ts";
import type { TokenProvider } from "../tokens.ts";
import type { CallSource } from "./call-source.ts";
import baseCss from "./css/base.css?inline";
import cardCss from "./css/card.css?inline";
import hostCss from "./css/host.css?inline";
import type { Keys } from "./extras/keys.ts";
import { type Language, languageOf } from "./language.ts";
import { type Parts, partsOf } from "./parts.ts";
import { PopupState } from "./popup-state.ts";
import type { ScreenPop } from "./screen-pop/pop.tsx";
import { Styles } from "./styles.ts";
import { Popup } from "./view/popup.tsx";
import type { Words } from "./words/words.ts";
import { loadWords, PATIENCE_MS, wordsAtHand } from "./words/load.ts";

/** A ringtone that could not be loaded is worth another try. */
const ALERTS_AGAIN_MS = 10_000;
/** A live region is watched a little after it came into the page. */
const HEARD_MS = 150;
/** What it takes to connect, and the first of what is observed. */
const CONNECTS: readonly string[] = ["url", "token", "token-url", "contacts"];
/** A server that renders pages imports this too, and has no elements. */
const Base: typeof HTMLElement = globalThis.HTMLElement ?? class {};

/**
 * `<call-popup>`: shows one user's calls as they happen.
 *
 * Connect it with `url` and a token (attribute `token-url` or `token`, or property `tokenProvider`), or give
 * it a `client`, whose connection then stays yours. `contacts` looks up callers without a name
 * at the gateway. `placement="bottom-right"` (or another
 * corner) makes it float; `theme="light"` or `"dark"` overrules the reader's preference;
 * `label` names it for screen readers where a page has several.
 */
export class CallPopup extends Base {
  static readonly observedAttributes: readonly string[] = [
    ...CONNECTS,
    "placement",
    "label",
    "lang",
    "wrap-up",
    "screen-pop",
    "shortcut",
    "alerts",
    "hide-numbers",
    "favicon",
  ];

  readonly #state = new PopupState();
  readonly #root: ShadowRoot = this.attachShadow({ mode: "open" });
  readonly #styles = new Styles(this.#root);
  readonly #parts: Parts = partsOf(this.#state, (css) => this.#styles.add(css));
  #given: CallSource | null = null;
  #tokenProvider: TokenProvider | null = null;
  #own: CallpopClient | null = null;
  #running = false;
  #updateDue = false;
  #outdated = false;
  #keys: Keys | null = null;
  #screenPop: ScreenPop | null = null;
  #heard: ReturnType<typeof setTimeout> | undefined;
  #isDrawn = false;
  #language: Language | null = null;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #forgetExtras: (() => void) | null = null;
  #source: CallSource | null = null;
  #undraw: (() => void) | null = null;

  constructor() {
    super();
    for (const css of [hostCss, baseCss, cardCss]) this.#styles.add(css);
  }

  /** A client whose calls to show; it is neither connected nor closed by the popup. */
  get client(): CallSource | null {
    return this.#given;
  }

  set client(client: CallSource | null) {
    this.#given = client;
    this.#reconfigure();
  }

  /** Gives the token for the popup's own connection. Default: the `token` attribute. */
  get tokenProvider(): TokenProvider | null {
    return this.#tokenProvider;
  }

  set tokenProvider(provider: TokenProvider | null) {
    this.#tokenProvider = provider;
    this.#reconfigure();
  }

  connectedCallback(): void {
    this.#adoptEarlyProperties();
    this.#update();
  }

  disconnectedCallback(): void {
    this.#update();
  }

  /** In another document now. */
  adoptedCallback(): void {
    this.#styles.renew();
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (name === "placement") this.#state.recentOpen.value = !this.hasAttribute("placement");
    else if (name === "label") this.#state.label.value = this.getAttribute("label");
    else if (name === "lang") this.#speak();
    else if (name === "wrap-up") {
      this.#state.wrapsUp.value = this.getAttribute("wrap-up") !== "off";
    } else if (name === "token" && this.#isRenewed(before, now)) this.#takeFreshToken();
    else if (CONNECTS.includes(name)) this.#reconfigure();
    else this.#state.touch();
  }

  /** Whether the running client stays: its token comes from elsewhere, or is of the same user. */
  #isRenewed(before: string | null, now: string | null): boolean {
    if (this.#own === null) return false;
    if (this.#tokenProvider !== null || this.hasAttribute("token-url")) return true;
    const extras = this.#parts.extras.get();
    return extras?.isSameUser(before ?? "", now ?? "") ?? false;
  }

  /** A running client asks for it in time; a refused one is worth another attempt. */
  #takeFreshToken(): void {
    if (this.#own?.state.phase === "refused") this.#own.connect();
  }

  /** Properties that a page set before this class was known hide the accessors. */
  #adoptEarlyProperties(): void {
    for (const name of ["client", "tokenProvider"]) {
      if (!Object.hasOwn(this, name)) continue;
      const value: unknown = Reflect.get(this, name);
      Reflect.deleteProperty(this, name);
      Reflect.set(this, name, value);
    }
  }

  #reconfigure(): void {
    this.#outdated = true;
    this.#update();
  }

  /** Once for several properties, and not at all when the element only moved within the page. */
  #update(): void {
    if (this.#updateDue) return;
    this.#updateDue = true;
    queueMicrotask(() => {
      this.#updateDue = false;
      if (this.#running && this.isConnected && !this.#outdated) return;
      this.#outdated = false;
      this.#stop();
      if (this.isConnected) this.#start();
    });
  }

  #start(): void {
    const source = this.#given ?? this.#connectOwn();
    this.#source = source;
    if (source !== null) this.#state.follow(source);
    this.#running = true;
    this.#speak();
  }

  /** Takes the reader's language; what is not drawn yet waits for its words, but not for long. */
  #speak(): void {
    if (!this.#running) return;
    const language = languageOf(this);
    if (language === this.#language) return;
    this.#language = language;
    const words = wordsAtHand(language);
    if (words !== undefined) return this.#say(words);
    this.#patience ??= setTimeout(() => this.#draw(), PATIENCE_MS);
    void loadWords(language).then(
      (loaded) => {
        if (language === this.#language) this.#say(loaded);
      },
      // The next look at the page's language tries again.
      () => {
        this.#language = null;
        this.#draw();
      },
    );
  }

  #say(words: Words): void {
    this.#state.words.value = words;
    this.#draw();
  }

  /** From the first time on, every change is drawn. */
  #draw(): void {
    clearTimeout(this.#patience);
    if (this.#isDrawn || !this.#running) return;
    this.#isDrawn = true;
    this.#undraw = this.#state.draw(() => this.#render());
    if (this.#source !== null) void this.#startAlerts(this.#source);
    this.#heard = setTimeout(() => {
      this.#state.isHeard.value = true;
    }, HEARD_MS);
  }

  readonly #panel = (): ComponentChild =>
    h(Popup, { state: this.#state, parts: this.#parts, keys: this.#keys?.ariaText });

  /** After the first draw: a call is seen without it. */
  async #startAlerts(source: CallSource): Promise<void> {
    const loaded = await import("./alerts/alerts.tsx").catch(() => null);
    if (source !== this.#source || this.#state.alerts.value !== null) return;
    if (loaded === null) {
      setTimeout(() => void this.#startAlerts(source), ALERTS_AGAIN_MS);
      return;
    }
    this.#state.alerts.value = loaded.startAlerts({
      host: this,
      root: this.#root,
      source,
      state: this.#state,
      panel: this.#panel,
      adopt: (css) => this.#styles.add(css),
    });
  }

  #render(): void {
    this.#takeExtras();
    this.#popScreen();
    const focused = this.#root.activeElement;
    render(this.#state.alerts.value?.away() ?? this.#panel(), this.#root);
    if (!(focused instanceof HTMLElement) || focused === this.#root.activeElement) return;
    // What moves in the tree loses the focus on the way, and what is gone leaves it to the popup.
    const heir = focused.isConnected ? focused : this.#root.querySelector<HTMLElement>(".panel");
    heir?.focus({ preventScroll: true });
  }

  #takeExtras(): void {
    const extras = this.#parts.extras.get();
    if (extras === null || this.#keys !== null) return;
    this.#keys = new extras.Keys(this, this.#root);
    this.#forgetExtras = extras.begin(this.#state, () => this.#speak());
  }

  /** Only with a template for it; the popup is drawn again when the part is here. */
  #popScreen(): void {
    const part = this.hasAttribute("screen-pop") ? this.#parts.screenPop.get() : null;
    if (part === null) this.#screenPop = null;
    else this.#screenPop ??= new part.ScreenPop(this, this.#state);
    this.#state.foot.value = this.#screenPop?.link ?? null;
    this.#screenPop?.look();
  }

  #stop(): void {
    this.#running = false;
    this.#isDrawn = false;
    this.#language = null;
    clearTimeout(this.#patience);
    this.#patience = undefined;
    clearTimeout(this.#heard);
    this.#state.isHeard.value = false;
    this.#screenPop = null;
    this.#keys?.stop();
    this.#keys = null;
    this.#forgetExtras?.();
    this.#undraw?.();
    this.#source = null;
    this.#state.alerts.value?.stop();
    this.#state.alerts.value = null;
    this.#state.unfollow();
    this.#own?.close();
    this.#own = null;
  }

  #connectOwn(): CallpopClient | null {
    const token = this.#tokenProvider ?? this.#attributeToken();
    if (token === null) return null;
    const contacts = this.hasAttribute("contacts");
    this.#own = new CallpopClient({ url: this.getAttribute("url") ?? "", token, contacts });
    this.#own.connect();
    return this.#own;
  }

  #attributeToken(): TokenProvider | null {
    const url = this.getAttribute("token-url");
    if (url !== null) return tokenFromUrl(url);
    const token = this.getAttribute("token");
    // It may be renewed; a page that takes it away also ends this client.
    return token === null ? null : (): string => this.getAttribute("token") ?? token;
  }
}
