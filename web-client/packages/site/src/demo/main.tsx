// Starts the demo page.

import { effect } from "@preact/signals-core";
import "callpop/element";
import { render } from "preact";
import { DemoState } from "./demo-state.ts";
import { DemoPage } from "./view/demo-page.tsx";

const root = document.querySelector("#demo");
const state = new DemoState();

effect(() => {
  if (state.theme.value !== null) document.documentElement.dataset.theme = state.theme.value;
});
effect(() => {
  if (root !== null) render(<DemoPage state={state} />, root);
});
void state.start();
