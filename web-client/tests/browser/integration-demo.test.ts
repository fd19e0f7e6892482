// The whole way in `callpop demo`: connect at the simulated MyTelsmart, active, disconnect, seen
// by every open page of the user.

import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openChromium } from "../support/chromium.ts";
import { type Demo, startDemo } from "../support/gateway.ts";
import { picture } from "../support/picture.ts";
import { type Watch, watchPage } from "../support/watch.ts";

/** In the phonebook of the simulated Telsmart. */
const KNOWN = { number: "+3228992675", name: "Sophie Lambert" };

let browser: Browser;
let demo: Demo;
let context: BrowserContext;

beforeAll(async () => {
  browser = await openChromium();
});
afterAll(async () => {
  await browser?.close();
});
beforeEach(async () => {
  demo = await startDemo();
  context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
});
afterEach(async () => {
  await context?.close();
  await demo?.stop();
});

async function openDemo(): Promise<{ page: Page; john: Locator; watch: Watch }> {
  const page = await context.newPage();
  const watch = watchPage(page);
  await page.goto(demo.url);
  const john = page.locator('.seat[data-extension="200"]');
  await john.locator('[data-phase="connected"]').waitFor();
  return { page, john, watch };
}

const seatIs = (seat: Locator, status: string): Promise<void> =>
  seat.locator(`.seat-integration[data-status="${status}"]`).waitFor();

/** Consents at MyTelsmart, once the page has led there. */
async function allow(page: Page, shot: string): Promise<void> {
  await page.getByRole("button", { name: "Allow" }).waitFor();
  await picture(page, `demo/${shot}`);
  await page.getByRole("button", { name: "Allow" }).click();
}

test("connect, active, disconnect in the demo", async () => {
  const { page, john, watch } = await openDemo();
  await seatIs(john, "none");
  await john.getByRole("button", { name: "Connect" }).click();
  await allow(page, "consent");
  await page.waitForURL(demo.url);
  await seatIs(john, "active");
  await seatIs(page.locator('.seat[data-extension="210"]'), "none");

  await john.getByLabel("Number").fill(KNOWN.number);
  await john.locator(".phone").getByRole("button", { name: "Incoming call" }).click();
  await john.locator("call-popup .title", { hasText: KNOWN.name }).waitFor();
  await picture(page, "demo/connected");

  const details = await context.newPage();
  const detailsWatch = watchPage(details);
  await details.goto(new URL("/integrations?extension=200", demo.url).href);
  await details.locator('.card[data-status="active"]').waitFor();
  await details.getByText("Changes show here by themselves").waitFor();
  await picture(details, "demo/details-active");
  await details.getByRole("button", { name: "Disconnect" }).click();
  await details.getByRole("button", { name: "Yes, disconnect" }).click();
  await details.locator('.card[data-status="deactivated"]').waitFor();
  await seatIs(john, "deactivated");
  await picture(details, "demo/details-disconnected");
  expect([...watch.problems(), ...detailsWatch.problems()]).toEqual([]);
});

test("a deactivation at MyTelsmart shows on the open pages without being asked for", async () => {
  const { page, john } = await openDemo();
  await john.getByRole("link", { name: "Details" }).click();
  await page.locator('.card[data-status="none"]').waitFor();
  await page.getByRole("button", { name: "Connect" }).click();
  await page.getByRole("link", { name: "your connections" }).waitFor();
  const portal = await page.getByRole("link", { name: "your connections" }).getAttribute("href");
  const connections = new URL(portal ?? "", page.url()).href;
  await allow(page, "consent-from-details");
  await page.locator('.card[data-status="active"]').waitFor();
  expect(page.url()).toBe(new URL("/integrations?extension=200", demo.url).href);
  await page.getByText("Changes show here by themselves").waitFor();

  const other = await openDemo();
  await seatIs(other.john, "active");
  const mytelsmart = await context.newPage();
  await mytelsmart.goto(connections);
  const asked: string[] = [];
  page.on("request", (request) => void asked.push(new URL(request.url()).pathname));
  await mytelsmart.getByRole("button", { name: /^Disconnect John/ }).click();
  await mytelsmart.getByText("Nobody has connected").waitFor();
  await page.locator('.card[data-status="deactivated"]').waitFor();
  expect(asked).toEqual([]);
  await seatIs(other.john, "deactivated");

  await page.getByRole("button", { name: "Connect again" }).click();
  await allow(page, "consent-again");
  await page.locator('.card[data-status="active"]').waitFor();
  await seatIs(other.john, "active");
});
