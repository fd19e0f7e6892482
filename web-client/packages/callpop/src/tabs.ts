// The pages of one user in one browser: who is there, who leads, and what they tell each other.
// A Web Lock says who leads, a BroadcastChannel carries the rest. Nothing is stored. A lock, since the
// browser itself takes it from a tab that is closed or crashes, at once and without a timer; messages
// alone could elect two leaders, who would ring twice.

import type { Peer, Reach } from "./reach.ts";
import { type Envelope, isEnvelope, type TabMessage, type TabsEvent } from "./tab-message.ts";
import type { Company } from "./turn.ts";

const MOST_PEERS = 50;
/** Hidden pages may speak once a minute only; one that crashed never says that it goes. */
const PEER_GONE_AFTER_MS = 75_000;

export class Tabs {
  readonly #name: string;
  readonly #reach: () => Reach;
  readonly #tell: (...event: TabsEvent) => void;
  readonly #id = crypto.randomUUID();
  readonly #channel: BroadcastChannel;
  readonly #peers = new Map<string, { readonly reach: Reach; readonly heardAt: number }>();
  #leader: string | null = null;
  #wish: AbortController | null = null;
  #release: (() => void) | null = null;

  /** Throws where the browser has no locks or channels for this page. */
  constructor(name: string, reach: () => Reach, tell: (...event: TabsEvent) => void) {
    this.#name = name;
    this.#reach = reach;
    this.#tell = tell;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }): void => this.#onData(data);
  }

  get leads(): boolean {
    return this.#release !== null;
  }

  get company(): Company {
    return { id: this.#id, leads: this.leads, others: this.#others };
  }

  get #others(): readonly Peer[] {
    const oldest = performance.now() - PEER_GONE_AFTER_MS;
    const peers: Peer[] = [];
    for (const [id, { reach, heardAt }] of this.#peers) {
      if (heardAt < oldest) this.#peers.delete(id);
      else peers.push({ id, leads: id === this.#leader, reach });
    }
    return peers;
  }

  /** Leads as soon as nobody else does. */
  queue(): void {
    this.#ask(false);
  }

  /** Takes the lead from whoever has it. */
  seize(): void {
    if (!this.leads) this.#ask(true);
  }

  /** Neither leads nor wants to; still hears the others. */
  rest(): void {
    this.#wish?.abort();
    this.#wish = null;
    this.#release?.();
    this.#release = null;
  }

  leave(): void {
    this.post({ type: "bye" });
    this.rest();
    this.#channel.close();
  }

  post(message: TabMessage, to: string | null = null): void {
    const reach = this.#reach();
    this.#channel.postMessage({ from: this.#id, to, reach, message } satisfies Envelope);
  }

  /**
   * A frozen tab keeps its lock and answers nobody: only `steal` takes it then. Whoever is robbed learns
   * it by the rejection of its own request, also when it is thawed hours later.
   */
  #ask(steal: boolean): void {
    this.#wish?.abort();
    const wish = new AbortController();
    this.#wish = wish;
    const { signal } = wish;
    navigator.locks
      .request(this.#name, steal ? { steal } : { signal }, () => this.#hold(signal))
      .catch(() => {
        // It gave up its own wish, as `rest` does: nothing was taken from it.
        if (signal.aborted) return;
        // It never had the lock, so the browser refused it: a page that may not use locks.
        if (!this.leads) return this.#tell("alone");
        this.#release = null;
        this.#leader = null;
        this.#tell("deposed");
      });
  }

  #hold(signal: AbortSignal): Promise<void> | undefined {
    if (signal.aborted) return undefined;
    // Whoever led is gone, or hears of it; then it says again what it can do.
    if (this.#leader !== null) this.#peers.delete(this.#leader);
    this.#leader = this.#id;
    // The lock is held for as long as this promise is not settled.
    return new Promise((resolve) => {
      this.#release = resolve;
      this.#tell("lead");
    });
  }

  #onData(data: unknown): void {
    if (!isEnvelope(data)) return;
    const { from, to, message, reach } = data;
    if (message.type === "bye") this.#peers.delete(from);
    else if (this.#peers.has(from) || this.#peers.size < MOST_PEERS) {
      this.#peers.set(from, { reach, heardAt: performance.now() });
    }
    const isForMe = to === null || to === this.#id;
    if (message.type === "lead" && !this.leads && this.#leader !== from) {
      this.#leader = from;
      // What it said to all while another page was taken for the leader went by.
      if (!isForMe) this.post({ type: "hello" });
    }
    if (isForMe) this.#tell("message", message, from);
    this.#tell("peers");
  }
}
