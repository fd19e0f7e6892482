// The screen pop: once, in the tab that is looked at, and never more than the template's address.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { call, endedCall, secondsAgo } from "../support/calls.ts";
import { pageUnderTest } from "./page-under-test.ts";
import { addPopup, show } from "./stage.ts";

const t = pageUnderTest();

const TEMPLATE = "/contacts?phone={remote.number}&to={extension}";
const fresh = (over: object = {}): ReturnType<typeof call> =>
  call({ since: secondsAgo(1), ...over });

/** Remembers what is opened; `allows`: whether the browser opens it. */
async function keepOpened(allows = true, page: Page = t.page): Promise<() => Promise<string[]>> {
  await page.evaluate((isAllowed) => {
    const opened: string[] = [];
    Object.assign(globalThis, {
      opened,
      open: (url: string, target: string) => {
        opened.push(`${target} ${url}`);
        return isAllowed ? { opener: 1 } : null;
      },
    });
  }, allows);
  return () => page.evaluate(() => Reflect.get(globalThis, "opened"));
}
/** What the page made of the last `screenpop` event. */
const told = (): Promise<unknown> => t.page.evaluate(() => Reflect.get(globalThis, "told"));
const url = (path: string): string => new URL(path, t.url).href;

/** A call that opens something, after those that must not. */
const ANOTHER = { leg_id: "another", remote: { number: "+32470000001", name: null } };
const ANOTHERS = expect.stringContaining("phone=%2B32470000001");

test("opens the caller once, when it begins to ring", async () => {
  const opened = await keepOpened();
  await addPopup(t.page, { calls: [] }, { "screen-pop": TEMPLATE });
  await show(t.page, fresh());
  await expect.poll(opened).toEqual([`_blank ${url("/contacts?phone=%2B3228992675&to=200")}`]);
  await show(t.page, fresh({ version: 2 }));
  await show(t.page, fresh({ version: 3, state: "active", answered_at: secondsAgo(0) }));
  // A second popup of the page that shows the same call, and then another one.
  await addPopup(t.page, { calls: [fresh(), fresh(ANOTHER)] }, { "screen-pop": TEMPLATE });
  await expect
    .poll(opened)
    .toEqual([`_blank ${url("/contacts?phone=%2B3228992675&to=200")}`, ANOTHERS]);
});

test("opens it once over all tabs", async () => {
  await addPopup(t.page, { calls: [] }, { "screen-pop": TEMPLATE });
  const here = await keepOpened();
  await show(t.page, fresh());
  await expect.poll(here).toHaveLength(1);
  const other = await t.context.newPage();
  await other.goto(t.url);
  const there = await keepOpened(true, other);
  await addPopup(other, { calls: [] }, { "screen-pop": TEMPLATE });
  await show(other, fresh());
  await other.locator("call-popup .pop").waitFor();
  expect(await there()).toEqual([]);
});

test("on answer, in a window of a name, with a name that cannot be more than text", async () => {
  const opened = await keepOpened();
  const attributes = {
    "screen-pop": "https://crm.example/a/{remote.name}/{direction}?leg={leg_id}",
    "screen-pop-on": "answer",
    "screen-pop-target": "crm",
  };
  await addPopup(t.page, { calls: [] }, attributes);
  const remote = { number: null, name: "../x?a=b#c&d" };
  await show(t.page, fresh({ remote, leg_id: "7" }));
  await t.popup.locator(".pop").waitFor();
  expect(await opened()).toEqual([]);
  await show(t.page, fresh({ remote, leg_id: "7", state: "active", answered_at: secondsAgo(0) }));
  await expect
    .poll(opened)
    .toEqual(["crm https://crm.example/a/..%2Fx%3Fa%3Db%23c%26d/inbound?leg=7"]);
});

test.each([
  ["was there when the page was loaded", call({ since: secondsAgo(30) })],
  [
    "is internal",
    call({ since: secondsAgo(1), internal: true, remote: { number: "210", name: "Jane" } }),
  ],
  ["goes out", call({ since: secondsAgo(1), direction: "outbound" })],
  [
    "tells nothing of its caller",
    call({ since: secondsAgo(1), remote: { number: null, name: null } }),
  ],
  ["is over", endedCall()],
])("a call that %s opens nothing", async (_, shown) => {
  const opened = await keepOpened();
  await addPopup(t.page, { calls: [shown] }, { "screen-pop": TEMPLATE });
  await show(t.page, shown, fresh(ANOTHER));
  await expect.poll(opened).toEqual([ANOTHERS]);
});

test("a transfer opens the original caller", async () => {
  const opened = await keepOpened();
  await addPopup(t.page, { calls: [] }, { "screen-pop": TEMPLATE });
  const transfer = {
    kind: "attended" as const,
    original_number: "+32470123456",
    via: { number: "200", name: "John" },
    completed_at: null,
  };
  await show(t.page, fresh({ internal: true, remote: { number: "200", name: "John" }, transfer }));
  await expect.poll(opened).toEqual([`_blank ${url("/contacts?phone=%2B32470123456&to=200")}`]);
});

test("opens nothing in a page that nobody looks at", async () => {
  const opened = await keepOpened();
  await addPopup(t.page, { calls: [] }, { "screen-pop": TEMPLATE });
  await t.page.evaluate(() => {
    document.hasFocus = (): boolean => false;
  });
  await show(t.page, fresh());
  await t.popup.locator(".pop").waitFor();
  expect(await opened()).toEqual([]);
});

test("the page can take it upon itself", async () => {
  const opened = await keepOpened();
  await t.page.evaluate(() => {
    document.addEventListener("screenpop", (event) => {
      event.preventDefault();
      Object.assign(globalThis, { told: (event as CustomEvent).detail.url });
    });
  });
  await addPopup(t.page, { calls: [] }, { "screen-pop": TEMPLATE });
  await show(t.page, fresh());
  await expect.poll(told).toBe(url("/contacts?phone=%2B3228992675&to=200"));
  await t.popup.getByRole("link", { name: /^Open contact/ }).click();
  expect(await opened()).toEqual([]);
});

test("when the browser blocks the window, the link says so and opens it", async () => {
  await keepOpened(false);
  await addPopup(t.page, { calls: [] }, { "screen-pop": TEMPLATE });
  await show(t.page, fresh());
  await t.popup.locator(".pop[data-blocked]").waitFor();
  expect(await t.popup.locator(".pop").textContent()).toContain("The browser blocked the window");
  const opened = await keepOpened();
  await t.popup.getByRole("link", { name: /^Open contact/ }).click();
  expect(await opened()).toHaveLength(1);
  await t.popup.locator(".pop:not([data-blocked])").waitFor();
});

test("a real window is opened, and has no way back", async () => {
  await addPopup(
    t.page,
    { calls: [call({ since: secondsAgo(30) })] },
    { "screen-pop": "/embed.html?{remote.number}" },
  );
  const [opened] = await Promise.all([
    t.context.waitForEvent("page"),
    t.popup.getByRole("link", { name: /^Open contact/ }).click(),
  ]);
  await opened.waitForLoadState();
  expect(await opened.evaluate(() => globalThis.opener)).toBeNull();
  expect(new URL(opened.url()).search).toBe("?%2B3228992675");
});

test.each([
  ["javascript:alert({remote.number})", "no http or https address"],
  ["https://{remote.name}.example/", "must not come from the call"],
  ["/x?{phone}", "there is no {phone}"],
  ["https://user@crm.example/{leg_id}", "must not come from the call"],
])("the template %s is told as bad once, and opens nothing", async (template, problem) => {
  const warned: string[] = [];
  t.page.on("console", (message) => message.type() === "warning" && warned.push(message.text()));
  await t.page.evaluate(() => {
    document.addEventListener("screenpop", (event) => {
      Object.assign(globalThis, { told: (event as CustomEvent).detail.problem });
    });
  });
  const opened = await keepOpened();
  await addPopup(t.page, { calls: [] }, { "screen-pop": template });
  await show(t.page, fresh());
  await show(t.page, fresh({ version: 2 }));
  await expect.poll(told).toContain(problem);
  expect(warned.filter((text) => text.includes("screen-pop"))).toHaveLength(1);
  expect(await opened()).toEqual([]);
  expect(await t.popup.locator(".pop").count()).toBe(0);
});
