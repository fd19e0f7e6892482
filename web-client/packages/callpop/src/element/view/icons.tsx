// The drawn signs, one stroke each, so that states differ by shape as well as by colour.

import type { VNode } from "preact";

const HANDSET =
  "M5 4h3.4l1.7 4.3-2.2 1.5a11.5 11.5 0 0 0 6.3 6.3l1.5-2.2L20 15.6V19a1.9 1.9 0 0 1-2 1.9A15.9 15.9 0 0 1 3.1 6 1.9 1.9 0 0 1 5 4Z";

export type IconName =
  | "active"
  | "incoming"
  | "outgoing"
  | "missed"
  | "held"
  | "ended"
  | "unconfirmed"
  | "close"
  | "more"
  | "summary"
  | "transfer";

const PATHS: Readonly<Record<IconName, string>> = {
  active: HANDSET,
  incoming: `${HANDSET}M20.5 3.5 15 9m0-4.5V9h4.5`,
  outgoing: `${HANDSET}M15 9l5.5-5.5M16 3.5h4.5V8`,
  missed: `${HANDSET}M15.5 3.5l5 5m0-5-5 5`,
  held: "M9 5v14M15 5v14",
  ended: `${HANDSET}M15 6.2h5.5`,
  unconfirmed:
    "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM9.6 9.6a2.4 2.4 0 1 1 3.6 2.1c-.8.5-1.2.9-1.2 1.8M12 16.6v.1",
  close: "M6 6l12 12M18 6 6 18",
  more: "M6 9l6 6 6-6",
  summary: "M6 3.5h8L18.5 8v12.5H6ZM14 3.5V8h4.5M9 12.5h6.5M9 16h4.5",
  transfer: "M4 8h15m-4-4 4 4-4 4M20 16H5m4-4-4 4 4 4",
};

/** The sign of what is done or in order. */
export const TICK = "M4.5 12.5l5 5 10-11";

export function Icon({ name }: { name: IconName }): VNode {
  return <Sign d={PATHS[name]} />;
}

/** A sign of a part that is loaded later, by its path in a field of 24 × 24. */
export function Sign({ d }: { d: string }): VNode {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={d} />
    </svg>
  );
}
