// The form for what a user says of a call, loaded when a call has ended.

export { EndedWrapUp, OpenButton, RecentWrapUp } from "./places.tsx";
export { default as css } from "./wrap-up.css?inline";
