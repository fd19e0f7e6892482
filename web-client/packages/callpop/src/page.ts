// Signs of the page that the network may be back.

import type { Unsubscribe } from "./events.ts";

/** Calls `back` when the browser is online again or the page becomes visible. */
export function onPageIsBack(back: () => void): Unsubscribe {
  const page: Document | undefined = globalThis.document;
  const onVisibility = (): void => {
    if (page.visibilityState === "visible") back();
  };
  globalThis.addEventListener?.("online", back);
  page?.addEventListener("visibilitychange", onVisibility);
  return () => {
    globalThis.removeEventListener?.("online", back);
    page?.removeEventListener("visibilitychange", onVisibility);
  };
}
