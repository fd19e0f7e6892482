// Defines <call-popup>: what `import "callpop/element"` does.

import { CallPopup } from "./element/call-popup.ts";

export { CallPopup };
export type { CallSource } from "./element/call-source.ts";

// Two copies of this module may meet in one page; the first one stays. A server has no registry.
const registry = globalThis.customElements;
if (registry?.get("call-popup") === undefined) registry?.define("call-popup", CallPopup);

declare global {
  interface HTMLElementTagNameMap {
    "call-popup": CallPopup;
  }
}
