// A page with popups whose source is a stand-in, and what the page was heard and seen to do.

import type { Call } from "callpop";
import type { Tab } from "./cdp.ts";

interface Duties {
  readonly leads: boolean;
  readonly rings: boolean;
  readonly notifies: boolean;
}

/** A notification as the page made it. */
export interface ShownNotification {
  readonly title: string;
  readonly body: string;
  readonly tag: string;
  readonly silent: boolean | null;
  isClosed: boolean;
  /** Not JSON: clicks it as its user does. */
  click?: () => void;
}

/** What the test sees in `globalThis` of the page. */
export interface InPage {
  /** A source for popups of this page; `show` changes its calls. */
  source(calls: readonly Call[], duties: Duties | null): Source;
  readonly sources: Source[];
  readonly notifications: ShownNotification[];
  readonly contexts: AudioContext[];
  /** How loud the page is at this moment, from 0 to 1. */
  level(): number;
}

interface Source {
  readonly reports: { sound?: boolean; notifications?: boolean }[];
  readonly paints: string[];
  readonly dismissed: string[];
  show(calls: readonly Call[]): void;
  give(duties: Duties): void;
  become(phase: "connected" | "reconnecting" | "refused"): void;
}

/** Before the page's own scripts: listens to its speaker, its notifications, and makes sources. */
export function observe(): void {
  const page = globalThis as unknown as InPage & typeof globalThis;
  const contexts: AudioContext[] = [];
  const analysers = new Map<BaseAudioContext, AnalyserNode>();
  const RealContext = page.AudioContext;
  page.AudioContext = class extends RealContext {
    constructor(options?: AudioContextOptions) {
      super(options);
      contexts.push(this);
    }
  };
  const connect = AudioNode.prototype.connect as (this: AudioNode, to: AudioNode) => AudioNode;
  AudioNode.prototype.connect = function (this: AudioNode, to: AudioNode | AudioParam): AudioNode {
    if (to instanceof AudioDestinationNode) {
      const analyser = analysers.get(this.context) ?? this.context.createAnalyser();
      analyser.fftSize = 256;
      analysers.set(this.context, analyser);
      connect.call(this, analyser);
    }
    return connect.call(this, to as AudioNode);
  } as typeof AudioNode.prototype.connect;
  const level = (): number => {
    let loudest = 0;
    for (const [context, analyser] of analysers) {
      if (context.state !== "running") continue;
      const samples = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(samples);
      for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
    }
    return loudest;
  };

  const notifications: ShownNotification[] = [];
  const RealNotification = page.Notification;
  page.Notification = class extends RealNotification {
    readonly #shown: ShownNotification;
    constructor(title: string, options: NotificationOptions = {}) {
      super(title, options);
      const { body = "", tag = "", silent = null } = options;
      this.#shown = { title, body, tag, silent, isClosed: false };
      this.#shown.click = (): void => this.onclick?.(new Event("click"));
      notifications.push(this.#shown);
    }
    override close(): void {
      this.#shown.isClosed = true;
      super.close();
    }
  } as typeof Notification;

  const sources: Source[] = [];
  const source = (first: readonly Call[], duties: Duties | null): Source => {
    const listeners: Record<string, Set<(event: unknown) => void>> = {};
    const made = {
      state: { phase: "connected", sessionId: "1" },
      calls: first,
      ...(duties && { duties }),
      reports: [] as object[],
      painted: (legId: string) => made.paints.push(legId),
      paints: [] as string[],
      dismissed: [] as string[],
      now: () => Date.now(),
      connect: () => undefined,
      dismiss: (legId: string) => made.dismissed.push(legId),
      report: (report: object) => made.reports.push(report),
      on: (name: string, listener: (event: unknown) => void) => {
        listeners[name] ??= new Set();
        listeners[name].add(listener);
        return () => listeners[name]?.delete(listener);
      },
      show: (calls: readonly Call[]) => {
        made.calls = calls;
        for (const listener of listeners.calls ?? []) listener(calls);
      },
      give: (given: Duties) => {
        Object.assign(made, { duties: given });
        for (const listener of listeners.duties ?? []) listener(given);
      },
      become: (phase: string) => {
        const state = { phase, sessionId: "1", attempt: 1, reason: "too_many_frames", detail: "" };
        made.state = state;
        for (const listener of listeners.state ?? []) listener(state);
      },
    };
    sources.push(made as unknown as Source);
    return made as unknown as Source;
  };
  Object.assign(page, { contexts, level, notifications, source, sources });
}

/** Adds a popup to the page; its source is the latest of `sources`. */
export async function addPopup(
  tab: Tab,
  calls: readonly Call[],
  options: { duties?: Duties; attributes?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  await tab.evaluate(
    (first, duties, attributes) => {
      const client = (globalThis as unknown as InPage).source(first, duties);
      const popup = Object.assign(document.createElement("call-popup"), { client });
      for (const [name, value] of Object.entries(attributes)) popup.setAttribute(name, value);
      document.querySelector("main")?.append(popup);
    },
    calls,
    options.duties ?? null,
    options.attributes ?? {},
  );
  await tab.until(
    () =>
      customElements.get("call-popup") !== undefined &&
      [...document.querySelectorAll("call-popup")].every(
        (popup) =>
          popup.getAttribute("alerts") === "off" ||
          popup.shadowRoot?.querySelector(".alerts-button, .alerts-away"),
      ),
  );
}

/** Changes the calls of the page's popup number `at`. */
export async function show(tab: Tab, calls: readonly Call[], at = 0): Promise<void> {
  await tab.evaluate(
    (shown, index) => (globalThis as unknown as InPage).sources[index]?.show(shown),
    calls,
    at,
  );
}

/** Waits until the page is heard; the ringtone pauses for two seconds. */
export async function heard(tab: Tab): Promise<void> {
  await tab.until(() => (globalThis as unknown as InPage).level() > 0.02);
}

/** The loudest of the next `ms` milliseconds. */
export async function loudness(tab: Tab, ms: number): Promise<number> {
  return await tab.evaluate(async (during) => {
    const page = globalThis as unknown as InPage;
    const end = performance.now() + during;
    let loudest = 0;
    while (performance.now() < end) {
      loudest = Math.max(loudest, page.level());
      // Not a timer: those of hidden pages are throttled.
      await new Promise<void>((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = (): void => resolve();
        port2.postMessage(null);
      });
    }
    return loudest;
  }, ms);
}

/** The text of the popups' part that a selector finds, or null. */
export async function textOf(tab: Tab, selector: string): Promise<string | null> {
  return await tab.evaluate(
    (wanted) =>
      document.querySelector("call-popup")?.shadowRoot?.querySelector(wanted)?.textContent ?? null,
    selector,
  );
}

/** Clicks with the mouse on the button of the popup that says that. */
export async function clickButton(tab: Tab, text: string): Promise<void> {
  const place = await tab.until((wanted) => {
    const root = document.querySelector("call-popup")?.shadowRoot;
    const found = [...(root?.querySelectorAll<HTMLElement>("button, label") ?? [])].find(
      (button) => button.textContent?.trim() === wanted || button.getAttribute("title") === wanted,
    );
    found?.scrollIntoView({ block: "nearest" });
    const box = found?.getBoundingClientRect();
    return box && { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  }, text);
  if (place) await tab.click(place.x, place.y);
}
