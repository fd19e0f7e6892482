// The popup in a page of another origin with a strict policy, fed by a real gateway.

import { randomUUID } from "node:crypto";
import type { BrowserContext, Locator, Page } from "playwright-core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keepSockets } from "../support/client-tab.ts";
import { nowMicros, telsmartEvent } from "../support/events.ts";
import { Gateway } from "../support/gateway.ts";
import { HOSTILE_CONTENT, HOSTILE_NAME } from "../support/hostile.ts";
import { IntegrationGateway } from "../support/integrations.ts";
import { pagesInChromium } from "../support/pages-in-chromium.ts";
import { picture } from "../support/picture.ts";
import { type Watch, watchPage } from "../support/watch.ts";

const SKEW_MS = 10 * 60_000;
/** Tells a timer that is right from one that goes by that clock; `make bench-web` measures it. */
const NEAR_MS = 30_000;

const here = pagesInChromium();
let gateway: Gateway;
let context: BrowserContext;

beforeEach(async () => {
  gateway = new Gateway([here.pages.origin]);
  await gateway.start();
  here.pages.useGateway(gateway.url, () => gateway.token("200"));
  context = await here.browser.newContext({ viewport: { width: 390, height: 800 } });
});
afterEach(async () => {
  await context?.close();
  await gateway?.dispose();
});

/** A page whose popup shows the calls of extension 200. */
async function openPopup(prepare: (page: Page) => Promise<void> = async () => undefined): Promise<{
  page: Page;
  popup: Locator;
  watch: Watch;
}> {
  const page = await context.newPage();
  const watch = watchPage(page);
  await prepare(page);
  await page.goto(here.pages.url);
  await page.evaluate(
    ([url, token]) => {
      const popup = document.createElement("call-popup");
      popup.setAttribute("url", url);
      popup.setAttribute("token", token);
      document.querySelector("main")?.append(popup);
    },
    [gateway.url, gateway.token("200")] as const,
  );
  const popup = page.locator("call-popup");
  await popup.locator('[data-phase="connected"]').waitFor();
  return { page, popup, watch };
}

test("hostile_names_and_summaries_are_text", async () => {
  const { page, popup, watch } = await openPopup();
  const call = { id: randomUUID(), caller_name: HOSTILE_NAME };
  await gateway.post(telsmartEvent("RINGING", call));
  const title = popup.locator(".card .title");
  await title.waitFor();
  const shown = (await title.textContent()) ?? "";
  expect(shown).toContain('<img src=x onerror="document.title=1">');
  expect(shown).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069\u200e\u200f]/u);
  expect(await title.locator("bdi").count()).toBe(1);

  await gateway.post(telsmartEvent("ACTIVE", call));
  await gateway.post(telsmartEvent("HANGUP", call));
  const summary = { language: '"><script>', content: HOSTILE_CONTENT };
  await gateway.post(telsmartEvent("SUMMARY_REPORTING", { ...call, caller_name: "", summary }));
  const body = popup.locator(".summary-body");
  await body.waitFor();
  expect(await body.textContent()).toContain("<script>document.title=2</script>");
  expect(await popup.locator("img, script, iframe, a, style, object").count()).toBe(0);
  expect(await page.title()).toBe("Popup under test");
  expect(await overflow(page)).toBe(0);
  expect(watch.problems()).toEqual([]);
});

test("timer_is_right_with_a_skewed_clock", async () => {
  for (const skew of [SKEW_MS, -SKEW_MS]) {
    const { page, popup } = await openPopup((opened) => skewClock(opened, skew));
    const answeredAt = Date.now();
    const id = randomUUID();
    await gateway.post(telsmartEvent("RINGING", { id, timestamp: `${answeredAt - 5_000}000` }));
    await gateway.post(telsmartEvent("ACTIVE", { id, timestamp: `${answeredAt}000` }));
    await popup.locator('[data-state="active"] .timer').waitFor();
    const skewSeen = (await page.evaluate(() => Date.now())) - Date.now();
    expect(Math.abs(skewSeen - skew)).toBeLessThan(NEAR_MS);
    const shown = await secondsAsShown(page, 3);
    expect(shown.map(({ seconds }) => seconds)).toEqual(
      shown.map(({ seconds }) => seconds).toSorted((one, other) => one - other),
    );
    for (const { seconds, at } of shown) {
      expect(Math.abs(at - answeredAt - seconds * 1000)).toBeLessThan(NEAR_MS);
    }
    await gateway.post(telsmartEvent("HANGUP", { id }));
    await page.close();
  }
});

test("reconnect_restores_the_popup", async () => {
  const { popup } = await openPopup();
  const call = { id: randomUUID(), caller_name: "Marie Peeters" };
  await gateway.post(telsmartEvent("RINGING", call));
  await popup.getByText("Incoming call", { exact: true }).waitFor();
  await gateway.kill();
  await popup.locator('[data-phase="reconnecting"]').waitFor();
  expect(await popup.locator(".card .title").textContent()).toBe("Marie Peeters");

  await gateway.start();
  await gateway.post(telsmartEvent("ACTIVE", call));
  await popup.locator('[data-phase="connected"]').waitFor();
  await popup.locator('.card[data-state="active"]').waitFor();
  expect(await popup.locator(".card .title").textContent()).toBe("Marie Peeters");
});

test("a dropped socket resumes with what happened meanwhile", async () => {
  const { page, popup } = await openPopup(watchSockets);
  const call = { id: randomUUID() };
  await gateway.post(telsmartEvent("RINGING", call));
  await popup.locator('.card[data-state="ringing"]').waitFor();
  await page.evaluate(() => (globalThis as unknown as SocketKeeper).sockets.at(-1)?.close());
  await gateway.post(telsmartEvent("ACTIVE", call));
  await popup.locator('.card[data-state="active"]').waitFor();
  const urls = await page.evaluate(() =>
    (globalThis as unknown as SocketKeeper).sockets.map((socket) => socket.url),
  );
  expect(urls).toHaveLength(2);
  expect(urls[0]).not.toContain("resume=");
  expect(urls[1]).toContain("resume=");
});

test("one script tag shows a floating popup that never takes the focus", async () => {
  const page = await context.newPage();
  const watch = watchPage(page);
  await page.goto(`${here.pages.url}embed.html`);
  const popup = page.locator('call-popup[placement="bottom-right"]');
  await popup.locator('[data-phase="connected"]').waitFor();
  await page.getByLabel("Note").fill("typing");
  const call = { id: randomUUID(), caller_name: "Marie Peeters" };
  await gateway.post(telsmartEvent("RINGING", call));
  await popup.locator(".card").waitFor();
  const announcer = popup.locator("[aria-live=assertive]");
  expect(await announcer.textContent()).toBe("Incoming call from Marie Peeters");
  await gateway.post(telsmartEvent("ACTIVE", call));
  await popup.locator('.card[data-state="active"]').waitFor();
  expect(await announcer.locator("p").count()).toBe(1);
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("INPUT");
  const box = await popup.boundingBox();
  expect(Math.round((box?.y ?? 0) + (box?.height ?? 0))).toBe(800 - 16);
  await picture(page, "live/embed");
  expect(watch.problems()).toEqual([]);
});

test("a caller without a name gets the contact's, after the popup is there", async () => {
  const page = await context.newPage();
  const watch = watchPage(page);
  const contacts = new IntegrationGateway();
  contacts.contacts.set("+3228992675", '<b onclick="x">Jan</b> Peeters');
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await contacts.answerRequests(page);
  await page.route("**/v1/contacts*", async (route) => {
    await held;
    await route.fallback();
  });
  await page.goto(`${here.pages.url}contacts.html`);
  const popup = page.locator("call-popup[contacts]");
  await popup.locator('[data-phase="connected"]').waitFor();
  const call = { id: randomUUID() };
  await gateway.post(telsmartEvent("RINGING", call));
  await popup.locator('.card[data-state="ringing"]').waitFor();
  expect(await popup.locator(".title").textContent()).toBe("+3228992675");
  answer();
  await popup.locator(".title", { hasText: "Peeters" }).waitFor();
  expect(await popup.locator(".title").textContent()).toBe('<b onclick="x">Jan</b> Peeters');
  expect(await popup.locator(".card .subtitle").textContent()).toBe("+3228992675");
  await gateway.post(telsmartEvent("ACTIVE", call));
  await gateway.post(telsmartEvent("HANGUP", call));
  await popup.locator('.card[data-state="ended"] .title', { hasText: "Peeters" }).waitFor();
  const asked = contacts.asked.map(({ path }) => path);
  expect(asked).toEqual(["/v1/contacts?number=%2B3228992675&source=telsmart"]);
  expect(await popup.locator("[aria-live=assertive] p").count()).toBe(1);
  expect(watch.problems()).toEqual([]);
});

test("a call that a colleague answered says by whom, though only one extension is seen", async () => {
  const { page, popup, watch } = await openPopup();
  const at = (seconds: number): string => String((Date.now() - 60_000 + seconds * 1000) * 1000);
  const sofie = { caller_number: "201", caller_name: "Sofie" };
  await gateway.post(telsmartEvent("RINGING", { ...sofie, id: "told", timestamp: at(0) }));
  await gateway.post(telsmartEvent("HANGUP", { ...sofie, id: "told", timestamp: at(9) }));
  const missed = popup.locator('[data-tone="missed"]');
  await missed.waitFor();

  const here = { id: "here" };
  const there = { id: "there", user_extension: "201", callee_number: "201" };
  for (const leg of [here, there]) {
    await gateway.post(telsmartEvent("RINGING", { ...leg, timestamp: at(20) }));
  }
  const card = popup.locator('[data-leg="here"]');
  await card.waitFor();
  await gateway.post(telsmartEvent("ACTIVE", { ...there, timestamp: at(30) }));
  await gateway.post(telsmartEvent("HANGUP", { ...here, timestamp: at(30) }));
  await card.locator(".story").waitFor();
  expect(await card.locator(".story").textContent()).toBe("Answered by Sofie (201)");
  expect(await card.locator(".state").textContent()).toBe("Answered elsewhere");
  await picture(page, "live/answered-by");

  await popup.getByRole("button", { name: "Dismiss call with +32 2 899 26 75" }).click();
  const row = popup.locator('.recent-call[data-leg="here"]');
  await row.waitFor();
  expect(await row.locator(".tone").last().textContent()).toBe("Answered by Sofie (201) · ");
  expect(await row.getAttribute("data-unseen")).toBe("false");
  // What nobody answered is missed still.
  expect(await missed.getAttribute("data-leg")).toBe("told");
  expect(watch.problems()).toEqual([]);
});

test("a dismissed call is gone on every page of its user", async () => {
  const [here, there] = [await openPopup(), await openPopup()];
  await gateway.post(telsmartEvent("RINGING", { timestamp: nowMicros() }));
  await there.popup.locator(".card").waitFor();
  await here.popup.getByRole("button", { name: /^Dismiss call/ }).click();
  await here.popup.locator(".card").waitFor({ state: "detached" });
  await there.popup.locator(".card").waitFor({ state: "detached" });
});

test("a wrap-up is stored, and shown on another page of its user", async () => {
  const [here, there] = [await openPopup(), await openPopup()];
  const call = { id: randomUUID(), caller_name: "Marie Peeters" };
  for (const state of ["RINGING", "ACTIVE", "HANGUP"]) {
    await gateway.post(telsmartEvent(state, call));
  }
  await here.popup.locator(".wrap-up textarea").fill("Wants <b>a</b> refund.");
  await here.popup.getByRole("radio", { name: "Call back" }).check();
  await here.popup.getByRole("button", { name: "Save" }).click();
  await here.popup.getByText(/^Saved at/).waitFor();
  await expect
    .poll(() => there.popup.locator("textarea").inputValue())
    .toBe("Wants <b>a</b> refund.");
  expect(await there.popup.getByRole("radio", { name: "Call back" }).isChecked()).toBe(true);
  for (const { watch } of [here, there]) expect(watch.problems()).toEqual([]);
});

test("a bad token is refused with a reason, and nothing is tried again", async () => {
  const page = await context.newPage();
  await watchSockets(page);
  await page.goto(here.pages.url);
  await page.evaluate((url) => {
    const popup = document.createElement("call-popup");
    popup.setAttribute("url", url);
    popup.setAttribute("token", "not.a.token");
    document.querySelector("main")?.append(popup);
  }, gateway.url);
  await page.locator('call-popup [data-phase="refused"]').waitFor();
  expect(await page.locator("call-popup .notice").textContent()).toContain("sign-in has expired");
  const sockets = await page.evaluate(() => (globalThis as unknown as SocketKeeper).sockets.length);
  expect(sockets).toBe(1);
});

/** A popup whose extras are there, and what it does with another `token`; null: with none. */
async function openSignedIn(): Promise<{
  popup: Locator;
  give: (token: string | null) => Promise<void>;
  sockets: () => Promise<readonly boolean[]>;
}> {
  const { page, popup } = await openPopup(watchSockets);
  await popup.locator(".panel[aria-keyshortcuts]").waitFor();
  return {
    popup,
    give: (token) =>
      page.evaluate((given) => {
        const element = document.querySelector("call-popup");
        if (given === null) element?.removeAttribute("token");
        else element?.setAttribute("token", given);
      }, token),
    sockets: () =>
      page.evaluate(() =>
        (globalThis as unknown as SocketKeeper).sockets.map(
          ({ readyState }) => readyState === WebSocket.OPEN,
        ),
      ),
  };
}

test("a popup whose token is taken away shows nothing more", async () => {
  const { popup, give, sockets } = await openSignedIn();
  await gateway.post(telsmartEvent("RINGING", { id: randomUUID() }));
  await popup.locator(".card").waitFor();
  await give(null);
  await popup.locator('[data-phase="idle"]').waitFor();
  await popup.locator(".card").waitFor({ state: "detached" });
  await expect.poll(sockets).toEqual([false]);
  await expect.poll(() => gateway.metric("callpop_sessions")).toBe(0);
});

test("another user's token begins anew, and a renewed one does not", async () => {
  const { popup, give, sockets } = await openSignedIn();
  await gateway.post(telsmartEvent("RINGING", { id: randomUUID() }));
  await popup.locator(".card").waitFor();
  await give(gateway.token("200", 1800));
  await gateway.post(telsmartEvent("RINGING", { id: randomUUID(), caller_name: "Marie" }));
  await popup.getByText("Marie").first().waitFor();
  expect(await sockets()).toEqual([true]);
  await give(gateway.token("201"));
  await popup.locator(".card").waitFor({ state: "detached" });
  await popup.locator('[data-phase="connected"]').waitFor();
  await expect.poll(sockets).toEqual([false, true]);
  expect(await popup.locator(".panel").textContent()).not.toContain("Marie");
});

interface SocketKeeper {
  readonly sockets: WebSocket[];
}

/** Lets the test reach the sockets that the page opens. */
async function watchSockets(page: Page): Promise<void> {
  await page.addInitScript(keepSockets);
}

/** Makes the page's wall clock wrong, as that of a computer is. */
async function skewClock(page: Page, skew: number): Promise<void> {
  await page.addInitScript((ms) => {
    const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...args: []) {
        if (args.length === 0) super(Real.now() + ms);
        else super(...args);
      }
      static override now(): number {
        return Real.now() + ms;
      }
    } as DateConstructor;
  }, skew);
}

/** The next `count` changes of the timer: what it shows, and when by the real clock. */
async function secondsAsShown(
  page: Page,
  count: number,
): Promise<readonly { seconds: number; at: number }[]> {
  return await page.evaluate(async (wanted) => {
    const timer = document.querySelector("call-popup")?.shadowRoot?.querySelector(".timer");
    if (!timer) return [];
    // The page's origin of time is the real one: only its Date is wrong.
    const realNow = (): number => performance.timeOrigin + performance.now();
    const changes: { seconds: number; at: number }[] = [];
    await new Promise<void>((resolve) => {
      new MutationObserver(() => {
        const [minutes = 0, seconds = 0] = (timer.textContent ?? "").split(":").map(Number);
        changes.push({ seconds: minutes * 60 + seconds, at: realNow() });
        if (changes.length === wanted) resolve();
      }).observe(timer, { characterData: true, subtree: true, childList: true });
    });
    return changes;
  }, count);
}

/** By how much the page is wider than its window. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth));
}
