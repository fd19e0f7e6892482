// What the demo page knows and does; the views only read it.

import { type Signal, signal } from "@preact/signals-core";
import { CallpopClient, type Notice } from "callpop";
import { LiveIntegrations } from "../integrations/live-integrations.ts";
import {
  actOnLeg,
  actOnPhone,
  type CallOptions,
  type DemoConfig,
  fetchConfig,
  fetchToken,
  finishNotice,
  type LegAction,
  type PhoneAction,
  play,
  postNotice,
  type Scenario,
  type SentNotice,
  type SimulatorState,
  watchSimulator,
} from "./api.ts";

export interface Speed {
  readonly factor: number;
  readonly label: string;
}

export const SPEEDS: readonly Speed[] = [
  { factor: 1, label: "Real time" },
  { factor: 4, label: "4×" },
  { factor: 20, label: "20×" },
  { factor: 0, label: "Instant" },
];

/** What the page holds of the user of one phone. */
export interface Person {
  readonly client: CallpopClient;
  readonly integrations: LiveIntegrations;
}

/** Where `refusals` keeps why a notice was not sent; no extension reads like this. */
export const NOTICES = "notices";

const NOTHING_YET: SimulatorState = { phones: [], log: [] };

export class DemoState {
  readonly config: Signal<DemoConfig | null> = signal(null);
  readonly simulator: Signal<SimulatorState> = signal(NOTHING_YET);
  readonly reachable: Signal<boolean> = signal(true);
  readonly speed: Signal<number> = signal(4);
  /** Scenarios whose events are still being sent. */
  readonly playing: Signal<ReadonlySet<string>> = signal(new Set<string>());
  /** The extension that notices go to; null: the first phone's. */
  readonly recipient: Signal<string | null> = signal(null);
  /** What was sent last of notices. */
  readonly sentNotice: Signal<SentNotice | null> = signal(null);
  /** Why the last action of a phone was not possible, by its extension; "" for the page, `NOTICES` for those. */
  readonly refusals: Signal<ReadonlyMap<string, string>> = signal(new Map<string, string>());
  readonly theme: Signal<"light" | "dark" | null> = signal(null);
  readonly #people = new Map<string, Person>();

  async start(): Promise<void> {
    await this.#attempt("", async () => {
      this.config.value = await fetchConfig();
      watchSimulator(
        (state) => {
          this.simulator.value = state;
        },
        (reachable) => {
          this.reachable.value = reachable;
        },
      );
    });
  }

  /** The user of an extension: connected once, whoever asks and however often. */
  person(extension: string): Person {
    const known = this.#people.get(extension);
    if (known !== undefined) return known;
    const token = (): Promise<string> => fetchToken(extension);
    const client = new CallpopClient({ token, contacts: this.config.value?.integrations === true });
    const integrations = new LiveIntegrations(token, client);
    const person = { client, integrations };
    this.#people.set(extension, person);
    if (this.config.value?.integrations) integrations.follow();
    client.connect();
    return person;
  }

  async play(scenario: Scenario): Promise<void> {
    const speed = this.speed.value;
    await this.#attempt("", async () => {
      await play(scenario.id, speed);
      if (speed === 0) return;
      this.#setPlaying(scenario.id, true);
      setTimeout(() => this.#setPlaying(scenario.id, false), scenario.duration_ms / speed);
    });
  }

  async onPhone(extension: string, action: PhoneAction, options: CallOptions = {}): Promise<void> {
    await this.#attempt(extension, async () => {
      this.simulator.value = await actOnPhone(extension, action, options);
    });
  }

  async onLeg(extension: string, legId: string, action: LegAction, to?: string): Promise<void> {
    await this.#attempt(extension, async () => {
      this.simulator.value = await actOnLeg(legId, action, to === undefined ? {} : { to });
    });
  }

  async postNotice(kind: Notice["kind"], extension: string): Promise<void> {
    await this.#attempt(NOTICES, async () => {
      this.sentNotice.value = await postNotice(kind, extension);
    });
  }

  /** Says of the notice that was posted last that it is done. */
  async finishNotice(): Promise<void> {
    const last = this.sentNotice.value?.sent;
    if (last?.event !== "posted") return;
    await this.#attempt(NOTICES, async () => {
      this.sentNotice.value = await finishNotice(last.extension, last.notice_id);
    });
  }

  async #attempt(place: string, action: () => Promise<void>): Promise<void> {
    this.#setRefusal(place, null);
    try {
      await action();
    } catch (error) {
      this.#setRefusal(place, error instanceof Error ? error.message : String(error));
    }
  }

  #setRefusal(place: string, detail: string | null): void {
    const refusals = new Map(this.refusals.value);
    if (detail === null) refusals.delete(place);
    else refusals.set(place, detail);
    this.refusals.value = refusals;
  }

  #setPlaying(id: string, is: boolean): void {
    const playing = new Set(this.playing.value);
    if (is) playing.add(id);
    else playing.delete(id);
    this.playing.value = playing;
  }
}
