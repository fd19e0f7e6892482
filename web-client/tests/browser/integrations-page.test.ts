// The page of a user's integrations: every state is seen, told in time, and can be acted on.

import type { Integration, IntegrationStatus } from "callpop";
import type { BrowserContextOptions, Locator, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { axeViolations } from "../support/axe.ts";
import { integration, IntegrationGateway, tokenFor } from "../support/integrations.ts";
import { pagesInChromium } from "../support/pages-in-chromium.ts";
import { picture } from "../support/picture.ts";
import { type Watch, watchPage } from "../support/watch.ts";

const now = (): number => Date.now() * 1000;

const here = pagesInChromium();

interface Opened {
  readonly page: Page;
  readonly gateway: IntegrationGateway;
  readonly watch: Watch;
  readonly card: Locator;
}

/** A blank page, and the gateway behind it. */
async function prepare(options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await here.browser.newContext({
    viewport: { width: 1280, height: 640 },
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  const gateway = new IntegrationGateway();
  await gateway.answer(page);
  return { page, gateway, watch: watchPage(page), card: page.locator(".card") };
}

/** The page as the user of extension 200 sees it. */
async function open(list: readonly Integration[]): Promise<Opened> {
  const opened = await prepare();
  opened.gateway.list = list;
  await opened.page.goto(`${here.pages.url}integrations#token=${tokenFor("200")}`);
  return opened;
}

const inState = (card: Locator, status: IntegrationStatus): Promise<void> =>
  card.and(card.page().locator(`[data-status="${status}"]`)).waitFor();

interface Scene {
  readonly list: readonly Integration[];
  readonly token?: string;
  readonly prepare?: (gateway: IntegrationGateway) => void;
  /** What is there once the scene is complete. */
  readonly shows: string;
  readonly act?: (page: Page) => Promise<void>;
}

const again = (cause: string | null): Integration =>
  integration({ status: "reauth_required", cause, access_token_expires_at: null });

const SCENES: Readonly<Record<string, Scene>> = {
  none: { list: [], shows: "Not connected" },
  pending: {
    list: [integration({ status: "pending", access_token_expires_at: null })],
    shows: "Waiting for Telsmart",
  },
  active: { list: [integration()], shows: "Connected" },
  refreshing: { list: [integration({ status: "refreshing" })], shows: "Connected, being renewed" },
  ambiguous: { list: [integration({ status: "ambiguous" })], shows: "Connected, being checked" },
  overdue: {
    list: [integration({ access_token_expires_at: Math.floor(Date.now() / 1000) - 90 })],
    shows: "Connected, renewal overdue",
  },
  "again-rejected": { list: [again("rejected")], shows: "refused to renew" },
  "again-response-lost": { list: [again("response_lost")], shows: "answer was lost" },
  "again-restored": { list: [again("restored")], shows: "restored from a backup" },
  "again-unknown": { list: [again(null)], shows: "gave no reason" },
  "again-hostile": {
    list: [again(`<img src=x onerror="document.title=1">${"x".repeat(300)}`)],
    shows: "<img src=x",
  },
  deactivated: {
    list: [
      integration({ status: "deactivated", since: now() - 4e12, access_token_expires_at: null }),
    ],
    shows: "Disconnected",
  },
  asking: {
    list: [integration()],
    shows: "Connected",
    act: (page) => page.getByRole("button", { name: "Disconnect" }).click(),
  },
  several: {
    list: [integration(), { ...again("rejected"), extension: "1003" }],
    token: tokenFor("200", "205", "1003"),
    shows: "Not connected",
  },
  "no-extension": { list: [], token: tokenFor(), shows: "without an extension" },
  "signed-out": { list: [], token: "none", shows: "You are not signed in here" },
  refused: {
    list: [],
    shows: "Your sign-in has ended",
    prepare: ({ refusals }) =>
      refusals.set("/v1/integrations", { status: 401, detail: "the token has expired" }),
  },
  unreadable: {
    list: [],
    shows: "The vault cannot be reached.",
    prepare: ({ refusals }) =>
      refusals.set("/v1/integrations", { status: 503, detail: "the vault cannot be reached" }),
  },
  "cannot-disconnect": {
    list: [integration()],
    shows: "Connected",
    prepare: ({ refusals }) =>
      refusals.set("/integrations/telsmart/disconnect", {
        status: 503,
        detail: "the store does not answer",
      }),
    act: async (page) => {
      await page.getByRole("button", { name: "Disconnect" }).click();
      await page.getByRole("button", { name: "Yes, disconnect" }).click();
      await page.getByText("That was not possible: the store does not answer.").waitFor();
    },
  },
};

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1280, 320]) {
    test(`every state in ${colorScheme} at ${width} px is whole, accessible and within the policy`, async () => {
      const { page, gateway, watch } = await prepare({
        colorScheme,
        viewport: { width, height: 640 },
      });
      const findings: string[] = [];
      for (const [name, scene] of Object.entries(SCENES)) {
        gateway.list = scene.list;
        gateway.refusals.clear();
        scene.prepare?.(gateway);
        await page.goto("about:blank");
        await page.goto(`${here.pages.url}integrations#token=${scene.token ?? tokenFor("200")}`);
        await page.getByText(scene.shows).first().waitFor();
        await scene.act?.(page);
        await picture(page, `integrations/${name}-${colorScheme}-${width}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        const found = wide > 0 ? [`${wide} px too wide`] : [];
        found.push(...(await axeViolations(page, colorScheme === "light" ? "all" : "colours")));
        findings.push(...found.map((finding) => `${name}: ${finding}`));
        expect(await page.title()).toBe("Integrations · callpop");
      }
      // A refusal is an error of the network to Chromium; anything else is ours.
      const problems = watch.problems().filter((line) => !line.includes("Failed to load"));
      expect([...findings, ...problems]).toEqual([]);
      await page.context().close();
    });
  }
}

test("forced colours keep every edge", async () => {
  const { page, card } = await open([again("rejected")]);
  await page.emulateMedia({ forcedColors: "active" });
  await inState(card, "reauth_required");
  await picture(page, "integrations/forced");
  expect(await axeViolations(page)).toEqual([]);
  await page.context().close();
});

describe("the token", () => {
  test("leaves the address bar and the history, and stays for this tab", async () => {
    const { page, gateway, card } = await open([integration()]);
    await inState(card, "active");
    expect(page.url()).toBe(`${here.pages.url}integrations`);
    await page.reload();
    await inState(card, "active");
    expect(new Set(gateway.asked.map(({ token }) => token))).toEqual(new Set([tokenFor("200")]));
    expect(await page.evaluate(() => Object.keys(localStorage))).toEqual([]);
    const other = await page.context().newPage();
    await gateway.answer(other);
    await other.goto(`${here.pages.url}integrations`);
    await other.getByText("You are not signed in here").waitFor();
    await page.context().close();
  });

  test("is forgotten when it is refused", async () => {
    const { page, gateway, card } = await open([integration()]);
    await inState(card, "active");
    // Once when it was loaded, and once when its connection stood.
    await expect.poll(() => gateway.asked.length).toBe(2);
    gateway.refusals.set("/v1/integrations", { status: 401, detail: "expired" });
    await page.reload();
    await page.getByText("Your sign-in has ended").waitFor();
    expect(await card.count()).toBe(0);
    gateway.refusals.clear();
    await page.reload();
    await page.getByText("You are not signed in here").waitFor();
    await page.context().close();
  });

  test("of another user takes over in an open page", async () => {
    const { page, card } = await open([]);
    await card.getByRole("heading", { name: /extension 200$/ }).waitFor();
    await page.goto(`${here.pages.url}integrations#token=${tokenFor("210")}`);
    await card.getByRole("heading", { name: /extension 210$/ }).waitFor();
    expect(page.url()).toBe(`${here.pages.url}integrations`);
    await page.context().close();
  });
});

describe("live", () => {
  test("a deactivation by the provider shows without being asked for, and is announced", async () => {
    const { page, gateway, card } = await open([integration()]);
    await inState(card, "active");
    await page.getByText("Changes show here by themselves").waitFor();
    // Who asks is still told that it is active.
    gateway.tell(
      integration({ status: "deactivated", since: now(), access_token_expires_at: null }),
    );
    await inState(card, "deactivated");
    const told = card.getByRole("status");
    expect(await told.textContent()).toBe("Extension 200: Disconnected");
    await page.context().close();
  });

  test("what happened while the connection was lost is read when it is back", async () => {
    const { page, gateway, card } = await open([integration()]);
    await inState(card, "active");
    await page.getByText("Changes show here by themselves").waitFor();
    gateway.list = [again("response_lost")];
    await gateway.drop();
    await inState(card, "reauth_required");
    await page.context().close();
  });

  test("a page that becomes visible reads again", async () => {
    const { page, gateway, card } = await open([integration()]);
    await inState(card, "active");
    await page.getByText("Changes show here by themselves").waitFor();
    gateway.list = [again("rejected")];
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await inState(card, "reauth_required");
    await page.context().close();
  });

  test("what is told late does not undo what is newer", async () => {
    const { page, gateway, card } = await open([integration()]);
    await inState(card, "active");
    await page.getByText("Changes show here by themselves").waitFor();
    const before = gateway.asked.length;
    gateway.tell(integration({ status: "pending", since: now() - 9e9 }));
    await expect.poll(() => gateway.asked.length).toBeGreaterThan(before);
    await inState(card, "active");
    await page.context().close();
  });
});

describe("connecting", () => {
  test("goes to the provider with a ticket, and comes back signed in", async () => {
    const { page, gateway, card } = await open([]);
    await card.getByRole("button", { name: "Connect" }).click();
    await page.getByRole("link", { name: "Allow" }).waitFor();
    const ticket = gateway.asked.find(({ path }) => path === "/v1/tickets");
    expect(ticket).toMatchObject({ method: "POST", token: tokenFor("200") });
    const url = new URL(page.url());
    expect(url.pathname).toBe("/integrations/telsmart/connect");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      ticket: "once-only",
      extension: "200",
      redirect_url: `${here.pages.url}integrations`,
    });
    gateway.list = [integration()];
    await page.getByRole("link", { name: "Allow" }).click();
    await inState(card, "active");
    await page.context().close();
  });

  test("that is refused says so, and can be tried again", async () => {
    const { page, gateway, card } = await open([]);
    gateway.refusals.set("/v1/tickets", { status: 429, detail: "too many tickets" });
    await card.getByRole("button", { name: "Connect" }).click();
    await card.getByText("That was not possible: too many tickets.").waitFor();
    gateway.refusals.clear();
    await card.getByRole("button", { name: "Connect" }).click();
    await page.getByRole("link", { name: "Allow" }).waitFor();
    await page.context().close();
  });
});

describe("disconnecting", () => {
  test("asks first, by keyboard too, and never loses the focus", async () => {
    const { page, gateway, card } = await open([integration()]);
    const focused = (): Promise<string | null> =>
      page.evaluate(() => document.activeElement?.textContent ?? null);
    await inState(card, "active");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Disconnect");
    await page.keyboard.press("Enter");
    await card.getByRole("group", { name: /^Disconnect extension 200/ }).waitFor();
    expect(await focused()).toBe("Cancel");
    await page.keyboard.press("Escape");
    expect(await focused()).toBe("Disconnect");
    expect(gateway.asked.some(({ method }) => method === "POST")).toBe(false);

    await page.keyboard.press("Enter");
    await page.keyboard.press("Shift+Tab");
    expect(await focused()).toBe("Yes, disconnect");
    await page.keyboard.press("Enter");
    await inState(card, "deactivated");
    await expect.poll(focused).toBe("Connect again");
    expect(gateway.asked.find(({ method }) => method === "POST")).toEqual({
      method: "POST",
      path: "/integrations/telsmart/disconnect",
      token: tokenFor("200"),
      body: { extension: "200" },
    });
    await page.context().close();
  });

  test("is not asked any more once the provider has ended it", async () => {
    const { page, gateway, card } = await open([integration()]);
    await page.getByText("Changes show here by themselves").waitFor();
    await card.getByRole("button", { name: "Disconnect" }).click();
    gateway.tell(
      integration({ status: "deactivated", since: now(), access_token_expires_at: null }),
    );
    await inState(card, "deactivated");
    await card.getByRole("group").waitFor({ state: "detached" });
    await page.context().close();
  });
});
