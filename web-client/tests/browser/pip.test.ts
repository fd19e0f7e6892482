// The popup in a window of its own: above all others where Chromium can, else an ordinary one.

import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { axeViolations } from "../support/axe.ts";
import { activeCall, call } from "../support/calls.ts";
import { picture } from "../support/picture.ts";
import { MARIE, pageUnderTest } from "./page-under-test.ts";
import { addPopup, type StagedClient } from "./stage.ts";

const OPEN = "Open in its own window";

const tested = pageUnderTest();

beforeAll(() => {});

/** Opens the window of the page's popup, which shows a ringing call. */
async function openWindow(attributes: Readonly<Record<string, string>> = {}): Promise<Page> {
  const { context, page, popup } = tested;
  await addPopup(page, { calls: [call({ remote: MARIE })] }, attributes);
  await popup.locator(".alerts-button").click();
  const opened = context.waitForEvent("page");
  await popup.getByRole("button", { name: OPEN }).click();
  const window = await opened;
  await window.locator(".card").waitFor();
  return window;
}

/** What decides whether the window is styled as the page's popup was. */
function look(page: Page): Promise<readonly string[]> {
  return page
    .locator(".card")
    .first()
    .evaluate((card) => {
      const { backgroundColor, borderRadius, display } = getComputedStyle(card);
      const title = card.querySelector(".title");
      return [
        backgroundColor,
        borderRadius,
        display,
        title ? getComputedStyle(title).fontSize : "",
      ];
    });
}

const showInPage = (calls: readonly unknown[]): Promise<void> =>
  tested.page.evaluate((shown) => {
    const popup = document.querySelector("call-popup") as unknown as { client: StagedClient };
    popup.client.show(shown as StagedClient["calls"]);
  }, calls);

test("the window looks like the popup, follows its calls, and gives it back", async () => {
  const { page, popup } = tested;
  await addPopup(page, { calls: [call({ remote: MARIE })] });
  const inPage = await look(page);
  await page.evaluate(() => document.querySelector("main")?.replaceChildren());

  const window = await openWindow();
  expect(await look(window)).toEqual(inPage);
  expect(await window.title()).toBe("Calls");
  expect(await popup.locator("[part=away]").textContent()).toContain("in their own window");
  expect(await popup.locator(".card").count()).toBe(0);
  await picture(page, "alerts/away");
  await picture(window, "alerts/own-window");
  expect(await axeViolations(page)).toEqual([]);
  expect(await axeViolations(window)).toEqual([]);

  await showInPage([activeCall({ version: 2, remote: MARIE })]);
  await window.locator('.card[data-state="active"]').waitFor();
  await popup.getByRole("button", { name: "Bring back" }).click();
  await popup.locator('.card[data-state="active"]').waitFor();
  await expect.poll(() => window.isClosed()).toBe(true);
});

test("the page has its popup back when the window is closed", async () => {
  const { popup } = tested;
  const window = await openWindow();
  await popup.locator("[part=away]").waitFor();
  await window.evaluate(() => globalThis.close());
  await popup.locator('.card[data-state="ringing"]').waitFor();
});

test("what is done in the window counts, and a call that rings there was seen", async () => {
  const { page } = tested;
  const window = await openWindow();
  await showInPage([call({ leg_id: "second", remote: MARIE })]);
  const client = <T>(read: (client: StagedClient) => T): Promise<T> =>
    page.evaluate(`(${read})(document.querySelector("call-popup").client)`);
  await expect.poll(() => client(({ receipts }) => receipts)).toContain("second");
  await window.getByRole("button", { name: /^Dismiss call/ }).click();
  await expect.poll(() => client(({ dismissed }) => dismissed)).toEqual(["second"]);
  await window.locator(".card").waitFor({ state: "detached" });
});

test("the page's colours and the popup's theme are those of the window", async () => {
  const { page } = tested;
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("call-popup { --cp-surface: rgb(1, 2, 3); --cp-text: rgb(250, 251, 252); }");
    document.adoptedStyleSheets = [sheet];
  });
  const window = await openWindow({ theme: "dark" });
  const panel = window.locator(".panel");
  const colours = (): Promise<readonly string[]> =>
    panel.evaluate((element) => {
      const { backgroundColor, color, colorScheme } = getComputedStyle(element);
      return [backgroundColor, color, colorScheme];
    });
  expect(await colours()).toEqual(["rgb(1, 2, 3)", "rgb(250, 251, 252)", "dark"]);
});

test("parts that are loaded later are styled in the window too", async () => {
  const window = await openWindow();
  await window.locator(".alerts-button").click();
  await window.getByRole("button", { name: "Self-check" }).click();
  await window.locator(".check li").first().waitFor();
  const display = await window
    .locator(".check li")
    .first()
    .evaluate((item) => getComputedStyle(item).display);
  expect(display).toBe("flex");
  await picture(window, "alerts/own-window-check");
  await window.getByRole("button", { name: "Back", exact: true }).click();
  await window.getByRole("button", { name: "Bring back" }).click();
  await tested.popup.locator(".card").waitFor();
});

test("a popup that leaves the page takes its window with it", async () => {
  const window = await openWindow();
  await tested.page.evaluate(() => document.querySelector("call-popup")?.remove());
  await expect.poll(() => window.isClosed()).toBe(true);
});

test("without picture-in-picture it is an ordinary window, which the page does not leave behind", async () => {
  const { page, popup, url } = tested;
  await page.addInitScript(() => Reflect.deleteProperty(globalThis, "documentPictureInPicture"));
  await page.goto(url);
  const window = await openWindow();
  expect(await look(window)).toHaveLength(4);
  await popup.locator("[part=away]").waitFor();
  await window.getByRole("button", { name: /^Dismiss call/ }).click();
  await window.locator(".card").waitFor({ state: "detached" });
  await page.goto("about:blank");
  await expect.poll(() => window.isClosed()).toBe(true);
});

test("a browser that opens no window says so, and the popup stays where it is", async () => {
  const { page, popup, url } = tested;
  await page.addInitScript(() => {
    Reflect.deleteProperty(globalThis, "documentPictureInPicture");
    globalThis.open = (): null => null;
  });
  await page.goto(url);
  await addPopup(page, { calls: [call({ remote: MARIE })] });
  await popup.locator(".alerts-button").click();
  await popup.getByRole("button", { name: OPEN }).click();
  await popup.getByText("The browser opened no window").waitFor();
  await popup.locator(".card").waitFor();
  await picture(page, "alerts/no-window");
});
