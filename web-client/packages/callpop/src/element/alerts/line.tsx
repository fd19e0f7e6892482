// A line that says something of the alerts, and what can be chosen about it.

import type { ComponentChildren, VNode } from "preact";
import { Sign } from "../view/icons.tsx";
import type { PopupAlerts } from "./popup-alerts.ts";

export interface AlertsProps {
  readonly of: PopupAlerts;
}

export const MUTED = "M4 9.5h3.5l4.5-4v13l-4.5-4H4Zm12 0 5 5m0-5-5 5";

interface LineProps {
  /** As the style sheet names colours. */
  readonly tone: string;
  readonly sign: string;
  readonly text: string;
  readonly children?: ComponentChildren;
}

export function Line({ tone, sign, text, children }: LineProps): VNode {
  return (
    <p class="alert-line" data-tone={tone}>
      <Sign d={sign} />
      <span>{text}</span>
      {children !== undefined && <span class="alert-choices">{children}</span>}
    </p>
  );
}

export function Choice({ text, choose }: { text: string; choose: () => void }): VNode {
  return (
    <button type="button" class="pill" onClick={keepingFocus(choose)}>
      {text}
    </button>
  );
}

/** What is chosen may take its own button away: the keyboard then goes on at the alerts' button. */
export function keepingFocus(choose: () => void): (event: Event) => void {
  return ({ currentTarget }) => {
    choose();
    const root = (currentTarget as Element).getRootNode() as ShadowRoot;
    setTimeout(() => {
      if (root.activeElement !== null || (currentTarget as Element).isConnected) return;
      root.querySelector<HTMLElement>(".check, .alerts-button")?.focus();
    });
  };
}
