// One connection for all pages of a user in one browser: who has the socket, and how it goes from
// page to page without a gap. Loaded when there is something to share with.

import { hintedBackoffMs } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import { dutiesOf } from "./duties.ts";
import type { Opening } from "./frames.ts";
import { claimsOf, groupOf } from "./group.ts";
import type { Link } from "./link.ts";
import type { Duties, Reach } from "./reach.ts";
import type { ConnectionState } from "./state.ts";
import type { TabMessage } from "./tab-message.ts";
import { Tabs, type TabsOwner } from "./tabs.ts";
import type { ClientFrame, ServerFrame } from "./wire.ts";

/** A message to another tab takes a millisecond; one that is busy for less than that is not frozen. */
const ANSWER_MS = 1_000;
const HEARTBEAT_MS = 15_000;
/** A page that took over is given that long before it says that it is not connected. */
const TAKEOVER_MS = 1_000;
/** How long a page is in front before it takes the lead, so that leafing through tabs is cheap. */
const SETTLE_MS = 200;
/** A page that could not take the lead tries again after that. */
const NEXT_RISE_MS = 20_000;
const DEAF_MS = 60_000;
/** A page that could not take part tries again after that, when it opens its next socket. */
const ALONE_MS = 600_000;

export class Sharing {
  readonly #connection: Connection;
  readonly #url: string;
  #tabs: Tabs | null = null;
  /** `performance.now()` until when this page does not take part, which it could not. */
  #aloneUntil = 0;
  /** Questions to the leader in a row that nobody answered. */
  #misses = 0;
  /** A socket that opens while the leader's frames still come, to take the lead without a gap. */
  #rising: Link | null = null;
  #riseAfter = 0;
  #seizedAt = Number.NEGATIVE_INFINITY;
  #settling: ReturnType<typeof setTimeout> | undefined;

  /** `url` is the stream's, with its scope. */
  constructor(connection: Connection, url: string) {
    this.#connection = connection;
    this.#url = url;
  }

  get leads(): boolean {
    return this.#tabs?.leads ?? false;
  }

  get isJoined(): boolean {
    return this.#tabs !== null;
  }

  /** What the other pages can do. */
  get reaches(): readonly Reach[] {
    return this.#tabs?.others.map(({ reach }) => reach) ?? [];
  }

  get duties(): Duties | null {
    return this.#tabs && dutiesOf(this.#tabs.me, this.#tabs.others);
  }

  /** Joins the pages whose tokens say the same; false when this page has to see for itself. */
  join(token: string): boolean {
    const isAlone = performance.now() < this.#aloneUntil;
    const name = isAlone ? null : groupOf(this.#url, token);
    if (name === (this.#tabs?.name ?? null)) return false;
    this.leave();
    if (name === null) return false;
    try {
      this.#tabs = new Tabs(name, this.#tabsOwner());
    } catch {
      this.#aloneUntil = performance.now() + ALONE_MS;
      return false;
    }
    this.#connection.link?.drop();
    this.follow();
    return true;
  }

  /** Goes through the leader, and leads when there is none; false when that is this page. */
  follow(): boolean {
    const tabs = this.#tabs;
    if (tabs === null || tabs.leads) return false;
    tabs.queue();
    const send = (frame: ClientFrame): boolean => {
      tabs.post({ type: "client", frame });
      return true;
    };
    this.#connection.carry(
      { isShared: true, send, hangUp: () => undefined },
      ANSWER_MS,
      HEARTBEAT_MS,
    );
    tabs.post({ type: "hello" });
    this.#connection.onPeers();
    return true;
  }

  leave(): void {
    clearTimeout(this.#settling);
    this.#settling = undefined;
    this.#dropRising();
    this.#tabs?.leave();
    this.#tabs = null;
    this.#connection.onPeers();
  }

  /** A refused page waits for another one to be connected; the leader stays, so that nobody tries in vain. */
  rest(): void {
    this.#dropRising();
    if (!this.leads) this.#tabs?.rest();
  }

  /** What this page can do changed. */
  onReach(): void {
    this.#tabs?.post({ type: "reach" });
  }

  /** Somebody came, went, or can do something else now. */
  onPeers(): void {
    if (this.#settling !== undefined || !this.#mayRise()) return;
    this.#settling = setTimeout(() => this.#rise(), SETTLE_MS);
  }

  /** A socket was opened while the leader's frames come. */
  raise(link: Link): void {
    this.#rising = link;
  }

  /** Its first frame came: it carries the frames from now on. True when it was this one. */
  promote(link: Link | null = this.#rising): void {
    if (link === null || link !== this.#rising) return;
    this.#rising = null;
    this.#riseAfter = 0;
    this.#connection.link?.drop();
    this.#connection.link = link;
    this.#tabs?.seize();
  }

  /** True when it was a socket that was to take over: the leader's is still good. */
  lose(link: Link): boolean {
    if (link === this.#rising) {
      this.#rising = null;
      return true;
    }
    if (!link.isShared) return false;
    this.#onLeaderSilent();
    return true;
  }

  /** Tells the other pages that this one leads, and what they are to show. */
  announce(to: string | null = null): void {
    if (!this.leads) return;
    const { state, link, opening, store, clock } = this.#connection;
    const isLive = state.phase === "connected" && link !== null && opening !== null;
    const snapshot: Opening | null = isLive
      ? {
          ...opening,
          type: "snapshot",
          seq: store.seq,
          calls: [...store.list],
          server_time: Math.round(clock.now() * 1000),
        }
      : null;
    this.#tabs?.post({ type: "lead", state, opening: snapshot }, to);
  }

  passOn(frame: ServerFrame): void {
    if (this.leads) this.#tabs?.post({ type: "server", frame });
  }

  /** Tells the other pages what this one, as the leader, sent. */
  tell(frame: ClientFrame): void {
    if (this.leads) this.#tabs?.post({ type: "client", frame });
  }

  /** Whether a follower's token has ended: only who has the socket keeps its own fresh. */
  isStale(token: string): boolean {
    const { link, clock } = this.#connection;
    return link?.isShared === true && !(Number(claimsOf(token)?.exp) * 1000 > clock.now());
  }

  #tabsOwner(): TabsOwner {
    const connection = this.#connection;
    return {
      get reach() {
        return connection.reach;
      },
      onLead: () => this.#onLead(),
      onDeposed: () => this.#onDeposed(),
      onUnavailable: () => this.#goAlone(),
      onMessage: (message, from) => this.#onMessage(message, from),
      onPeers: () => connection.onPeers(),
    };
  }

  #onMessage(message: TabMessage, from: string): void {
    const { link } = this.#connection;
    switch (message.type) {
      case "hello":
        if (this.leads) this.announce(from);
        else this.#tabs?.post({ type: "reach" }, from);
        return;
      case "client":
        return this.#onRequest(message.frame, from);
      case "lead":
        return this.#onLeader(message.state, message.opening);
      case "server":
        if (link?.isShared && from === this.#tabs?.leader?.id) link.take(message.frame);
    }
  }

  #onRequest(frame: ClientFrame, from: string): void {
    const { state, link, clock, owner } = this.#connection;
    if (frame.type !== "tick") return owner.onRequest(frame, this.leads);
    if (!this.leads) return;
    if (state.phase !== "connected") return this.announce(from);
    if (clock.isDoubtful) return void link?.probe();
    const now = Math.round(clock.now() * 1000);
    this.#tabs?.post({ type: "server", frame: { ...frame, type: "tock", t1: now, t2: now } }, from);
  }

  /** The page that leads told how its connection stands. */
  #onLeader(state: ConnectionState, opening: Opening | null): void {
    const connection = this.#connection;
    const { link, state: own } = connection;
    if (own.phase === "refused" && opening !== null) return connection.start();
    if (!link?.isShared) return;
    if (state.phase === "refused" && connection.isFresh) return this.#tabs?.seize();
    this.#misses = 0;
    link.take(opening);
    if (state.phase === "refused") return connection.refuse(state.reason, state.detail);
    if (state.phase === "connecting" || state.phase === "reconnecting") {
      connection.becomeWaiting(Number(state.attempt));
    }
  }

  /** Nobody answered: asked once more, then replaced. Hidden pages leave that to visible ones. */
  #onLeaderSilent(): void {
    this.#misses += 1;
    const patience = this.#connection.reach.visible ? 1 : 2 + 3 * Math.random();
    if (this.#misses <= patience) return void this.follow();
    // A page that seizes again and again does not hear the others.
    const isDeaf = performance.now() - this.#seizedAt < DEAF_MS;
    this.#seizedAt = performance.now();
    if (isDeaf) this.#goAlone();
    else this.#tabs?.seize();
  }

  #onLead(): void {
    const connection = this.#connection;
    this.promote();
    if (connection.link?.isShared !== false) {
      connection.letGo();
      const wait = connection.notBefore - performance.now();
      if (wait <= 0 && connection.attempt === 0) void connection.open();
      else connection.retry.in(Math.max(wait, hintedBackoffMs()));
      // A page that was connected is again in no time; if not, it says so.
      if (connection.state.phase === "connected") {
        connection.lasting = setTimeout(() => {
          connection.becomeWaiting(connection.attempt);
        }, TAKEOVER_MS);
        return connection.onPeers();
      }
    }
    this.announce();
    connection.onPeers();
  }

  #onDeposed(): void {
    const connection = this.#connection;
    if (connection.state.phase === "refused") return connection.onPeers();
    connection.letGo();
    this.follow();
  }

  /** The page in front leads: those behind it may be slowed down or frozen. */
  #mayRise(): boolean {
    const { link, reach, notBefore } = this.#connection;
    return (
      link?.isShared === true &&
      this.#rising === null &&
      reach.visible &&
      this.#tabs?.leader?.reach.visible === false &&
      Math.max(this.#riseAfter, notBefore) <= performance.now()
    );
  }

  #rise(): void {
    this.#settling = undefined;
    if (!this.#mayRise()) return;
    this.#riseAfter = performance.now() + NEXT_RISE_MS;
    if (this.#connection.state.phase === "connected") void this.#connection.open();
    else this.#tabs?.seize();
  }

  #goAlone(): void {
    this.#aloneUntil = performance.now() + ALONE_MS;
    this.#connection.letGo();
    this.leave();
    void this.#connection.open();
  }

  #dropRising(): void {
    this.#rising?.drop();
    this.#rising = null;
  }
}
