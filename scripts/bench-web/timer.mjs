// How wrong a call's timer is while the computer's clock is ten minutes off: when it changes to a
// second, by the real clock, beside when the call was that old.
import { randomUUID } from "node:crypto";
import { connected } from "./stage.mjs";

const SKEWS_MS = [10 * 60_000, -10 * 60_000];
const CHANGES = 5;

export async function timer(stage) {
  const errors = [];
  for (const skew of SKEWS_MS) {
    const page = await stage.browser.newPage();
    await page.addInitScript(skewClock, skew);
    await page.goto(stage.page(`data-token="${stage.token}"`));
    await connected(page);
    const [id, answeredAt] = [randomUUID(), Date.now()];
    await stage.post("RINGING", { id, at: answeredAt - 5_000 });
    await stage.post("ACTIVE", { id, at: answeredAt });
    await page.locator('call-popup [data-state="active"] .timer').waitFor();
    const changes = await page.evaluate(watchTimer, CHANGES);
    for (const { seconds, at } of changes) errors.push(Math.abs(at - answeredAt - seconds * 1000));
    await stage.post("HANGUP", { id });
    await page.close();
  }
  const what = "timer's error with a clock 10 minutes ahead or behind, worst";
  return [{ what, measured: Math.max(...errors), unit: "ms", goal: 250 }];
}

function skewClock(ms) {
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...args) {
      super(...(args.length === 0 ? [Real.now() + ms] : args));
    }
    static now() {
      return Real.now() + ms;
    }
  };
}

function watchTimer(wanted) {
  const shown = document.querySelector("call-popup").shadowRoot.querySelector(".timer");
  const changes = [];
  return new Promise((resolve) => {
    new MutationObserver(() => {
      const [minutes, seconds] = shown.textContent.split(":").map(Number);
      // The page's origin of time is the real one: only its Date is wrong.
      changes.push({ seconds: minutes * 60 + seconds, at: performance.timeOrigin + performance.now() });
      if (changes.length === wanted) resolve(changes);
    }).observe(shown, { characterData: true, subtree: true, childList: true });
  });
}
