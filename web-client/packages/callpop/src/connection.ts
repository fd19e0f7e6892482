// Does what the machine says: sockets, timers, tokens, tabs and the page. It tells the machine what
// happens, and decides nothing itself.

import type { ServerClock } from "./clock.ts";
import { FORBIDDEN } from "./close-codes.ts";
import type { Unsubscribe } from "./events.ts";
import { loadSharing, type Sharing } from "./load-sharing.ts";
import { IDLE, step } from "./machine.ts";
import type { ClientOptions } from "./options.ts";
import { look, watchPage } from "./page.ts";
import { closeSocket, isOpen, openSocket, type SocketLike } from "./socket.ts";
import type { CallChange, CallStore } from "./store.ts";
import type { TabDeeds, TabDeedTable } from "./sharing.ts";
import { Tokens, TokenUnavailable } from "./tokens.ts";
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

export class Connection {
  #machine = IDLE;
  #rules: SharingRules | null = null;
  #tabs: TabDeeds | null = null;
  #forgetPage: Unsubscribe | null = null;
  /** What the session that began last changed. */
  changes: readonly CallChange[] = [];
  readonly #options: ClientOptions;
  readonly #store: CallStore;
  readonly #clock: ServerClock;
  readonly #tokens: Tokens;
  readonly #sockets = new Map<number, SocketLike>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** Of the tabs once there is something to share with; before that, nothing is to be done there. */
  #doing: DeedTable & NewsTable & Partial<TabDeedTable>;

  constructor(options: ClientOptions, store: CallStore, clock: ServerClock, hearing: NewsTable) {
    this.#options = options;
    this.#store = store;
    this.#clock = clock;
    this.#tokens = new Tokens(options.token, this.on);
    this.#doing = { ...this.#deeds(), ...hearing };
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** A token for requests, null before there was any; a promise where a fresh one is fetched. */
  get token(): string | null | Promise<string | null> {
    return this.#tabs?.freshToken() ?? this.#tokens.current;
  }

  /** Something happened. */
  readonly on = (...event: MachineEvent): void => {
    const [machine, effects] = step(this.#machine, event, this.#moment(), this.#rules);
    this.#machine = machine;
    // To do it may be the next event; what is left of this one then comes after that.
    for (const [name, ...deed] of effects) {
      (this.#doing[name] as (...deed: unknown[]) => void)(...deed);
    }
  };

  /** Sends a frame on the present link, if it takes any. */
  send(frame: ClientFrame): void {
    const socket = this.#socket;
    if (isShared(this.#machine)) this.#tabs?.send(frame);
    else if (isOpen(socket)) socket.send(JSON.stringify(frame));
  }

  /** Tells the other tabs, and the gateway. */
  sendOnce(frame: ClientFrame): void {
    this.#tabs?.tell(frame);
    this.send(frame);
  }

  get #socket(): SocketLike | undefined {
    return this.#sockets.get(this.#machine.link?.id ?? 0);
  }

  #moment(): Moment {
    return {
      now: performance.now(),
      chance: Math.random(),
      token: this.#tokens.current,
      canSend: isOpen(this.#socket),
      company: this.#tabs?.company ?? null,
    };
  }

  #deeds(): DeedTable {
    const [clock, store, tokens] = [this.#clock, this.#store, this.#tokens];
    return {
      fetch: (round, spare) => void this.#fetch(round, spare),
      dial: (link, token) => this.#dial(link, token),
      hangUp: (link) => this.#hangUp(link),
      letGo: () => this.#letGo(),
      send: (frame) => this.send(frame),
      timer: (timer, link, ms) => this.#setTimer(timer, link, ms),
      store: (frame) => {
        clock.restart(frame.server_time);
        tokens.restart();
        this.changes = store.open(frame);
      },
      learn: (tock) => clock.learn(tock) || this.on("timeInDoubt"),
      forget: () => store.clear(),
      take: (token) => {
        tokens.current = token;
      },
      accept: () => tokens.accept(),
      renounce: () => tokens.renounce(),
      refresh: () => void tokens.refresh(),
      keepFresh: (endsAt) => tokens.keepFresh(endsAt && endsAt * 1000 - clock.now()),
      watchPage: () => {
        this.#forgetPage ??= watchPage(this.on);
      },
      forgetPage: () => {
        this.#forgetPage?.();
        this.#forgetPage = null;
      },
    };
  }

  async #fetch(round: number, spare: string | null): Promise<void> {
    try {
      const sharing = this.#rules ? null : loadSharing(this.#options.tabs);
      const [token, loaded] = await Promise.all([spare ?? this.#tokens.fetch(), sharing]);
      if (loaded !== null) this.#share(loaded);
      this.on("token", round, token);
    } catch (error) {
      this.on("noToken", round, error instanceof TokenUnavailable ? error.message : null);
    }
  }

  #share(sharing: Sharing): void {
    const { url, scope } = this.#options;
    this.#rules = sharing.RULES;
    this.#tabs ??= sharing.tabDeeds(
      streamUrl(url, scope),
      () => this.#machine,
      this.#store,
      this.#clock,
      this.#tokens,
      this.on,
    );
    this.#doing = { ...this.#doing, ...this.#tabs.doing };
  }

  #dial(link: number, token: string): void {
    const { webSocket = WebSocket, url, scope } = this.#options;
    const address = streamUrl(url, scope, this.#store.resume);
    try {
      const socket = openSocket(
        webSocket,
        address,
        token,
        (frame) => {
          look(this.on);
          this.on("frame", link, frame);
        },
        (code, detail) => this.on("lost", link, code, detail),
      );
      this.#sockets.set(link, socket);
    } catch (error) {
      // The browser does not allow this page to open it: an insecure gateway from a secure page.
      this.on("lost", link, FORBIDDEN, String(error));
    }
  }

  #hangUp(link: number): void {
    const socket = this.#sockets.get(link);
    if (socket !== undefined) closeSocket(socket);
    this.#sockets.delete(link);
  }

  #letGo(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#tokens.stop();
    for (const link of this.#sockets.keys()) this.#hangUp(link);
  }

  #setTimer(...[timer, link, ms]: Deeds["timer"]): void {
    const name = timer + link;
    clearTimeout(this.#timers.get(name));
    const set = setTimeout(() => {
      this.#timers.delete(name);
      this.on("due", timer, link);
    }, ms);
    this.#timers.set(name, set);
  }
}
