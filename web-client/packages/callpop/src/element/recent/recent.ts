// The list of ended calls, loaded when there are some.

export { default as css } from "./recent.css?inline";
export { RecentCalls } from "./recent-calls.tsx";
