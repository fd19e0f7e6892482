// The parts of the popup that are loaded when something needs them.

import type { Lazy, Part } from "./lazy.ts";
import type { PopupState } from "./popup-state.ts";

export interface Parts {
  readonly extras: Lazy<typeof import("./extras/extras.ts")>;
  readonly notices: Lazy<typeof import("./notices/notices.ts")>;
  readonly recent: Lazy<typeof import("./recent/recent.ts")>;
  readonly screenPop: Lazy<typeof import("./screen-pop/screen-pop.ts")>;
  readonly summary: Lazy<typeof import("./summary/summary.ts")>;
  readonly wrapUp: Lazy<typeof import("./wrap-up/wrap-up.ts")>;
}

/** The parts for the popup of `state`; `adopt` takes the style sheets that come with them. */
export function partsOf(state: PopupState, adopt: (css: string) => void): Parts {
  const lazy = <P extends Part>(load: () => Promise<P>): Lazy<P> => state.lazy(load, adopt);
  return {
    extras: lazy(() => import("./extras/extras.ts")),
    notices: lazy(() => import("./notices/notices.ts")),
    recent: lazy(() => import("./recent/recent.ts")),
    screenPop: lazy(() => import("./screen-pop/screen-pop.ts")),
    summary: lazy(() => import("./summary/summary.ts")),
    wrapUp: lazy(() => import("./wrap-up/wrap-up.ts")),
  };
}
