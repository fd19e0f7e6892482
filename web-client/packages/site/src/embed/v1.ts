// The script of a script tag, kept tiny because it cannot be cached for long:
// `<script src="https://gateway/embed/v1.js" data-token-url="/token">`. It imports the popup from
// the same gateway and hands it the tag.

import { untilLoaded } from "../../../callpop/src/patience.ts";
import { tell } from "../../../callpop/src/tell.ts";
import type * as Popup from "./popup.ts";

/** The popup's file, relative to this one; the build puts it in. */
declare const POPUP_FILE: string;

/**
 * The tags that this run of the script is for. Only known now: the browser names a classic
 * script's tag while it runs, whoever added it. For a module it names none, but runs it once for
 * all its tags.
 */
function tags(): readonly HTMLScriptElement[] {
  const { currentScript } = document;
  if (currentScript instanceof HTMLScriptElement) return [currentScript];
  const modules = document.querySelectorAll<HTMLScriptElement>('script[type="module"][src]');
  return [...modules].filter(({ src }) => new URL(src).pathname.endsWith("/embed/v1.js"));
}

function start(tag: HTMLScriptElement): void {
  // Absolute: a script of another origin has no address of its own to start from.
  const file = new URL(POPUP_FILE, tag.src).href;
  const ready = untilLoaded(() => import(/* @vite-ignore */ file) as Promise<typeof Popup>, file);
  const shown = ready.then((popup) => popup.showPopup(tag));
  // What there is to say is said on the console.
  shown.catch(() => undefined);
  // An element with that id is seen through the window, but is not its own.
  if (!Object.hasOwn(globalThis, "callpop")) Object.assign(globalThis, { callpop: { ready } });
}

const found = tags();
for (const tag of found) start(tag);
if (found.length === 0) {
  tell("v1.js finds no script tag of its own: load it by one, outside of shadow trees, or use npm");
}
