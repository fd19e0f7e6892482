// What a summary says, loaded when there is one to read.

export { SummaryBody } from "./body.tsx";
export { default as css } from "./summary.css?inline";
