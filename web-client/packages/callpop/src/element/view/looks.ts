// How a call looks and what its state is called.

import { isUnconfirmed } from "../arrangement.ts";
import type { ShownCall } from "../shown-call.ts";
import type { Words } from "../words/words.ts";
import type { IconName } from "./icons.tsx";

/** The name of a colour in the style sheet. */
export type Tone = "ringing" | "active" | "held" | "ended" | "missed" | "unconfirmed";

export interface Look {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly label: string;
}

export function lookOf(call: ShownCall, nowMs: number, words: Words): Look {
  const look = confirmedLook(call, words);
  if (!isUnconfirmed(call, nowMs)) return look;
  const label = `${look.label}, ${words.unconfirmed}`;
  return { tone: "unconfirmed", icon: "unconfirmed", label };
}

function confirmedLook(call: ShownCall, { state }: Words): Look {
  const inbound = call.direction === "inbound";
  switch (call.state) {
    case "ringing":
      return inbound
        ? { tone: "ringing", icon: "incoming", label: state.incoming }
        : { tone: "ringing", icon: "outgoing", label: state.outgoing };
    case "active":
      return { tone: "active", icon: "active", label: state.active };
    case "held":
      return { tone: "held", icon: "held", label: state.held };
    case "ended":
      return endedLook(call, state);
  }
}

function endedLook(call: ShownCall, state: Words["state"]): Look {
  switch (call.outcome) {
    case "missed":
      if (call.answeredBy !== undefined) {
        return { tone: "ended", icon: "ended", label: state.elsewhere };
      }
      return { tone: "missed", icon: "missed", label: state.missed };
    case "no_answer":
      return { tone: "ended", icon: "ended", label: state.noAnswer };
    case "expired":
      return { tone: "unconfirmed", icon: "unconfirmed", label: state.expired };
    default:
      return { tone: "ended", icon: "ended", label: state.answered };
  }
}
