// Tells calls what their other legs say: again whenever the gateway makes something else of them.

import type { Unsubscribe } from "../../events.ts";
import { hasConversations } from "../call-source.ts";
import type { PopupState } from "../popup-state.ts";
import { tellMore } from "./other-legs.ts";

/** Until what it returns is called. */
export function followConversations(state: PopupState): Unsubscribe {
  const { source } = state;
  const tell = (): void => {
    state.tellMore.value = (calls) =>
      tellMore(calls, (call) => source?.conversationOf?.(call) ?? null);
  };
  tell();
  return hasConversations(source) ? source.on("conversation", tell) : () => undefined;
}
