// One id on two extensions, and from two sources, is as many calls in everything that the popup does.

import type { Locator } from "playwright-core";
import { expect, test } from "vitest";
import { call, endedCall, JANE, secondsAgo } from "../support/calls.ts";
import { pageUnderTest } from "./page-under-test.ts";
import { addPopup, client, show } from "./stage.ts";

const t = pageUnderTest();

const ID = "one";
const JOHNS = { leg_id: ID, remote: { number: "+32470000001", name: "Ann" } };
const JANES = {
  ...{ leg_id: ID, extension: "210", local: JANE },
  remote: { number: "+32470000002", name: "Bob" },
};
const CLINICS = {
  ...{ leg_id: ID, source: "clinic" },
  remote: { number: "+32470000003", name: "Cleo" },
};
const ALL = [JOHNS, JANES, CLINICS];
const fresh = { since: secondsAgo(1) };

const names = (): Promise<string[]> => t.popup.locator(".title, .row-title").allTextContents();

test("each is shown, reported and dismissed on its own", async () => {
  await addPopup(t.page, { calls: ALL.map(call) });
  expect(await names()).toEqual(["Ann", "Bob", "Cleo"]);
  await expect.poll(() => client(t.page, ({ receipts }) => receipts)).toEqual([ID, ID, ID]);
  await t.popup.getByRole("button", { name: "Dismiss call with Bob" }).click();
  expect(await names()).toEqual(["Ann", "Cleo"]);
  await t.popup.getByRole("button", { name: "Dismiss call with Ann" }).click();
  expect(await names()).toEqual(["Cleo"]);
  expect(await client(t.page, ({ dismissed }) => dismissed)).toEqual([ID, ID]);
});

test("one that ends leaves the other where it is", async () => {
  await addPopup(t.page, { calls: [call(JOHNS), call(JANES)] });
  const over = { answered_at: secondsAgo(50), talk_ms: 48_000 };
  await show(t.page, endedCall({ ...JOHNS, ...over }), call(JANES));
  const shown = t.popup.locator("[data-state]");
  expect(
    await shown.evaluateAll((all) => all.map((card) => card.getAttribute("data-state"))),
  ).toEqual(["ringing", "ended"]);
  expect(await names()).toEqual(["Bob", "Ann"]);
});

test("each opens its own address", async () => {
  await t.page.evaluate(() => {
    const opened: string[] = [];
    const open = (url: string): object => ({ opener: opened.push(new URL(url).search) });
    Object.assign(globalThis, { opened, open });
  });
  await addPopup(t.page, { calls: [] }, { "screen-pop": "/?{remote.name}-{extension}" });
  await show(t.page, ...ALL.map((over) => call({ ...over, ...fresh })));
  await expect
    .poll(() => t.page.evaluate(() => Reflect.get(globalThis, "opened")))
    .toEqual(["?Ann-200", "?Bob-210", "?Cleo-200"]);
});

test("what is chosen and written about one is not about the other", async () => {
  const ended = ALL.map((over, index) => endedCall({ ...over, ended_at: secondsAgo(600 + index) }));
  await addPopup(t.page, { calls: ended });
  for (const name of ["Ann", "Bob"]) {
    await t.popup.getByRole("button", { name: `Wrap-up of the call with ${name}` }).click();
  }
  const form = (name: string): Locator => t.popup.getByRole("form", { name: `call with ${name}` });
  await form("Ann").getByRole("radio", { name: "Complaint" }).check();
  await form("Ann").locator("textarea").fill("of Ann");
  await form("Bob").getByRole("radio", { name: "Resolved" }).check();
  expect(await form("Ann").getByRole("radio", { name: "Complaint" }).isChecked()).toBe(true);
  expect(await form("Bob").locator("textarea").inputValue()).toBe("");
  expect(await form("Cleo").count()).toBe(0);
  await form("Bob").getByRole("button", { name: "Save" }).click();
  expect(await client(t.page, ({ wrapUps }) => wrapUps)).toEqual([
    { leg_id: ID, source: "telsmart", extension: "210", disposition: "Resolved", note: "" },
  ]);
});
