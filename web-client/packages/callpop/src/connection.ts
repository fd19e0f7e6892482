// Does what the machine says: sockets, timers, tokens, tabs and the page. It tells the machine what
// happens, and decides nothing itself.

import type { Answer } from "./acts.ts";
import type { ServerClock } from "./clock.ts";
import { FORBIDDEN } from "./close-codes.ts";
import type { Unsubscribe } from "./events.ts";
import { loadSharing, type Sharing } from "./load-sharing.ts";
import { IDLE, step } from "./machine.ts";
import type { ClientOptions } from "./options.ts";
import { watchPage } from "./page.ts";
import { closeSocket, isOpen, openSocket, type SocketLike } from "./socket.ts";
import type { TabDeeds, TabDeedTable } from "./sharing.ts";
import type { Store } from "./store.ts";
import { newTokens, TokenUnavailable } from "./tokens.ts";
import {
  type Deeds,
  isShared,
  type Machine,
  type MachineEvent,
  type Moment,
  type News,
  type SharingRules,
} from "./turn.ts";
import { streamUrl } from "./url.ts";
import type { ClientFrame } from "./wire.ts";

/** What the client does with what it hears. */
export type NewsTable = {
  readonly [Name in keyof News]: (...news: News[Name]) => void;
};

type DeedTable = {
  readonly [Name in Exclude<keyof Deeds, keyof TabDeedTable>]: (...deed: Deeds[Name]) => void;
};

/** Those of some names. */
type DeedsOf<Name extends keyof Deeds> = Pick<DeedTable, Name & keyof DeedTable>;

type Timers = Map<string, ReturnType<typeof setTimeout>>;

export interface Connection {
  /** What all that happened came to. */
  machine(): Machine;
  /** A token for requests, null before there was any; a promise where a fresh one is fetched. */
  token(): string | null | Promise<string | null>;
  /** Something happened. */
  on(...event: MachineEvent): void;
  /** Sends a frame on the present link, if it takes any. */
  send(frame: ClientFrame): void;
  /** Tells the other tabs, where this one leads. */
  tell(frame: ClientFrame | Answer): void;
}

export function newConnection(
  options: ClientOptions,
  store: Store,
  clock: ServerClock,
  hearing: NewsTable,
): Connection {
  let machine = IDLE;
  let rules: SharingRules | null = null;
  let tabs: TabDeeds | null = null;

  const on = (...event: MachineEvent): void => {
    const [next, effects] = step(machine, event, moment(), rules);
    machine = next;
    // To do it may be the next event; what is left of this one then comes after that.
    for (const [name, ...deed] of effects) (doing[name] as (...deed: unknown[]) => void)(...deed);
  };
  const tokens = newTokens(options.token, on);
  const sockets = new Map<number, SocketLike>();
  const timers: Timers = new Map();

  const present = (): SocketLike | undefined => sockets.get(machine.link?.id ?? 0);

  const moment = (): Moment => ({
    now: performance.now(),
    chance: Math.random(),
    token: tokens.inUse,
    canSend: isOpen(present()),
    company: tabs?.company ?? null,
  });

  const send = (frame: ClientFrame): void => {
    const socket = present();
    if (isShared(machine)) tabs?.send(frame);
    else if (isOpen(socket)) socket.send(JSON.stringify(frame));
  };

  const hangUp = (link: number): void => {
    closeSocket(sockets.get(link));
    sockets.delete(link);
  };

  const share = (sharing: Sharing): void => {
    rules = sharing.RULES;
    tabs ??= sharing.tabDeeds(streamUrl(options), () => machine, store, clock, tokens, on);
    doing = { ...doing, ...tabs.doing };
  };

  /** Of the tabs once there is something to share with; before that, nothing is to be done there. */
  let doing: DeedTable & NewsTable & Partial<TabDeedTable> = {
    ...hearing,
    ...pageDeeds(on),
    // More than the deeds of the token, under names that no other deed has but `fetch`, which follows.
    ...tokens,
    keepFresh: (endsAt) => tokens.keepFresh(endsAt && endsAt * 1000 - clock.now()),
    dial: (link, token) => {
      const { webSocket = WebSocket } = options;
      const address = streamUrl(options, store.resume);
      try {
        sockets.set(link, openSocket(webSocket, address, token, link, on));
      } catch (error) {
        // The browser does not allow this page to open it: an insecure gateway from a secure page.
        on("lost", link, FORBIDDEN, String(error));
      }
    },
    hangUp,
    timer: (timer, link, ms) => setTimer(timers, timer + link, ms, () => on("due", timer, link)),
    send,
    fetch: async (round, spare) => {
      try {
        const sharing = rules ? null : loadSharing(options.tabs);
        const [token, loaded] = await Promise.all([spare ?? tokens.fetch(), sharing]);
        if (loaded !== null) share(loaded);
        on("token", round, token);
      } catch (error) {
        on("noToken", round, error instanceof TokenUnavailable ? error.message : null);
      }
    },
    endLinks: () => {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      tokens.stop();
      for (const link of sockets.keys()) hangUp(link);
    },
    store: (frame) => {
      clock.restart(frame.server_time);
      tokens.restart();
      store.open(frame);
    },
    forget: () => store.clear(),
    learn: (tock) => clock.learn(tock) || on("timeInDoubt"),
  };

  return {
    machine: () => machine,
    token: () => tabs?.freshToken() ?? tokens.inUse,
    on,
    send,
    tell: (frame) => tabs?.tell(frame),
  };
}

/** Sets a timer in place of the one of that name. */
function setTimer(timers: Timers, name: string, ms: number, run: () => void): void {
  clearTimeout(timers.get(name));
  const timer = setTimeout(() => {
    timers.delete(name);
    run();
  }, ms);
  timers.set(name, timer);
}

function pageDeeds(on: (...event: MachineEvent) => void): DeedsOf<"heedPage" | "forgetPage"> {
  let forgetPage: Unsubscribe | null = null;
  return {
    heedPage: () => {
      forgetPage ??= watchPage(on);
    },
    forgetPage: () => {
      forgetPage?.();
      forgetPage = null;
    },
  };
}
