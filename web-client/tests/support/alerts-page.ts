// A page with popups whose source is a stand-in, and what the page was heard and seen to do.

import type { Call, CallName, Notice } from "callpop";
import type { Tab } from "./cdp.ts";
import { eventually } from "./eventually.ts";

/** The ringtone begins anew after three seconds. */
const PERIOD_MS = 3_200;
/** After so long a sound that is played once was missed. */
const ONCE_MS = 15_000;

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
  /** How loud the page was in the last seconds, of four at most, from 0 to 1. */
  level(seconds?: number): number;
  /** When each sound was told to end: in so many seconds of its own clock. */
  readonly endsIn: number[];
}

interface Source {
  readonly reports: { sound?: boolean; notifications?: boolean }[];
  readonly paints: string[];
  readonly dismissed: string[];
  show(calls: readonly Call[]): void;
  post(notices: readonly Notice[]): void;
  give(duties: Duties): void;
  become(phase: "connected" | "reconnecting" | "refused"): void;
}

/** Before the page's own scripts: listens to its speaker, its notifications, and makes sources. */
export function observe(): void {
  const page = globalThis as unknown as InPage & typeof globalThis;
  const contexts: AudioContext[] = [];
  const ears = new Map<BaseAudioContext, { analyser: AnalyserNode; since: number }>();
  const RealContext = page.AudioContext;
  page.AudioContext = class extends RealContext {
    constructor(options?: AudioContextOptions) {
      // So few samples that an analyser holds all that was heard in four seconds.
      super({ ...options, sampleRate: 8_000 });
      contexts.push(this);
      this.addEventListener("statechange", () => {
        const ear = ears.get(this);
        if (ear !== undefined && this.state === "running") ear.since = this.currentTime;
      });
    }
  };
  const connect = AudioNode.prototype.connect as (this: AudioNode, to: AudioNode) => AudioNode;
  AudioNode.prototype.connect = function (this: AudioNode, to: AudioNode | AudioParam): AudioNode {
    if (to instanceof AudioDestinationNode) {
      const { context } = this;
      const ear = ears.get(context) ?? { analyser: context.createAnalyser(), since: 0 };
      ear.analyser.fftSize = 32_768;
      ears.set(context, ear);
      connect.call(this, ear.analyser);
    }
    return connect.call(this, to as AudioNode);
  } as typeof AudioNode.prototype.connect;
  const level = (seconds = 4): number => {
    let loudest = 0;
    for (const [context, { analyser, since }] of ears) {
      if (context.state !== "running") continue;
      const samples = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(samples);
      const heardFor = Math.min(seconds, context.currentTime - since);
      const count = Math.ceil(heardFor * context.sampleRate);
      for (const sample of samples.subarray(Math.max(0, samples.length - count))) {
        loudest = Math.max(loudest, Math.abs(sample));
      }
    }
    return loudest < 0.001 ? 0 : loudest;
  };

  const endsIn: number[] = [];
  const stop = AudioScheduledSourceNode.prototype.stop;
  AudioScheduledSourceNode.prototype.stop = function (when = 0): void {
    endsIn.push(Math.max(0, when - this.context.currentTime));
    stop.call(this, when);
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
      notices: [] as readonly Notice[],
      ...(duties && { duties }),
      reports: [] as object[],
      painted: ({ leg_id }: CallName) => made.paints.push(leg_id),
      paints: [] as string[],
      dismissed: [] as string[],
      now: () => Date.now(),
      connect: () => undefined,
      dismiss: ({ leg_id }: CallName) => made.dismissed.push(leg_id),
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
      post: (notices: readonly Notice[]) => {
        made.notices = notices;
        for (const listener of listeners.notices ?? []) listener(notices);
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
  Object.assign(page, { contexts, level, endsIn, notifications, source, sources });
}

/** After `observe`: short waits are as long by the clock of the sound, once that has begun. */
export function waitBySound(): void {
  const setTimer = setTimeout;
  const { contexts } = globalThis as unknown as InPage;
  const wait = (run: () => void, ms = 0, ...args: unknown[]): unknown => {
    const context = contexts.at(-1);
    if (context === undefined || ms < 20 || ms > 100) return setTimer(run, ms, ...args);
    const end = context.currentTime + ms / 1000;
    const look = (): unknown => (context.currentTime < end ? setTimer(look, 5) : run());
    return setTimer(look, 5);
  };
  Object.assign(globalThis, { setTimeout: wait });
}

export interface SteppedClock {
  /** Lets that much time pass at once for whatever waits for minutes. */
  putForward(ms: number): void;
}

/** Before the page's own scripts: its wall clock, and the timers of minutes, are run by the test. */
export function steppedClock(): void {
  const [now, setTimer] = [Date.now.bind(Date), setTimeout];
  const timers: { readonly run: () => void; readonly at: number }[] = [];
  let ahead = 0;
  Date.now = () => now() + ahead;
  Object.assign(globalThis, {
    setTimeout: (run: () => void, ms = 0, ...args: unknown[]) =>
      ms < 600_000 ? setTimer(run, ms, ...args) : timers.push({ run, at: Date.now() + ms }),
    putForward: (ms: number) => {
      ahead += ms;
      for (const { run } of timers.filter(({ at }) => at <= Date.now())) run();
    },
  });
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

/** Changes the notices of the page's first popup. */
export async function post(tab: Tab, notices: readonly Notice[]): Promise<void> {
  await tab.evaluate(
    (posted) => (globalThis as unknown as InPage).sources[0]?.post(posted),
    notices,
  );
}

/** Waits until the page is heard, or was in the last four seconds. */
export async function heard(tab: Tab, above = 0.02): Promise<void> {
  await tab.until((least) => (globalThis as unknown as InPage).level() > least, above);
}

/** The same of a sound that is played once: a page that stood still for longer has missed it, and plays `again`. */
export async function heardAtLast(tab: Tab, again: () => Promise<void>): Promise<void> {
  await eventually("the sound", async () => {
    const isHeard = (): Promise<boolean> =>
      tab.evaluate(() => (globalThis as unknown as InPage).level() > 0.02);
    try {
      return await eventually("once", isHeard, ONCE_MS);
    } catch {
      await again();
      return false;
    }
  });
}

/** Waits until the page has not been heard for longer than the ringtone pauses. */
export async function silent(tab: Tab): Promise<void> {
  await tab.until(() => (globalThis as unknown as InPage).level() === 0);
}

/** Waits for a pause, and until the page is heard after it. */
export async function heardAgain(tab: Tab): Promise<void> {
  await tab.until(() => (globalThis as unknown as InPage).level(0.5) === 0);
  await tab.until(() => (globalThis as unknown as InPage).level(0.5) > 0.1);
}

/** How loud the page is for as long as the ringtone takes; it sounds as it does now. */
export async function loudness(tab: Tab): Promise<number> {
  const end = performance.now() + PERIOD_MS;
  let loudest = 0;
  await eventually("a period", async () => {
    loudest = Math.max(
      loudest,
      await tab.evaluate(() => (globalThis as unknown as InPage).level(0.5)),
    );
    return performance.now() > end;
  });
  return loudest;
}

/** The text of the popups' part that a selector finds, or null. */
export async function textOf(tab: Tab, selector: string): Promise<string | null> {
  return await tab.evaluate(
    (wanted) =>
      document.querySelector("call-popup")?.shadowRoot?.querySelector(wanted)?.textContent ?? null,
    selector,
  );
}

/** Whether the popup has a button that says that. */
export async function hasButton(tab: Tab, text: string): Promise<boolean> {
  return await tab.evaluate((wanted) => {
    const root = document.querySelector("call-popup")?.shadowRoot;
    const buttons = [...(root?.querySelectorAll("button") ?? [])];
    return buttons.some((button) => button.textContent?.trim() === wanted);
  }, text);
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
