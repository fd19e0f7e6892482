// What the script tag imports: the SDK, the element, and how a tag becomes a popup.

import { CallpopClient, TokenUnavailable } from "callpop";
import { CallPopup } from "callpop/element";
import { tell } from "../../../callpop/src/tell.ts";
import { readOptions } from "./options.ts";

export { CallPopup, CallpopClient, TokenUnavailable };

/** Shows the floating popup that the tag's `data-*` ask for; none, when they ask for nothing. */
export async function showPopup(tag: HTMLScriptElement): Promise<void> {
  const { attributes, complaints, asksForPopup } = readOptions(tag.dataset, gatewayOf(tag));
  for (const complaint of complaints) tell(complaint);
  if (!asksForPopup) return;
  // Another copy of the element may have been first, so its class is not the one to use.
  const popup = document.createElement("call-popup");
  for (const [name, value] of attributes) popup.setAttribute(name, value);
  await bodyIsThere();
  const twin = document.querySelector(
    `call-popup${selector(attributes, ["url", "token-url", "token", "placement"])}`,
  );
  if (twin === null) document.body.append(popup);
  else
    tell("the same popup is in that corner already: drop one script tag, or change data-placement");
}

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

/** Selects what has the same values of these attributes, or lacks them too. */
function selector(attributes: ReadonlyMap<string, string>, names: readonly string[]): string {
  return names
    .map((name) => {
      const value = attributes.get(name);
      return value === undefined ? `:not([${name}])` : `[${name}="${CSS.escape(value)}"]`;
    })
    .join("");
}
