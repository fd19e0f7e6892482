// Notices in the popup: cards below the calls, told politely, rid of in two ways, and never more than text.

import type { Notice } from "callpop";
import { expect, test } from "vitest";
import { call, endedCall, NOW_MS, secondsAgo } from "../support/calls.ts";
import { HOSTILE_NAME } from "../support/hostile.ts";
import { notice } from "../support/notices.ts";
import { focusIsOn, MARIE, nextFrames, pageUnderTest, setNow } from "./page-under-test.ts";
import { addPopup, client, post } from "./stage.ts";

const t = pageUnderTest();

const appointment = notice({
  ...{ notice_id: "n2", kind: "appointment", title: "Intake with Karim" },
  ...{ body: null, link: null, remote: null, at: secondsAgo(900) },
});

const titles = (): Promise<string[]> => t.popup.locator(".notice-title").allTextContents();

test("a notice is a card below the live calls, with what it says and where more is", async () => {
  await addPopup(t.page, { calls: [call({ remote: MARIE })], notices: [notice(), appointment] });
  await t.popup.locator(".notice-card").first().waitFor();
  expect(await titles()).toEqual(["Invoice charged twice", "Intake with Karim"]);
  const [top, below] = [".card", ".notices"].map((part) => t.popup.locator(part).boundingBox());
  expect((await top)?.y).toBeLessThan((await below)?.y ?? 0);
  const link = t.popup.getByRole("link", { name: "Open in a new tab: Invoice charged twice" });
  expect(
    await link.evaluate(
      ({
        attributes: { href, target, rel },
      }: HTMLElement & { attributes: NamedNodeMap & Record<string, Attr> }) => [
        href?.value,
        target?.value,
        rel?.value,
      ],
    ),
  ).toEqual(["https://crm.example/tickets/17", "_blank", "noopener noreferrer"]);
  expect(await t.popup.locator(".notice-card .subtitle").first().textContent()).toBe(
    "Ticket · 17:55 · Marie Peeters",
  );
});

test("is done or dismissed, on its own, and stays in the list", async () => {
  await addPopup(t.page, { calls: [], notices: [notice(), appointment] });
  await t.popup.getByRole("button", { name: "Done: Invoice charged twice" }).click();
  expect(await titles()).toEqual(["Intake with Karim"]);
  await t.popup.getByRole("button", { name: "Dismiss: Intake with Karim" }).click();
  expect(await t.popup.locator(".notices").count()).toBe(0);
  expect(await client(t.page, ({ finished, dismissed }) => [finished, dismissed])).toEqual([
    ["t-17"],
    ["n2"],
  ]);
  const done = notice({ version: 2, state: "done", done_at: secondsAgo(0) });
  await post(t.page, done, { ...appointment, version: 2, dismissed_at: secondsAgo(0) });
  await expect
    .poll(() => t.popup.locator(".recent-call .subtitle").allTextContents())
    .toEqual(["Ticket · Done · 17:55", "Appointment · Dismissed · 17:41"]);
  await post(t.page, { ...done, version: 3, state: "open", done_at: null, at: secondsAgo(0) });
  expect(await titles()).toEqual(["Invoice charged twice"]);
});

test("stands among the calls of the list by its time", async () => {
  const past = (notice_id: string, seconds: number): Notice =>
    notice({ notice_id, title: notice_id, at: secondsAgo(seconds), expires_at: secondsAgo(1) });
  await addPopup(t.page, {
    calls: [endedCall({ remote: MARIE, ended_at: secondsAgo(300) })],
    notices: [past("after", 200), past("before", 400)],
  });
  await expect
    .poll(() => t.popup.locator(".recent-call .row-title").allTextContents())
    .toEqual(["after", "Marie Peeters", "before"]);
});

test("goes when its time is over", async () => {
  const expires_at = secondsAgo(-0.6);
  await addPopup(t.page, { calls: [], notices: [notice({ expires_at })] });
  await t.popup.locator(".notice-card").waitFor();
  await setNow(t.page, NOW_MS + 700);
  await t.popup.locator(".recent-call", { hasText: "Expired" }).waitFor();
  expect(await titles()).toEqual([]);
});

test("is announced once, politely, and nothing of the past is", async () => {
  await addPopup(t.page, { calls: [], notices: [appointment] });
  await t.popup.locator(".notice-card").waitFor();
  const region = t.popup.locator(".notices [aria-live=polite]");
  await nextFrames(t.page);
  expect(await region.textContent()).toBe("");
  await post(t.page, notice({ at: secondsAgo(1) }), appointment);
  await expect.poll(() => region.textContent()).toBe("Ticket: Invoice charged twice");
  expect(await t.popup.locator("[aria-live=assertive]").textContent()).toBe("");
});

test("hostile_notices_are_text", async () => {
  const hostile = notice({
    title: HOSTILE_NAME,
    body: `${HOSTILE_NAME} \u202egnp.exe`,
    remote: { number: HOSTILE_NAME, name: HOSTILE_NAME },
    link: "javascript:alert(1)",
    kind: HOSTILE_NAME as Notice["kind"],
    attributes: { onclick: "alert(1)" },
  });
  const past = notice({ ...hostile, notice_id: HOSTILE_NAME, state: "done" });
  await addPopup(t.page, { calls: [], notices: [hostile, past] }, { alerts: "off" });
  await t.popup.locator(".notice-card").waitFor();
  await t.popup.locator(".recent-call").waitFor();
  expect(await t.popup.locator("img, script, iframe, style, object, a").count()).toBe(0);
  expect(await t.popup.locator(".notice-body bdi").textContent()).not.toContain("\u202e");
  expect(await t.page.title()).toBe("Popup under test");
});

test("many scroll within their own bounds, and the keyboard reaches every one", async () => {
  const many = Array.from({ length: 12 }, (_, index) =>
    notice({ notice_id: `n-${index}`, title: `Notice ${index}` }),
  );
  await addPopup(t.page, { calls: [], notices: many }, { placement: "bottom-right" });
  await t.popup.locator(".notice-card").first().waitFor();
  const list = await t.popup.locator(".notices ul").boundingBox();
  expect(list?.height).toBeLessThanOrEqual(340);
  await t.page.keyboard.press("Alt+Shift+P");
  let reached = 0;
  for (let tab = 0; tab < 60 && reached < 12; tab += 1) {
    await t.page.keyboard.press("Tab");
    if (await focusIsOn(t.page, ".notice-foot button")) reached += 1;
  }
  expect(reached).toBe(12);
  await t.page.keyboard.press("Enter");
  expect(await client(t.page, ({ finished }) => finished)).toEqual(["n-11"]);
  expect(await focusIsOn(t.page, ".panel")).toBe(true);
});

test("a long text is folded, and opens where it stands", async () => {
  await addPopup(t.page, { calls: [], notices: [notice({ body: "All of it. ".repeat(60) })] });
  const body = t.popup.locator(".notice-body");
  const folded = (await body.boundingBox())?.height ?? 0;
  await t.popup.getByRole("button", { name: "Show all" }).click();
  expect((await body.boundingBox())?.height).toBeGreaterThan(3 * folded);
  await t.popup.getByRole("button", { name: "Show less" }).click();
  expect((await body.boundingBox())?.height).toBe(folded);
});

test("who has no extension is told, unless nobody knows that", async () => {
  const words = "No extension is assigned to you.";
  for (const [scene, shown] of [
    [{ calls: [], extensions: [] }, true],
    [{ calls: [], extensions: [], scope: "tenant" }, false],
    [{ calls: [], extensions: ["200"] }, false],
    [{ calls: [] }, false],
  ] as const) {
    await addPopup(t.page, scene);
    expect(await t.popup.last().getByText(words).count()).toBe(shown ? 1 : 0);
  }
});
