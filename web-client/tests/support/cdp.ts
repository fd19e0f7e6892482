// A Chromium without playwright, whose tabs are as in a window of a user: one is in front and the
// others are hidden, they freeze, are throttled, and go to the back/forward cache. It is spoken to
// over a pipe, so it ends with the process of the test, however that ends. All that it writes is in
// one folder, which is removed once it has ended.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { chromiumPath, SWITCHES } from "./chromium.ts";
import { eventually } from "./eventually.ts";

const COMMAND_DEADLINE_MS = 60_000;

type Params = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: hundreds of shapes, of which a test reads one field.
type Answer = Record<string, any>;
type Listener = (params: Answer) => void;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export interface RawOptions {
  /** More switches of the command line. */
  readonly switches?: readonly string[];
  /** After how many hidden seconds timers run once a minute only; Chromium's own is five minutes. */
  readonly throttleAfterSeconds?: number;
}

export class RawChromium {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<string, Set<Listener>>();
  #lastId = 0;
  #rest = "";

  private constructor(options: RawOptions) {
    const path = chromiumPath();
    this.#folder = mkdtempSync(join(tmpdir(), "chromium-"));
    const grace = options.throttleAfterSeconds;
    const throttling =
      grace === undefined
        ? []
        : [`--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/${grace}`];
    this.#child = spawn(
      path,
      [
        "--headless=new",
        "--window-size=800,800",
        // What moves is drawn sixty times a second, on the processor.
        "--force-prefers-reduced-motion",
        ...SWITCHES,
        ...throttling,
        ...(options.switches ?? []),
        `--user-data-dir=${this.#folder}`,
        "--remote-debugging-pipe",
        "about:blank",
      ],
      {
        stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
        // Where it, and the sound system in it, put what they do not remove when they are killed.
        env: { ...process.env, TMPDIR: this.#folder },
      },
    );
    const fromBrowser = this.#child.stdio[4] as Readable;
    fromBrowser.setEncoding("utf8").on("data", (text: string) => this.#onData(text));
    this.#child.once("exit", () => this.#failAll("Chromium ended"));
  }

  static async start(options: RawOptions = {}): Promise<RawChromium> {
    const browser = new RawChromium(options);
    await browser.send("Browser.getVersion");
    return browser;
  }

  /** Opens a window of a user of its own: nothing is stored or allowed yet. */
  async openWindow(): Promise<Window> {
    const { browserContextId } = await this.send("Target.createBrowserContext", {});
    return new Window(this, browserContextId);
  }

  async stop(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
    const isOver = this.#child.exitCode !== null || this.#child.signalCode !== null;
    this.#child.kill("SIGKILL");
    if (!isOver) await ended;
    // Its other processes end when they notice, and may still write until then.
    await eventually("an empty folder", () => {
      rmSync(this.#folder, { recursive: true, force: true });
      return true;
    });
  }

  /** One command of the protocol, to the browser or to a tab's session. */
  send(method: string, params: Params = {}, sessionId?: string): Promise<Answer> {
    const id = ++this.#lastId;
    const toBrowser = this.#child.stdio[3] as Writable;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`${method}: no answer`));
      }, COMMAND_DEADLINE_MS);
      const settle = <T>(then: (value: T) => void): ((value: T) => void) => {
        return (value) => {
          clearTimeout(timer);
          then(value);
        };
      };
      this.#waiting.set(id, {
        resolve: settle(resolve),
        reject: settle((error: Error) => reject(new Error(`${method}: ${error.message}`))),
      });
      toBrowser.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** Listens to an event of a session (or of the browser, with an empty one). */
  on(sessionId: string, event: string, listener: Listener): () => void {
    const key = `${sessionId}/${event}`;
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  #onData(text: string): void {
    const messages = (this.#rest + text).split("\0");
    this.#rest = messages.pop() ?? "";
    for (const message of messages) this.#onMessage(JSON.parse(message));
  }

  #onMessage({ id, error, result, method, params, sessionId }: Answer): void {
    if (id === undefined) {
      for (const listener of this.#listeners.get(`${sessionId ?? ""}/${method}`) ?? []) {
        listener(params);
      }
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new Error(error.message));
    else waiting?.resolve(result);
  }

  #failAll(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }
}

/** The tabs of one user, of which one is in front. */
export class Window {
  readonly #browser: RawChromium;
  readonly #browserContextId: string;

  constructor(browser: RawChromium, browserContextId: string) {
    this.#browser = browser;
    this.#browserContextId = browserContextId;
  }

  /** Opens a tab in front of the others. */
  async openTab(url = "about:blank", prepare?: (tab: Tab) => Promise<void>): Promise<Tab> {
    const browser = this.#browser;
    const { targetId } = await browser.send("Target.createTarget", {
      url: "about:blank",
      browserContextId: this.#browserContextId,
    });
    const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: true });
    const tab = new Tab(browser, targetId, sessionId);
    await tab.begin();
    await prepare?.(tab);
    await tab.bringToFront();
    if (url !== "about:blank") await tab.goto(url);
    return tab;
  }

  /** Allows, for pages of that origin, for example `notifications` or `localNetworkAccess`. */
  async grant(origin: string, permissions: readonly string[]): Promise<void> {
    const browserContextId = this.#browserContextId;
    await this.#browser.send("Browser.grantPermissions", { origin, permissions, browserContextId });
  }

  /** Ends its tabs, and forgets its user. */
  async close(): Promise<void> {
    const browserContextId = this.#browserContextId;
    await this.#browser.send("Target.disposeBrowserContext", { browserContextId });
  }
}

/** A tab; nothing that is done to it counts as its user's gesture, except `click` and `press`. */
export class Tab {
  readonly #browser: RawChromium;
  readonly #targetId: string;
  readonly #sessionId: string;
  /** Console errors and exceptions that nobody caught, so far. */
  readonly problems: string[] = [];

  constructor(browser: RawChromium, targetId: string, sessionId: string) {
    this.#browser = browser;
    this.#targetId = targetId;
    this.#sessionId = sessionId;
  }

  /** Starts to hear of the page. */
  async begin(): Promise<void> {
    this.on("Runtime.exceptionThrown", ({ exceptionDetails }) => {
      this.problems.push(exceptionDetails.exception?.description ?? exceptionDetails.text);
    });
    this.on("Log.entryAdded", ({ entry }) => {
      if (entry.level === "error") this.problems.push(`${entry.text} ${entry.url ?? ""}`);
    });
    // The network from the start: only sockets that are opened after that can be cut off.
    const domains = ["Page", "Runtime", "Log", "Network"];
    await Promise.all(domains.map((domain) => this.send(`${domain}.enable`)));
  }

  send(method: string, params: Params = {}): Promise<Answer> {
    return this.#browser.send(method, params, this.#sessionId);
  }

  on(event: string, listener: Listener): () => void {
    return this.#browser.on(this.#sessionId, event, listener);
  }

  /** The next event of that name. */
  next(event: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        forget();
        reject(new Error(`no ${event}`));
      }, COMMAND_DEADLINE_MS);
      const forget = this.on(event, (params) => {
        clearTimeout(timer);
        forget();
        resolve(params);
      });
    });
  }

  /** Runs a function in the page with arguments that are JSON; a promise is awaited. */
  async evaluate<Args extends unknown[], T>(
    run: (...args: Args) => T,
    ...args: Args
  ): Promise<Awaited<T>> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression: `(${run})(...${JSON.stringify(args)})`,
      awaitPromise: true,
      returnByValue: true,
      userGesture: false,
    });
    if (exceptionDetails) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value;
  }

  /** Waits until the function gives something true in the page, and gives that. */
  async until<Args extends unknown[], T>(
    run: (...args: Args) => T,
    ...args: Args
  ): Promise<Awaited<T>> {
    return await eventually(`${run}`, () => this.evaluate(run, ...args));
  }

  /** Runs a script in every document of this tab, before the page's own. */
  async prepare<Args extends unknown[]>(
    run: (...args: Args) => void,
    ...args: Args
  ): Promise<void> {
    const source = `(${run})(...${JSON.stringify(args)})`;
    await this.send("Page.addScriptToEvaluateOnNewDocument", { source });
  }

  async goto(url: string): Promise<void> {
    const loaded = this.next("Page.loadEventFired");
    const { errorText } = await this.send("Page.navigate", { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
    await loaded;
  }

  /** Goes that many entries through the history of the tab, as its buttons do. */
  async go(by: number): Promise<void> {
    const { entries, currentIndex } = await this.send("Page.getNavigationHistory");
    const shown = this.next("Page.frameNavigated");
    await this.send("Page.navigateToHistoryEntry", { entryId: entries[currentIndex + by].id });
    await shown;
  }

  /** Puts the tab in front; the one that was there becomes hidden. */
  async bringToFront(): Promise<void> {
    await this.#browser.send("Target.activateTarget", { targetId: this.#targetId });
  }

  /** Stops the tab's scripts and timers as the browser does with tabs that nobody looks at. */
  async freeze(): Promise<void> {
    await this.send("Page.setWebLifecycleState", { state: "frozen" });
  }

  async thaw(): Promise<void> {
    await this.send("Page.setWebLifecycleState", { state: "active" });
  }

  /** Cuts the tab off; sockets that are open stay so, and silent. */
  async setOffline(offline: boolean): Promise<void> {
    const conditions = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    await this.send("Network.emulateNetworkConditions", { offline, ...conditions });
  }

  /** A click of the user's mouse at that place of the view. */
  async click(x: number, y: number): Promise<void> {
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.send("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
    }
  }

  /** A key of the user's keyboard, by its name ("Escape", "a"). */
  async press(key: string): Promise<void> {
    const text = key.length === 1 ? { text: key } : {};
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", key, ...text });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key });
  }

  /** Closes the tab as its user does; `pagehide` runs. */
  async close(): Promise<void> {
    await this.#browser.send("Target.closeTarget", { targetId: this.#targetId });
  }

  /** Ends the tab's process at once: no event of the page runs. */
  async crash(): Promise<void> {
    await this.send("Page.crash").catch(() => undefined);
  }
}
