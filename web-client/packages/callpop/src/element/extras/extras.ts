// What is loaded right after the first draw, since a call is seen without it.

export { loadEverything } from "./everything.ts";
export { Keys } from "./keys.ts";
export { onLanguageChange } from "./language-change.ts";
export { tellMore } from "./other-legs.ts";
export { isSameUser } from "./same-user.ts";
export { default as css } from "./late.css?inline";
