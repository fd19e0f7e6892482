// What happens to the page: seen or not, frozen, in the back/forward cache, asleep with its
// computer, cut off.

import type { Unsubscribe } from "./events.ts";
import type { PageHappenings } from "./turn.ts";
import type { Union } from "./union.ts";

/** How often sleep, and the focus, are looked for; a hidden page's timers are rarer. */
const LOOK_MS = 2_000;
/** So much longer than `LOOK_MS` no timer takes, however hidden the page is. */
const ASLEEP_MS = 90_000;
const JUMP_MS = 2_000;

type Tell = (...event: Union<PageHappenings>) => void;

/** Tells whether the page is seen: a focus that goes from a frame within it fires no event here. */
export function look(tell: Tell): void {
  const page: Document | undefined = globalThis.document;
  if (page === undefined) return;
  tell("reach", { visible: page.visibilityState === "visible", focused: page.hasFocus() });
}

/** Tells of the page until it is ended. Without a page (in Node) only of sleep. */
export function watchPage(tell: Tell): Unsubscribe {
  const page: Document | undefined = globalThis.document;
  const watching = new AbortController();
  const on = (target: EventTarget | undefined, name: string, run: () => void): void =>
    target?.addEventListener?.(name, run, { signal: watching.signal });
  const lookNow = (): void => look(tell);
  on(page, "visibilitychange", () => {
    lookNow();
    if (page?.visibilityState === "visible") tell("back");
  });
  for (const name of ["focus", "blur"]) on(globalThis, name, lookNow);
  on(globalThis, "online", () => tell("back"));
  on(globalThis, "offline", () => tell("doubt"));
  const suspend = (): void => tell("suspend");
  on(globalThis, "pagehide", suspend);
  on(page, "freeze", suspend);
  const resume = (): void => {
    lookNow();
    tell("resume");
  };
  on(globalThis, "pageshow", resume);
  on(page, "resume", resume);
  lookNow();
  const sleep = watchSleep(tell);
  return () => {
    watching.abort();
    clearInterval(sleep);
  };
}

/** In sleep the clocks part, or both go on while no timer runs. */
function watchSleep(tell: Tell): ReturnType<typeof setInterval> {
  let wall = Date.now();
  let page = performance.now();
  return setInterval(() => {
    const sinceWall = Date.now() - wall;
    const sincePage = performance.now() - page;
    wall += sinceWall;
    page += sincePage;
    if (Math.abs(sinceWall - sincePage) > JUMP_MS || sincePage > ASLEEP_MS) tell("back");
    look(tell);
  }, LOOK_MS);
}
