// The screen pop, loaded when the page asks for one.

export { default as css } from "./screen-pop.css?inline";
export { ScreenPop } from "./pop.tsx";
