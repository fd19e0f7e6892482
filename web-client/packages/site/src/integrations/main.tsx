// Starts the page of a user's integrations.

import { effect } from "@preact/signals-core";
import { render } from "preact";
import { PageState } from "./page-state.ts";
import { IntegrationsPage } from "./view/integrations-page.tsx";

const root = document.querySelector("#integrations");
const state = new PageState(window);

// A link with another token to a page that is open already only changes the fragment.
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) location.reload();
});
effect(() => {
  if (root !== null) render(<IntegrationsPage state={state} />, root);
});
void state.start();
