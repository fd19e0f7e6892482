// A user's integrations as they are now: read over HTTP, and kept so by what the gateway tells.

import { type Signal, signal } from "@preact/signals-core";
import type { CallpopClient, Integration, TokenProvider, Unsubscribe } from "callpop";
import { Refusal } from "../http.ts";
import { connectAddress, disconnect, fetchIntegrations, type Place } from "./api.ts";

/** How often times are looked at again. */
const LOOK_AGAIN_MS = 20_000;

/** What is being done to an integration at the moment. */
export type Doing = "connecting" | "disconnecting";

/** What is used of a client. */
export type IntegrationSource = Pick<CallpopClient, "on" | "now">;

export class LiveIntegrations {
  /** By `placeKey`; null until they were read. */
  readonly all: Signal<ReadonlyMap<string, Integration> | null> = signal(null);
  /** Why they could not be read, until they were. */
  readonly trouble: Signal<string | null> = signal(null);
  /** The gateway did not take the token. */
  readonly refused: Signal<boolean> = signal(false);
  /** By `placeKey`. */
  readonly doing: Signal<ReadonlyMap<string, Doing>> = signal(new Map<string, Doing>());
  /** Why the last action was not possible, by `placeKey`. */
  readonly failed: Signal<ReadonlyMap<string, string>> = signal(new Map<string, string>());
  /** The server's time, a few times a minute. */
  readonly nowMs: Signal<number> = signal(Date.now());
  readonly #token: TokenProvider;
  readonly #client: IntegrationSource;
  #reading = false;
  #outdated = false;

  constructor(token: TokenProvider, client: IntegrationSource) {
    this.#token = token;
    this.#client = client;
  }

  /** Reads them, and follows them until the returned function is called. */
  follow(): Unsubscribe {
    const onVisibility = (): void => {
      if (document.visibilityState === "visible") void this.read();
    };
    const onReturn = (event: PageTransitionEvent): void => {
      // Back from the provider without a load: what was on its way has ended.
      if (event.persisted) this.doing.value = new Map();
    };
    document.addEventListener("visibilitychange", onVisibility);
    addEventListener("pageshow", onReturn);
    const unsubscribe = [
      this.#client.on("integration", (integration) => this.#take(integration)),
      this.#client.on("state", ({ phase }) => {
        // What changed while nobody was connected was told to nobody.
        if (phase === "connected") void this.read();
      }),
    ];
    const timer = setInterval(() => this.#lookAgain(), LOOK_AGAIN_MS);
    void this.read();
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", onVisibility);
      removeEventListener("pageshow", onReturn);
      for (const end of unsubscribe) end();
    };
  }

  /** Reads them; what is told while an answer is on its way makes it be read again. */
  async read(): Promise<void> {
    this.#outdated = true;
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (this.#outdated) {
        this.#outdated = false;
        const list = await fetchIntegrations(await this.#token());
        if (!this.#outdated) this.all.value = new Map(list.map((one) => [placeKey(one), one]));
      }
      this.trouble.value = null;
    } catch (error) {
      this.#blame(error, (detail) => {
        this.trouble.value = detail;
      });
    } finally {
      this.#reading = false;
    }
  }

  /** Leaves the page for the provider's, which comes back to `back`. */
  async connect(place: Place, back: string): Promise<void> {
    await this.#do(place, "connecting", async () => {
      location.assign(await connectAddress(await this.#token(), place, back));
    });
  }

  async disconnect(place: Place): Promise<void> {
    await this.#do(place, "disconnecting", async () => {
      await disconnect(await this.#token(), place);
      await this.read();
    });
    // Only leaving the page ends "connecting".
    this.#set(this.doing, place, null);
  }

  /** A renewal that went well changes nothing for the user, so nobody may tell of it. */
  #lookAgain(): void {
    const now = this.#client.now();
    const all = [...(this.all.value?.values() ?? [])];
    const isOld = ({ status, access_token_expires_at: ends }: Integration): boolean =>
      status === "refreshing" || (ends !== null && ends * 1000 <= now);
    if (all.some(isOld)) void this.read();
    this.nowMs.value = now;
  }

  #take(integration: Integration): void {
    if (this.#reading) this.#outdated = true;
    const all = new Map(this.all.value);
    const before = all.get(placeKey(integration));
    all.set(placeKey(integration), { ...before, ...integration });
    if (this.all.value !== null) this.all.value = all;
    // Told out of order: what the gateway answers is the truth.
    if (before !== undefined && before.since > integration.since) void this.read();
  }

  async #do(place: Place, what: Doing, action: () => Promise<void>): Promise<void> {
    this.#set(this.doing, place, what);
    this.#set(this.failed, place, null);
    try {
      await action();
    } catch (error) {
      this.#set(this.doing, place, null);
      this.#blame(error, (detail) => this.#set(this.failed, place, detail));
    }
  }

  #blame(error: unknown, tell: (detail: string) => void): void {
    if (error instanceof Refusal && error.status === 401) this.refused.value = true;
    else tell(error instanceof Error ? error.message : String(error));
  }

  #set<T>(of: Signal<ReadonlyMap<string, T>>, place: Place, value: T | null): void {
    const all = new Map(of.value);
    if (value === null) all.delete(placeKey(place));
    else all.set(placeKey(place), value);
    of.value = all;
  }
}

export function placeKey({ source, extension }: Place): string {
  return `${source}/${extension}`;
}
