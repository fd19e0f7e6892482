// Hidden tabs whose timers the browser has slowed down, as it does after a while with a user's.

import type { Tab } from "./cdp.ts";
import { eventually } from "./eventually.ts";

const TICK_MS = 100;
/** Timers that run once a second, as in any hidden tab, would never let that much time pass. */
const SLOW_AFTER_MS = 3_000;

interface Ticking {
  ticks: number;
  tickedAt: number;
}

/** Lets a timer of the tab tick ten times a second, as long as it may. */
export async function startTicking(tab: Tab): Promise<void> {
  await tab.evaluate((everyMs) => {
    const page = Object.assign(globalThis, { ticks: 0, tickedAt: performance.now() }) as Ticking;
    setInterval(() => {
      page.ticks += 1;
      page.tickedAt = performance.now();
    }, everyMs);
  }, TICK_MS);
}

/** How often the timer of `startTicking` has run. */
export async function ticksOf(tab: Tab): Promise<number> {
  return await tab.evaluate(() => (globalThis as unknown as Ticking).ticks);
}

/** Waits until it has not run for three seconds. */
export async function untilSlowed(tab: Tab, deadlineMs?: number): Promise<void> {
  const isSlow = (): Promise<boolean> =>
    tab.evaluate(
      (longMs) => performance.now() - (globalThis as unknown as Ticking).tickedAt > longMs,
      SLOW_AFTER_MS,
    );
  await eventually("seconds without a tick", isSlow, deadlineMs);
}
