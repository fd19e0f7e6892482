// Puts a popup with a given scene into the harness page.

import type { Page } from "playwright-core";
import { NOW, type Scene } from "./scenes.ts";

/** Adds a `<call-popup>` that shows `scene`, fed by a stand-in for a client. */
export async function addPopup(page: Page, scene: Scene): Promise<void> {
  await page.evaluate(
    ([{ connection, calls, before }, now]) => {
      const listeners: Record<string, ((event: unknown) => void)[]> = { state: [], calls: [] };
      const client = {
        state: connection ?? { phase: "connected", sessionId: "1" },
        calls: before ?? calls,
        now: () => now,
        connect: () => undefined,
        dismiss: () => undefined,
        on: (name: "state" | "calls", listener: (event: unknown) => void) => {
          listeners[name]?.push(listener);
          return () => undefined;
        },
      };
      const popup = document.createElement("call-popup");
      Object.assign(popup, { client });
      document.querySelector("main")?.append(popup);
      return new Promise<void>((resolve) => {
        requestAnimationFrame(() => {
          for (const listener of listeners.calls ?? []) listener(calls);
          resolve();
        });
      });
    },
    [scene, NOW] as const,
  );
  await page.locator("call-popup .panel").last().waitFor();
}

export async function clearStage(page: Page): Promise<void> {
  await page.evaluate(() => document.querySelector("main")?.replaceChildren());
}
