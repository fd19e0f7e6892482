// Puts a popup with a given scene into the harness page, fed by a stand-in for a client.

import type { Call, CallName, Notice, NoticeName } from "callpop";
import type { Page } from "playwright-core";
import { NOW, SCENES, type Scene } from "./scenes.ts";

/** What the stand-in remembers, for tests to look at; it is the popup's `client`. */
export interface StagedClient {
  calls: readonly Call[];
  notices: readonly Notice[];
  readonly dismissed: string[];
  readonly finished: string[];
  readonly receipts: string[];
  readonly wrapUps: (CallName & { readonly disposition: string | null; readonly note: string })[];
  progress: "saving" | "refused" | null;
  show(calls: readonly Call[]): void;
  post(notices: readonly Notice[]): void;
}

/** Adds a `<call-popup>` that shows `scene`; attributes may be given besides. */
export async function addPopup(
  page: Page,
  scene: Scene,
  attributes: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { act, ...data } = scene;
  await page.evaluate(
    ([scene, now, more]) => {
      const { connection, calls, before, dispositions, progress, attributes: own } = scene;
      const listeners: Record<string, ((event: unknown) => void)[]> = {
        state: [],
        calls: [],
        notices: [],
      };
      const client = {
        state: connection ?? { phase: "connected", sessionId: "1" },
        calls: before ?? calls,
        notices: scene.notices ?? [],
        ...(scene.extensions && { extensions: scene.extensions }),
        scope: scene.scope ?? "user",
        dispositions: dispositions ?? ["Resolved", "Call back", "Complaint", "Wrong number"],
        dismissed: [] as string[],
        receipts: [] as string[],
        painted: ({ leg_id }: CallName) => client.receipts.push(leg_id),
        wrapUps: [] as object[],
        progress: progress ?? null,
        now: () => now,
        connect: () => undefined,
        dismiss: (item: Partial<CallName & NoticeName>) =>
          void client.dismissed.push(item.leg_id ?? item.notice_id ?? ""),
        finished: [] as string[],
        done: ({ notice_id }: NoticeName) => void client.finished.push(notice_id),
        wrapUp: ({ leg_id, source, extension }: CallName, entry: object) => {
          client.wrapUps.push({ leg_id, source, extension, ...entry });
          client.progress = "saving";
          client.show(client.calls);
        },
        wrapUpState: () => client.progress,
        on: (name: "state" | "calls" | "notices", listener: (event: unknown) => void) => {
          listeners[name]?.push(listener);
          return () => undefined;
        },
        show: (shown: typeof calls) => {
          client.calls = shown;
          for (const listener of listeners.calls ?? []) listener(shown);
        },
        post: (posted: readonly Notice[]) => {
          client.notices = posted;
          for (const listener of listeners.notices ?? []) listener(posted);
        },
      };
      const popup = document.createElement("call-popup");
      for (const [name, value] of Object.entries({ ...own, ...more })) {
        popup.setAttribute(name, value);
      }
      Object.assign(popup, { client });
      document.querySelector("main")?.append(popup);
      return new Promise<void>((resolve) => {
        requestAnimationFrame(() => {
          client.show(calls);
          requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
        });
      });
    },
    [data, NOW, attributes] as const,
  );
  await page.locator("call-popup .panel").last().waitFor();
  await act?.(page);
}

/** Shows other calls in the only popup of the page. */
export async function show(page: Page, ...calls: readonly Call[]): Promise<void> {
  await page.evaluate((shown) => {
    const popup = document.querySelector("call-popup") as unknown as { client: StagedClient };
    popup.client.show(shown);
    return new Promise((resolve) => requestAnimationFrame(resolve));
  }, calls);
}

/** Tells of other notices in the only popup of the page. */
export async function post(page: Page, ...notices: readonly Notice[]): Promise<void> {
  await page.evaluate((posted) => {
    const popup = document.querySelector("call-popup") as unknown as { client: StagedClient };
    popup.client.post(posted);
    return new Promise((resolve) => requestAnimationFrame(resolve));
  }, notices);
}

/** What the only popup's client remembers. */
export async function client<T>(page: Page, look: (client: StagedClient) => T): Promise<T> {
  const popup = await page.evaluateHandle(
    () => (document.querySelector("call-popup") as unknown as { client: StagedClient }).client,
  );
  return (await popup.evaluate(look as (client: StagedClient) => unknown)) as T;
}

export async function clearStage(page: Page): Promise<void> {
  await page.evaluate(() => document.querySelector("main")?.replaceChildren());
}

/** Loads every part and language once, so that the next popups have them at once. */
export async function warmUp(page: Page): Promise<void> {
  for (const lang of ["en", "nl", "fr"]) {
    await addPopup(page, SCENES.everything as Scene, { lang });
    for (const part of [".recent", ".summary-body", ".wrap-up", ".pop", ".notice-card"]) {
      await page.locator(`call-popup ${part}`).first().waitFor();
    }
    await clearStage(page);
  }
}
