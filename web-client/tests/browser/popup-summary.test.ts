// A summary that comes late: all of it is shown, and can be taken along.

import { expect, test } from "vitest";
import { endedCall, secondsAgo } from "../support/calls.ts";
import { MARIE, pageUnderTest, SUMMARY } from "./page-under-test.ts";
import { addPopup } from "./stage.ts";

const t = pageUnderTest();

const late = endedCall({ remote: MARIE, ended_at: secondsAgo(300), summary: SUMMARY });

test("that comes minutes late shows itself, with every part of it", async () => {
  await addPopup(t.page, { calls: [late], before: [{ ...late, version: 3, summary: null }] });
  const body = t.popup.locator(".summary-body");
  await body.waitFor();
  for (const text of [
    "In short",
    "Action items",
    "Billing",
    "Double charge",
    "Three working days.",
    "Suggestions",
  ]) {
    expect(await body.getByText(text, { exact: true }).count()).toBeGreaterThan(0);
  }
});

test("keeps its card while it loads, and offers another try when that fails", async () => {
  t.expectProblems(/net::ERR_FAILED/);
  // Once held, no load comes to an end before the button was pressed: the popup tries again by itself, too.
  let letGo = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isHeld = false;
  await t.page.route("**/summary-*.js", async (route) => {
    if (!isHeld) return route.abort();
    await released;
    return route.continue();
  });
  await addPopup(t.page, { calls: [late] });
  const retry = t.popup.getByRole("button", { name: "Try again" });
  await retry.waitFor();
  expect(await t.popup.locator(".notice").textContent()).toContain("Call summary");
  isHeld = true;
  await retry.click();
  letGo();
  await t.popup.locator(".summary-body").waitFor();
});

test("gives its action items, and all of it, to the clipboard", async () => {
  await t.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await addPopup(t.page, { calls: [late] });
  const clipboard = (): Promise<string> => t.page.evaluate(() => navigator.clipboard.readText());
  await t.popup.locator(".actions .copy").first().click();
  await t.popup.locator(".copy[data-done]").waitFor();
  expect(await clipboard()).toBe("Refund the second payment of € 248.00 for invoice 2025-1187");
  expect(await t.popup.locator(".copy-state").textContent()).toBe("Copied");
  await t.popup.getByRole("button", { name: "Copy all: Action items" }).click();
  await expect.poll(clipboard).toMatch(/^- Refund .*\n- Send a written confirmation/);
  await t.popup.getByRole("button", { name: "Copy summary" }).click();
  await expect.poll(clipboard).toContain("Recommendations\nA clear and friendly call.");
});

test("is selected where the clipboard is refused", async () => {
  await addPopup(t.page, { calls: [late] });
  await t.page.evaluate(() => {
    const refuse = { writeText: () => Promise.reject(new Error("denied")) };
    Object.defineProperty(navigator, "clipboard", { configurable: true, value: refuse });
  });
  await t.popup.locator(".actions .copy").last().click();
  await t.popup.getByText(/^Copying was refused/).waitFor();
  const selected = await t.popup.locator("textarea[readonly]").evaluate((field) => {
    const { value, selectionStart, selectionEnd } = field as HTMLTextAreaElement;
    return value.slice(selectionStart, selectionEnd);
  });
  expect(selected).toBe("Send a written confirmation to Marie · John Doe · 9 December");
});
