// What the page knows: who is signed in, and that user's integrations.

import { type Signal, signal } from "@preact/signals-core";
import { CallpopClient, type ConnectionState } from "callpop";
import { type Access, openAccess, type PageAddress, signOut } from "./access.ts";
import type { Place } from "./api.ts";
import { LiveIntegrations } from "./live-integrations.ts";

/** Where a user connects who never did. */
const USUAL = { source: "telsmart", provider: "telsmart" };

export type Phase =
  | { readonly name: "starting" }
  /** `refused`: there was a token, and the gateway did not take it. */
  | { readonly name: "signed_out"; readonly refused: boolean }
  | { readonly name: "here"; readonly access: Access; readonly live: LiveIntegrations };

export class PageState {
  readonly phase: Signal<Phase> = signal({ name: "starting" });
  readonly connection: Signal<ConnectionState> = signal({ phase: "idle" });
  readonly #page: PageAddress;
  #end: (() => void) | null = null;

  constructor(page: PageAddress) {
    this.#page = page;
  }

  async start(): Promise<void> {
    const access = await openAccess(this.#page);
    if (access === null) {
      this.phase.value = { name: "signed_out", refused: false };
      return;
    }
    const client = new CallpopClient({ token: access.token });
    const live = new LiveIntegrations(access.token, client);
    const ends = [
      client.on("state", (state) => this.#onConnection(state)),
      live.refused.subscribe((refused) => {
        if (refused) queueMicrotask(() => this.#signOut());
      }),
      live.follow(),
      () => client.close(),
    ];
    this.#end = (): void => {
      for (const end of ends) end();
    };
    this.phase.value = { name: "here", access, live };
    client.connect();
  }

  /** The integrations to show: of the extensions of the token, and any that the gateway tells of. */
  places(access: Access, live: LiveIntegrations): readonly Place[] {
    const known = [...(live.all.value?.values() ?? [])];
    const own = access.extensions
      .filter((extension) => !known.some((one) => one.extension === extension))
      .map((extension) => ({ ...USUAL, extension }));
    return [...known, ...own].sort((a, b) =>
      a.extension.localeCompare(b.extension, "en", { numeric: true }),
    );
  }

  #onConnection(state: ConnectionState): void {
    this.connection.value = state;
    if (state.phase === "refused" && state.reason === "token") this.#signOut();
  }

  #signOut(): void {
    this.#end?.();
    this.#end = null;
    signOut(this.#page);
    this.phase.value = { name: "signed_out", refused: true };
  }
}
