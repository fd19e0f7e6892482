// Defines <call-popup>: what `import "callpop/element"` does.

import { CallPopup } from "./element/call-popup.ts";

export { CallPopup };
export type { CallSource } from "./element/call-source.ts";

// Two copies of this module may meet in one page; the first one stays.
if (customElements.get("call-popup") === undefined) customElements.define("call-popup", CallPopup);

declare global {
  interface HTMLElementTagNameMap {
    "call-popup": CallPopup;
  }
}
