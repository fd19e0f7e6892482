// The form for what a user says of a call: nothing that is typed is ever lost.

import { expect, test } from "vitest";
import { activeCall, call, endedCall, NOW_MS, secondsAgo } from "../support/calls.ts";
import { MARIE, pageUnderTest, setNow, STORED } from "./page-under-test.ts";
import { addPopup, client, show } from "./stage.ts";

const t = pageUnderTest();

const ended = endedCall({ remote: MARIE });

test("is saved, refused, tried again and shown as stored", async () => {
  await addPopup(t.page, { calls: [ended] });
  await t.popup.getByRole("radio", { name: "Complaint" }).check();
  await t.popup.locator("textarea").fill("  Second\r\nline \u0007 ");
  await t.popup.getByRole("button", { name: "Save" }).click();
  expect(await client(t.page, ({ wrapUps }) => wrapUps)).toMatchObject([
    { leg_id: ended.leg_id, disposition: "Complaint", note: "  Second\nline" },
  ]);
  const status = t.popup.locator(".wrap-up-foot [role=status]");
  expect(await status.textContent()).toBe("Saving…");
  await progress("refused");
  expect(await status.textContent()).toBe("Not saved: the gateway did not take it.");
  expect(await t.popup.locator("textarea").inputValue()).toBe("  Second\nline");
  await t.popup.getByRole("button", { name: "Try again" }).click();
  await progress(null);
  const wrap_up = {
    disposition: "Complaint",
    note: "  Second\nline",
    at: secondsAgo(0),
    by: "user",
  };
  await show(t.page, { ...ended, version: 9, wrap_up });
  expect(await status.textContent()).toMatch(/^Saved at \d\d:\d\d$/);
});

test("is not lost by updates, by a new call or by closing its card", async () => {
  await addPopup(t.page, { calls: [ended] });
  const note = t.popup.locator("textarea");
  await note.pressSequentially("Half a sen");
  await show(t.page, { ...ended, version: 8, hold_ms: 1_000 }, call({ leg_id: "new" }));
  await t.popup.locator('.card[data-state="ringing"]').waitFor();
  await t.page.keyboard.type("tence");
  expect(await note.inputValue()).toBe("Half a sentence");
  await show(
    t.page,
    { ...ended, version: 9, dismissed_at: secondsAgo(0) },
    activeCall({ leg_id: "new" }),
  );
  expect(await note.inputValue()).toBe("Half a sentence");
  await t.popup.getByRole("button", { name: "Dismiss call with Marie Peeters" }).click();
  expect(await note.count()).toBe(0);
  await t.popup.getByRole("button", { name: /^Unsaved\. Wrap-up of the call with Marie/ }).click();
  expect(await note.inputValue()).toBe("Half a sentence");
});

test("keeps its card in sight while it is written, and lets it go when it is saved", async () => {
  await addPopup(t.page, { calls: [ended] });
  await t.popup.locator("textarea").fill("x");
  await setNow(t.page, NOW_MS + 60_000);
  await show(t.page, { ...ended, version: 8 });
  expect(await t.popup.locator(".card .wrap-up").count()).toBe(1);
  await t.popup.getByRole("button", { name: "Save" }).click();
  await progress(null);
  const wrap_up = { disposition: null, note: "x", at: secondsAgo(-60), by: "user" };
  await show(t.page, { ...ended, version: 9, wrap_up });
  await t.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await t.popup.getByText(/^Saved at/).waitFor();
  await setNow(t.page, NOW_MS + 80_000);
  await show(t.page, { ...ended, version: 10, wrap_up });
  await t.popup.locator(".card").waitFor({ state: "detached" });
  expect(await t.popup.locator(".recent-call .stored").textContent()).toBe("x");
});

test("of another device is taken at once, and never over what is typed", async () => {
  await addPopup(t.page, { calls: [ended] });
  const note = t.popup.locator("textarea");
  await show(t.page, { ...ended, version: 8, wrap_up: STORED });
  await expect.poll(() => note.inputValue()).toBe("Theirs");
  await note.fill("Mine");
  const newer = { ...STORED, note: "Theirs again", at: secondsAgo(0) };
  await show(t.page, { ...ended, version: 9, wrap_up: newer });
  await t.popup.getByText("Theirs again").waitFor();
  expect(await note.inputValue()).toBe("Mine");
  await t.popup.getByRole("button", { name: "Keep mine" }).click();
  expect(await note.inputValue()).toBe("Mine");
  await show(t.page, {
    ...ended,
    version: 10,
    wrap_up: { ...newer, note: "Third", at: secondsAgo(-1) },
  });
  await t.popup.getByRole("button", { name: "Take that one" }).click();
  expect(await note.inputValue()).toBe("Third");
});

test("is read and changed in the list of recent calls, and can be turned off", async () => {
  const old = { ...ended, ended_at: secondsAgo(600), wrap_up: STORED };
  await addPopup(t.page, { calls: [old] });
  expect(await t.popup.locator(".stored").textContent()).toBe("Call backTheirs");
  await t.popup.getByRole("button", { name: /^Edit\./ }).click();
  expect(await t.popup.locator("textarea").inputValue()).toBe("Theirs");
  await t.page.evaluate(() => {
    document.querySelector("call-popup")?.setAttribute("wrap-up", "off");
  });
  await t.popup.locator(".wrap-up").waitFor({ state: "detached" });
  expect(await t.popup.locator(".stored").count()).toBe(0);
});

function progress(value: "saving" | "refused" | null): Promise<void> {
  return t.page.evaluate((set) => {
    const { client: staged } = document.querySelector("call-popup") as unknown as {
      client: { progress: unknown; calls: unknown; show(calls: unknown): void };
    };
    staged.progress = set;
    staged.show(staged.calls);
    return new Promise((resolve) => requestAnimationFrame(() => resolve(undefined)));
  }, value);
}
