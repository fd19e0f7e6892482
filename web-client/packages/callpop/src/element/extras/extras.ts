// What is loaded right after the first draw, since a call is seen without it.

import type { PopupState } from "../popup-state.ts";
import { followConversations } from "./conversations.ts";
import { loadEverything } from "./everything.ts";
import { onLanguageChange } from "./language-change.ts";

export { Keys } from "./keys.ts";
export { isSameUser } from "./same-user.ts";
export { default as css } from "./late.css?inline";

/** Begins what a popup does besides, until what it returns is called; `speak` looks at the page's language. */
export function begin(state: PopupState, speak: () => void): () => void {
  const forgetLanguage = onLanguageChange(speak);
  speak();
  const forgetConversations = followConversations(state);
  loadEverything();
  return () => {
    forgetLanguage();
    forgetConversations();
  };
}
