// The way to the gateway through the tab that leads.

import { Link, type LinkOwner } from "./link.ts";
import type { Tabs } from "./tabs.ts";
import type { ClientFrame } from "./wire.ts";

/** A message to another tab takes a millisecond; one that is busy for less than that is not frozen. */
const DEADLINE_MS = 1_000;
const HEARTBEAT_MS = 15_000;

export class TabLink extends Link {
  override readonly isShared = true;
  readonly #tabs: Tabs;

  constructor(tabs: Tabs, owner: LinkOwner) {
    super(owner, DEADLINE_MS);
    this.#tabs = tabs;
    tabs.post({ type: "hello" });
    this.startTicking(HEARTBEAT_MS);
  }

  override send(frame: ClientFrame): boolean {
    this.#tabs.post({ type: "client", frame });
    return true;
  }

  protected override hangUp(): void {
    // The others know from the group who is there.
  }
}
