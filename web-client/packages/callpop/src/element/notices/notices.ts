// The cards of notices, and their rows in the list of what was; loaded when there are some.

export { NoticeCards } from "./cards.tsx";
export { PastNotice } from "./past.tsx";
export { default as css } from "./notices.css?inline";
