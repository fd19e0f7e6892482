// A sign for each tone, so that states differ by shape as well as by colour.

import type { VNode } from "preact";
import type { StatusTone } from "../words.ts";

const PATHS: Readonly<Record<StatusTone, string>> = {
  good: "M5 12.5l4.5 4.5L19 7.5",
  wait: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17ZM12 7.5V12l3 2",
  bad: "M12 5.5v8M12 17.6v.1",
  off: "M6 12h12",
};

export function StateIcon({ tone }: { tone: StatusTone }): VNode {
  return (
    <span class="state-icon">
      <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">
        <path d={PATHS[tone]} />
      </svg>
    </span>
  );
}
