// What happens to the page: seen or not, frozen, in the back/forward cache, asleep with its
// computer, cut off.

import type { Unsubscribe } from "./events.ts";

/** How often sleep, and the focus, are looked for; a hidden page's timers are rarer. */
const LOOK_MS = 2_000;
/** So much longer than `LOOK_MS` no timer takes, however hidden the page is. */
const ASLEEP_MS = 90_000;
const JUMP_MS = 2_000;

/** What a page tells its client. */
export interface PageOwner {
  /** The page is seen or not, has the focus or not. */
  onSeen(visible: boolean, focused: boolean): void;
  /** The network, the user, or the computer from its sleep, may be back. */
  onBack(): void;
  /** The browser says that it is offline; to this computer itself it may not be. */
  onDoubt(): void;
  /** The page's scripts stop: nothing may stay open or held. */
  onSuspend(): void;
  onResume(): void;
}

/** Tells whether the page is seen: a focus that goes from a frame within it fires no event here. */
export function look(owner: PageOwner): void {
  const page: Document | undefined = globalThis.document;
  if (page !== undefined) owner.onSeen(page.visibilityState === "visible", page.hasFocus());
}

/** Tells of the page until it is ended. Without a page (in Node) only of sleep. */
export function watchPage(owner: PageOwner): Unsubscribe {
  const page: Document | undefined = globalThis.document;
  const watching = new AbortController();
  const on = (target: EventTarget | undefined, name: string, run: (event: Event) => void): void =>
    target?.addEventListener?.(name, run, { signal: watching.signal });
  const lookNow = (): void => look(owner);
  on(page, "visibilitychange", () => {
    lookNow();
    if (page?.visibilityState === "visible") owner.onBack();
  });
  for (const name of ["focus", "blur"]) on(globalThis, name, lookNow);
  on(globalThis, "online", owner.onBack);
  on(globalThis, "offline", owner.onDoubt);
  on(globalThis, "pagehide", owner.onSuspend);
  on(page, "freeze", owner.onSuspend);
  for (const [target, name] of [
    [globalThis, "pageshow"],
    [page, "resume"],
  ] as const) {
    on(target, name, () => {
      lookNow();
      owner.onResume();
    });
  }
  lookNow();
  const sleep = watchSleep(owner);
  return () => {
    watching.abort();
    clearInterval(sleep);
  };
}

/** In sleep the clocks part, or both go on while no timer runs. */
function watchSleep(owner: PageOwner): ReturnType<typeof setInterval> {
  let wall = Date.now();
  let page = performance.now();
  return setInterval(() => {
    const sinceWall = Date.now() - wall;
    const sincePage = performance.now() - page;
    wall += sinceWall;
    page += sincePage;
    if (Math.abs(sinceWall - sincePage) > JUMP_MS || sincePage > ASLEEP_MS) owner.onBack();
    look(owner);
  }, LOOK_MS);
}
