// What to do about a script tag that is not right, for its developer's console.

import { tell } from "../../../callpop/src/tell.ts";
import type { Options } from "./options.ts";

const ON_OFF = '"on" or "off"';
const FLAG = "left without a value";

/** What the value of each attribute has to be. */
const VALUES: Readonly<Record<string, string>> = {
  url: "the gateway's address, as https://…",
  token: "a token, for development",
  "token-url": 'an address of yours that answers {"token": "<jwt>"}',
  contacts: FLAG,
  placement: '"bottom-right", "bottom-left", "top-right" or "top-left"',
  theme: '"light" or "dark"',
  label: "a name",
  lang: 'a language, as "nl"',
  alerts: ON_OFF,
  "screen-pop": "an address, as https://crm.example/search?phone={remote.number}",
  "screen-pop-on": '"ringing" or "answer"',
  "screen-pop-target": 'the name of a window, "_blank" or "_self"',
  "wrap-up": ON_OFF,
  favicon: FLAG,
  "hide-numbers": FLAG,
  shortcut: 'keys, as Alt+Shift+P, or "off"',
};

/** Tells all that is wrong with a tag. */
export function advise({ wrong, hasToken }: Options): void {
  for (const option of wrong) tell(adviceOn(option));
  if (!hasToken) {
    tell(`no popup without a token: add data-token-url with ${VALUES["token-url"]}`);
  }
}

/** Tells that a tag's popup is there, by another tag. */
export function adviseOnTwin(): void {
  tell("this popup is in its corner already: drop a script tag, or change its data-placement");
}

function adviceOn(option: string): string {
  const [name = ""] = option.split("=", 1);
  const value = option.slice(name.length + 1);
  const known = Object.keys(VALUES).map((key) => `data-${key}`);
  const wanted = VALUES[name];
  if (wanted === undefined) return `data-${name} is not known; known are ${known.join(", ")}`;
  return `data-${name}="${value}" is not taken; it has to be ${wanted}`;
}
