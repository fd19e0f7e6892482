// A tab with nothing but a client of the SDK in it, which notes everything that it hears.

import type { Call, CallpopClient, ClientOptions, ConnectionState, Duties } from "callpop";
import type { Tab, Window } from "./cdp.ts";
import type { Pages } from "./pages.ts";

/** What a page of these tests holds, by name in `globalThis`. */
export interface InPage {
  readonly client: CallpopClient;
  /** "leg state", of every `call` event. */
  readonly heard: string[];
  readonly phases: string[];
  readonly duties: Duties[];
  readonly sockets: WebSocket[];
}

interface Embedded {
  readonly callpop: { readonly ready: Promise<{ CallpopClient: typeof CallpopClient }> };
}

export class ClientTab {
  readonly tab: Tab;

  private constructor(tab: Tab) {
    this.tab = tab;
  }

  /** Opens a tab in front whose client connects to `gateway`, with a token of `/token`. */
  static async open(
    window: Window,
    pages: Pages,
    gateway: string,
    options: Partial<Pick<ClientOptions, "tabs" | "scope">> = {},
    prepare: (tab: Tab) => Promise<void> = async () => undefined,
  ): Promise<ClientTab> {
    const tab = await window.openTab(pages.url, async (opened) => {
      await opened.prepare(keepSockets);
      await prepare(opened);
    });
    const opened = new ClientTab(tab);
    await tab.evaluate(connectClient, gateway, options);
    return opened;
  }

  /** Waits until its client is connected. */
  async connected(): Promise<this> {
    await this.tab.until(
      () => (globalThis as unknown as InPage).client?.state.phase === "connected",
    );
    return this;
  }

  /** Waits until its client leads, over a socket of its own that is open. */
  async leads(): Promise<this> {
    await this.tab.until(() => {
      const { client } = globalThis as unknown as InPage;
      const { phase, transport } = client.diagnose();
      return client.duties.leads && phase === "connected" && transport === "own";
    });
    return this;
  }

  /** Waits until its client is connected through another tab. */
  async follows(): Promise<this> {
    await this.tab.until(() => {
      const { phase, transport } = (globalThis as unknown as InPage).client.diagnose();
      return phase === "connected" && transport === "shared";
    });
    return this;
  }

  get state(): Promise<ConnectionState> {
    return this.tab.evaluate(() => (globalThis as unknown as InPage).client.state);
  }

  get calls(): Promise<readonly Call[]> {
    return this.tab.evaluate(() => (globalThis as unknown as InPage).client.calls);
  }

  get heard(): Promise<string[]> {
    return this.tab.evaluate(() => (globalThis as unknown as InPage).heard);
  }

  get phases(): Promise<string[]> {
    return this.tab.evaluate(() => (globalThis as unknown as InPage).phases);
  }

  get duties(): Promise<Duties> {
    return this.tab.evaluate(() => (globalThis as unknown as InPage).client.duties);
  }

  /** How many sockets of this tab are open, and how many there ever were. */
  get sockets(): Promise<{ open: number; ever: number }> {
    return this.tab.evaluate(() => {
      const { sockets } = globalThis as unknown as InPage;
      const open = sockets.filter(({ readyState }) => readyState === WebSocket.OPEN);
      return { open: open.length, ever: sockets.length };
    });
  }

  /** Waits until its client is in that phase. */
  async becomes(phase: string): Promise<this> {
    await this.tab.until(
      (wanted) => (globalThis as unknown as InPage).client.state.phase === wanted,
      phase,
    );
    return this;
  }

  /** Waits until it has heard that a leg is in that state. */
  async hears(leg: string, state: string): Promise<void> {
    await this.tab.until(
      (line) => (globalThis as unknown as InPage).heard.includes(line),
      `${leg} ${state}`,
    );
  }

  /** Does something with the client. */
  do<Args extends unknown[], T>(run: (...args: Args) => T, ...args: Args): Promise<Awaited<T>> {
    return this.tab.evaluate(run, ...args);
  }
}

/** Lets a test reach the sockets that the page opens. */
export function keepSockets(): void {
  const sockets: WebSocket[] = [];
  const Real = WebSocket;
  globalThis.WebSocket = class extends Real {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      sockets.push(this);
    }
  };
  Object.assign(globalThis, { sockets });
}

async function connectClient(
  url: string,
  options: Partial<Pick<ClientOptions, "tabs" | "scope">>,
): Promise<void> {
  const { CallpopClient } = await (globalThis as unknown as Embedded).callpop.ready;
  const token = async (): Promise<string> => {
    const response = await fetch("/token");
    return (await response.json()).token;
  };
  const client = new CallpopClient({ url, token, ...options });
  const heard: string[] = [];
  const phases: string[] = [];
  const duties: Duties[] = [];
  client.on("call", ({ call }) => heard.push(`${call.leg_id} ${call.state}`));
  client.on("duties", (changed) => duties.push(changed));
  client.on("state", ({ phase }) => phases.push(phase));
  Object.assign(globalThis, { client, heard, phases, duties });
  client.connect();
}
