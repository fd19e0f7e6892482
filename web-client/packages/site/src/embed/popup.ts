// What the script tag imports: the SDK, the element, and how a tag becomes a popup.

import { CallpopClient, TokenUnavailable } from "callpop";
import { CallPopup } from "callpop/element";
import { readOptions } from "./options.ts";

export { CallPopup, CallpopClient, TokenUnavailable };

/** Shows the floating popup that the tag's `data-*` ask for; none, when they ask for nothing. */
export async function showPopup(tag: HTMLScriptElement): Promise<void> {
  const options = readOptions(tag.dataset, gatewayOf(tag));
  const { attributes, wrong, hasToken, wantsPopup } = options;
  if (wantsPopup && (wrong.length > 0 || !hasToken)) {
    void advice().then(({ advise }) => advise(options));
  }
  if (!hasToken) return;
  // Another copy of the element may have been first, so its class is not the one to use.
  const popup = document.createElement("call-popup");
  for (const [name, value] of attributes) popup.setAttribute(name, value);
  await bodyIsThere();
  const twin = document.querySelector(`call-popup${alike(popup)}`);
  if (twin === null) document.body.append(popup);
  else void advice().then(({ adviseOnTwin }) => adviseOnTwin());
}

const advice = (): Promise<typeof import("./advice.ts")> => import("./advice.ts");

/** The address above `/embed/`, which need not be the root of its host. */
function gatewayOf(tag: HTMLScriptElement): string {
  return new URL("..", tag.src).href.replace(/\/$/, "");
}

/** A script in the head of the page runs before there is a body. */
function bodyIsThere(): Promise<void> {
  return new Promise((resolve) => {
    if (document.body !== null) resolve();
    else document.addEventListener("DOMContentLoaded", () => resolve(), { once: true });
  });
}

/** Selects the popups of the same calls in the same corner. */
function alike(popup: Element): string {
  return ["url", "token-url", "token", "placement"]
    .map((name) => {
      const value = popup.getAttribute(name);
      return value === null ? `:not([${name}])` : `[${name}="${CSS.escape(value)}"]`;
    })
    .join("");
}
