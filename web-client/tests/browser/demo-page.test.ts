// The demo page with `callpop demo` behind it: webhooks over HTTP, popups over the WebSocket.

import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { axeViolations } from "../support/axe.ts";
import { openChromium } from "../support/chromium.ts";
import { type Demo, startDemo } from "../support/gateway.ts";
import { integration, IntegrationGateway } from "../support/integrations.ts";
import { picture } from "../support/picture.ts";
import { expectShown, record } from "../support/recorder.ts";
import { type Watch, watchPage } from "../support/watch.ts";

let browser: Browser;
let demo: Demo;

beforeAll(async () => {
  browser = await openChromium();
});
afterAll(async () => {
  await browser?.close();
});
beforeEach(async () => {
  demo = await startDemo();
});
afterEach(async () => {
  await demo?.stop();
});

async function openDemo(
  options: BrowserContextOptions = {},
): Promise<{ page: Page; watch: Watch; john: Locator; jane: Locator }> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options });
  const watch = watchPage(page);
  await page.goto(demo.url);
  const john = page.locator('.seat[data-extension="200"]');
  const jane = page.locator('.seat[data-extension="210"]');
  for (const seat of [john, jane]) await seat.locator('[data-phase="connected"]').waitFor();
  return { page, watch, john, jane };
}

/** Plays the scenario whose id begins with that number, twenty times as fast as it was. */
async function play(page: Page, number: number): Promise<void> {
  await page.getByText("20×", { exact: true }).click();
  await page.locator(`button[data-scenario^="${number}-"]`).click();
}

test("seven_scenarios_render", async () => {
  const customer = "+3228992675";
  const shown: Readonly<Record<number, Readonly<Record<string, readonly string[]>>>> = {
    1: {
      200: [
        `Incoming call | ${customer} | `,
        `On call | ${customer} | `,
        `Call ended | ${customer} | `,
      ],
    },
    2: {
      200: [`Calling | ${customer} | `, `On call | ${customer} | `, `Call ended | ${customer} | `],
    },
    3: {
      200: [
        `Incoming call | ${customer} | `,
        `On call | ${customer} | `,
        `On hold | ${customer} | `,
        `Call ended | ${customer} | `,
      ],
    },
    4: {
      200: ["Incoming call | Jane Doe | ", "On call | Jane Doe | ", "Call ended | Jane Doe | "],
      210: ["On call | John Doe | ", "Call ended | John Doe | "],
    },
    5: {
      200: [`On hold | ${customer} | `, `Call ended | ${customer} | `],
      210: [
        `Incoming call | ${customer} | `,
        `On call | ${customer} | `,
        `Call ended | ${customer} | `,
      ],
    },
    6: {
      200: [`On hold | ${customer} | `, "On call | Jane Doe | ", `Call ended | ${customer} | `],
      210: [
        `Incoming call | John Doe | Transfer from John Doe, originally ${customer}`,
        `On call | John Doe | Transfer from John Doe, originally ${customer}`,
        `On call | ${customer} | Transferred by John Doe`,
        `Call ended | ${customer} | Transferred by John Doe`,
      ],
    },
  };
  const { page, watch, john } = await openDemo();
  for (const [number, expected] of Object.entries(shown)) {
    await record(page);
    await play(page, Number(number));
    for (const [extension, lines] of Object.entries(expected)) {
      await expectShown(page, extension, lines);
    }
    await picture(page, `demo/scenario-${number}`);
  }
  await play(page, 7);
  const summary = john.locator(".summary-body");
  await summary.waitFor();
  await picture(page, "demo/scenario-7");
  const text = (await summary.textContent()) ?? "";
  for (const part of [
    "Phone call between External Person 1 and John Doe",
    "The participants aimed to evaluate how the call summary appears",
    "Test call for summary generation",
    "Purpose of the Call",
    "Summary Plan Testing",
    "Both participants expressed interest in observing the generated summary.",
    "Review the generated summary carefully",
    "No specific criteria or parameters",
  ]) {
    expect(text).toContain(part);
  }
  expect(await page.locator('.log .answer[data-good="false"]').count()).toBe(0);
  expect(watch.problems()).toEqual([]);
  await page.close();
});

test("the phones' buttons make the calls that the popups show", async () => {
  const { page, watch, john, jane } = await openDemo();
  const press = (seat: Locator, name: string): Promise<void> =>
    seat.locator(".phone").getByRole("button", { name }).first().click();
  await john.getByLabel("Number").fill("+32470123456");
  await press(john, "Incoming call");
  const ofMarie = john.locator("call-popup article", { hasText: "Marie Peeters" });
  await ofMarie.and(john.locator('[data-state="ringing"]')).waitFor();
  await press(john, "Answer");
  await ofMarie.and(john.locator('[data-state="active"]')).waitFor();
  await press(john, "Hold");
  await ofMarie.and(john.locator('[data-state="held"]')).waitFor();
  await press(john, "Resume");
  await ofMarie.and(john.locator('[data-state="active"]')).waitFor();

  await press(john, "Attended transfer");
  await jane.getByText("Transfer from").waitFor();
  await press(jane, "Answer");
  await press(john, "Complete transfer");
  await jane.locator('[data-state="active"] .story', { hasText: "Transferred by" }).waitFor();
  await picture(page, "demo/transferred");
  await press(jane, "Hang up");
  await jane.locator('.card[data-state="ended"]').waitFor();
  await press(jane, "Send summary");
  await jane.locator("call-popup .summary-body").waitFor();
  expect(watch.problems()).toEqual([]);
  await page.close();
});

test("what a phone cannot do is told in the gateway's words", async () => {
  const { page, john } = await openDemo();
  await page.route("**/simulator/phones/200/dial", (route) =>
    route.fulfill({
      status: 409,
      contentType: "application/problem+json",
      json: { title: "Conflict", status: 409, detail: "<b>200</b> is on another call" },
    }),
  );
  await john.getByRole("button", { name: "Dial" }).click();
  await john.getByText("<b>200</b> is on another call").waitFor();
  await page.close();
});

test("a notice of each kind is a card of whom it is for, until somebody is done with it", async () => {
  const { page, watch, john, jane } = await openDemo();
  const notices = page.getByRole("region", { name: "Post a notice" });
  const status = notices.getByRole("status");
  const bySystem = notices.getByRole("button", { name: "Done by your system" });
  const cards = (seat: Locator): Locator => seat.locator("call-popup .notice-card");
  expect(await bySystem.getAttribute("aria-disabled")).toBe("true");

  const kinds = "Message Ticket Appointment Chat Voicemail Automation Other".split(" ");
  for (const kind of kinds) {
    await notices.getByRole("button", { name: kind, exact: true }).click();
    await john.locator(`.notice-card[data-kind="${kind.toLowerCase()}"]`).waitFor();
  }
  expect(await cards(john).count()).toBe(kinds.length);
  await picture(page, "demo/notices");
  const parcel = "A parcel for you is at the reception";
  await bySystem.press("Enter");
  await cards(john).filter({ hasText: parcel }).waitFor({ state: "detached" });
  await status.getByText(/^Said that other-[0-9a-f]{8} is done/).waitFor();
  expect(await bySystem.getAttribute("aria-disabled")).toBe("true");
  await john.getByRole("button", { name: "Done: Invoice charged twice" }).click();
  await cards(john).filter({ hasText: "Invoice" }).waitFor({ state: "detached" });
  expect(await cards(john).count()).toBe(kinds.length - 2);

  await notices.getByLabel("Jane Doe").press("Space");
  await notices.getByRole("button", { name: "Ticket" }).press("Enter");
  await cards(jane).waitFor();
  await status
    .getByText(/^Posted ticket-[0-9a-f]{8} to Jane Doe; the gateway answered 204/)
    .waitFor();
  expect(await cards(john).count()).toBe(kinds.length - 2);
  expect(watch.problems()).toEqual([]);
  await page.close();
});

test("a notice that was not posted is told in the gateway's words", async () => {
  const { page, john } = await openDemo();
  await page.route("**/demo/notices", (route) =>
    route.fulfill({
      status: 502,
      contentType: "application/problem+json",
      json: { title: "Bad Gateway", status: 502, detail: "<b>503</b> to the webhook" },
    }),
  );
  const notices = page.getByRole("region", { name: "Post a notice" });
  await notices.getByRole("button", { name: "Chat" }).click();
  await notices.getByRole("status").getByText("<b>503</b> to the webhook").waitFor();
  expect(await john.locator(".notice-card").count()).toBe(0);
  await page.close();
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1440, 320]) {
    test(`a seat shows its integration in ${colorScheme} at ${width} px`, async () => {
      const page = await browser.newPage({
        colorScheme,
        viewport: { width, height: 900 },
        reducedMotion: "reduce",
      });
      const watch = watchPage(page);
      const gateway = new IntegrationGateway();
      gateway.list = [
        integration({ status: "reauth_required", access_token_expires_at: null }),
        integration({ extension: "210" }),
      ];
      gateway.contacts.set("+3228992675", "Sophie Lambert");
      await gateway.answerRequests(page);
      await page.route("**/demo/config", async (route) => {
        const response = await route.fetch();
        await route.fulfill({ json: { ...(await response.json()), integrations: true } });
      });
      await page.goto(demo.url);
      const [john, jane] = ["200", "210"].map((extension) =>
        page.locator(`.seat[data-extension="${extension}"]`),
      ) as [Locator, Locator];
      await john.locator('.seat-integration[data-status="reauth_required"]').waitFor();
      await john.getByLabel("Number").fill("+3228992675");
      await john.locator(".phone").getByRole("button", { name: "Incoming call" }).click();
      await john.locator("call-popup .title", { hasText: "Sophie Lambert" }).waitFor();
      await picture(page, `demo/seats-${colorScheme}-${width}`);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
      expect(await axeViolations(page)).toEqual([]);

      await jane.getByRole("button", { name: "Disconnect" }).click();
      await jane.locator('.seat-integration[data-status="deactivated"]').waitFor();
      expect(await jane.getByRole("link", { name: "Details" }).getAttribute("href")).toBe(
        "/integrations?extension=210",
      );
      expect(watch.problems()).toEqual([]);
      await jane.getByRole("button", { name: "Connect again" }).click();
      await page.getByRole("link", { name: "Allow" }).waitFor();
      expect(new URL(page.url()).searchParams.get("redirect_url")).toBe(demo.url);
      await page.close();
    });
  }
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1440, 900, 390, 320]) {
    test(`the demo page is whole and accessible in ${colorScheme} at ${width} px`, async () => {
      const { page, watch, john } = await openDemo({
        colorScheme,
        viewport: { width, height: 900 },
        // Colours are only right to judge once nothing fades in any more.
        reducedMotion: "reduce",
      });
      await john.locator(".phone").getByRole("button", { name: "Incoming call" }).click();
      await john.locator("call-popup .card").first().waitFor();
      await page.locator(".log tbody tr").first().waitFor();
      await page.locator('.notices [data-kind="appointment"]').click();
      await john.locator("call-popup .notice-card").waitFor();
      await page.getByText("The webhook", { exact: true }).click();
      await picture(page, `demo/demo-${colorScheme}-${width}`);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
      expect(watch.problems()).toEqual([]);
      expect(await axeViolations(page)).toEqual([]);
      await page.close();
    });
  }
}
