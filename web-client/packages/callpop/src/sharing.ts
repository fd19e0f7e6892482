// Sharing as it is loaded, when there is something to share with: its rules, and what does what they
// say to the other tabs, and to the browser about them.

import type { ServerClock } from "./clock.ts";
import { claimsOf } from "./group.ts";
import type { CallStore } from "./store.ts";
import type { TabsEvent } from "./tab-message.ts";
import { Tabs } from "./tabs.ts";
import { type Company, type Deeds, isShared, type Machine } from "./turn.ts";
import type { ClientFrame } from "./wire.ts";

export * from "./sharing-rules.ts";

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
  /** Tells the others what this page, as the leader, sent. */
  tell(frame: ClientFrame): void;
  /** Whether a follower's token has ended: only who has the socket keeps its own fresh. */
  isStale(token: string): boolean;
}

export function tabDeeds(
  machine: () => Machine,
  store: CallStore,
  clock: ServerClock,
  on: (...event: TabsEvent | ["timeInDoubt"]) => void,
): TabDeeds {
  let tabs: Tabs | null = null;
  const micros = (): number => Math.round(clock.now() * 1000);
  return {
    get company() {
      return tabs?.company ?? null;
    },
    send: (frame) => tabs?.post(frame),
    tell: (frame) => {
      if (tabs?.leads) tabs.post(frame);
    },
    isStale: (token) => isShared(machine()) && !(Number(claimsOf(token)?.exp) * 1000 > clock.now()),
    doing: {
      join: (group) => {
        try {
          tabs = new Tabs(group, () => machine().reach, on);
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
        const held = { seq: store.seq, calls: [...store.list], server_time: micros() };
        tabs?.post({ ...opening, type: "snapshot", ...held }, to);
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
