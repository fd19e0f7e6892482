// Sharing as it is loaded, when there is something to share with: its rules, and what does what they
// say to the other tabs, and to the browser about them.

import type { Answer } from "./acts.ts";
import type { ServerClock } from "./clock.ts";
import { claimsOf } from "./group.ts";
import type { Store } from "./store.ts";
import type { TabMessage, TabsEvent } from "./tab-message.ts";
import { Tabs } from "./tabs.ts";
import type { Tokens } from "./tokens.ts";
import { type Company, type Deeds, isShared, type Machine } from "./turn.ts";
import type { ClientFrame } from "./wire.ts";

export { RULES } from "./sharing-rules.ts";

/**
 * The name of the channel, and of the lock, of the pages that share one connection: what they have in
 * common, and the version of what they tell each other. Those of another version say other things,
 * and lead a group of their own, over another socket.
 */
function channelOf(url: string, group: string): string {
  return `callpop.4 ${JSON.stringify([url, ...JSON.parse(group)])}`;
}

/** What is done only where there are tabs. */
export type TabDeedTable = {
  readonly [Name in "join" | "lock" | "announce" | "answer" | "post"]: (
    ...deed: Deeds[Name]
  ) => void;
};

export interface TabDeeds {
  readonly doing: TabDeedTable;
  /** Null: this page is in no group. */
  readonly company: Company | null;
  /** Hands a frame for the gateway to whoever leads. */
  send(frame: ClientFrame): void;
  /** Tells the others what this page, as the leader, sent or was answered. */
  tell(frame: ClientFrame | Answer): void;
  /** A fresh token, or null when none comes; null at once where the present one will do. */
  freshToken(): Promise<string | null> | null;
}

/** `url` is the stream's address, with its scope. */
export function tabDeeds(
  url: string,
  machine: () => Machine,
  store: Store,
  clock: ServerClock,
  tokens: Tokens,
  on: (...event: TabsEvent | ["timeInDoubt"] | ["fresh", token: string]) => void,
): TabDeeds {
  let tabs: Tabs | null = null;
  const micros = (): number => Math.round(clock.now() * 1000);
  // Only who has the socket keeps its own token fresh.
  const isStale = (token: string): boolean =>
    isShared(machine()) && !(Number(claimsOf(token)?.exp) * 1000 > clock.now());
  return {
    get company() {
      return tabs?.company ?? null;
    },
    send: (frame) => tabs?.post(frame as TabMessage),
    tell: (frame) => {
      if (tabs?.leads) tabs.post(frame as TabMessage);
    },
    freshToken: () => {
      const { round } = machine();
      if (tokens.inUse === null || !isStale(tokens.inUse)) return null;
      return tokens.fetch().then(
        (token) => {
          if (round === machine().round) on("fresh", token);
          return tokens.inUse === token ? token : null;
        },
        () => null,
      );
    },
    doing: {
      join: (group) => {
        try {
          tabs = new Tabs(channelOf(url, group), () => machine().reach, on);
        } catch {
          on("alone");
        }
      },
      lock: (deed) => {
        const present = tabs;
        if (deed === "leave") tabs = null;
        present?.[deed]();
      },
      post: (message, to) => tabs?.post(message, to),
      announce: (to) => {
        const { state, link, opening } = machine();
        tabs?.post({ type: "lead", state }, to);
        if (state.phase !== "connected" || link === null || opening === null) return;
        const { seq, calls, notices, conversations } = store;
        const held = { seq, calls: [...calls.list], notices: [...notices.list] };
        tabs?.post({ ...opening, type: "snapshot", ...held, server_time: micros() }, to);
        for (const conversation of new Set(conversations.values())) {
          tabs?.post({ type: "conversation", conversation }, to);
        }
      },
      answer: ({ t0 }, to) => {
        // A time that may be wrong is not handed on; the gateway's answer mends it for all.
        if (clock.isDoubtful) return on("timeInDoubt");
        const now = micros();
        tabs?.post({ type: "tock", t0, t1: now, t2: now }, to);
      },
    },
  };
}
