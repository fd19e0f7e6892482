// What a summary says, loaded when there is one to read.

export { SummaryCard } from "./card.tsx";
export { default as css } from "./summary.css?inline";
