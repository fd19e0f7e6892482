// Desktop notifications, the title and the icon of the page, and what tells the gateway about them.

import { afterAll, beforeAll, expect, test } from "vitest";
import { addPopup, clickButton, type InPage, observe, post, show } from "../support/alerts-page.ts";
import { activeCall, call } from "../support/calls.ts";
import type { Tab } from "../support/cdp.ts";
import { notice } from "../support/notices.ts";
import { type Pages, servePages } from "../support/pages.ts";
import { windowOfChromium } from "../support/window-of-chromium.ts";

const MINUTES = 60_000_000;
const marie = { number: "+32470123456", name: "Marie Peeters" };

const chromium = windowOfChromium();
let pages: Pages;

beforeAll(async () => {
  pages = await servePages();
});
afterAll(() => pages?.close());

const openTab = (): Promise<Tab> =>
  chromium.window.openTab(pages.url, (tab) => tab.prepare(observe));

function ringing(over: Parameters<typeof call>[0] = {}): ReturnType<typeof call> {
  const now = Date.now() * 1000;
  return call({ since: now, updated_at: now, stale_at: now + 5 * MINUTES, remote: marie, ...over });
}

/** The notifications of the page so far, without what is no JSON. */
const notes = (
  tab: Tab,
): Promise<{ title: string; body: string; tag: string; silent: boolean; isClosed: boolean }[]> =>
  tab.evaluate(() =>
    (globalThis as unknown as InPage).notifications.map(
      ({ title, body, tag, silent, isClosed }) => ({
        title,
        body,
        tag,
        silent: silent === true,
        isClosed,
      }),
    ),
  );

const title = (tab: Tab): Promise<string> => tab.evaluate(() => document.title);

/** A page that may notify, behind another one, so without the focus. */
async function openHidden(options: Parameters<typeof addPopup>[2] = {}): Promise<Tab> {
  await chromium.window.grant(pages.origin, ["notifications"]);
  const tab = await openTab();
  await addPopup(tab, [], options);
  await chromium.window.openTab();
  await tab.until(() => document.hidden && !document.hasFocus());
  return tab;
}

test("a call is notified once, and the notification goes when the call is answered", async () => {
  const tab = await openHidden();
  const waiting = ringing();
  await show(tab, [waiting]);
  await tab.until(() => (globalThis as unknown as InPage).notifications.length > 0);
  expect(await notes(tab)).toEqual([
    {
      title: "Incoming call from Marie Peeters",
      body: "+32 470 12 34 56 · to John Doe",
      tag: `callpop-telsmart\n200\n${waiting.leg_id}`,
      // The sound is locked, so the system's has to do.
      silent: false,
      isClosed: false,
    },
  ]);
  await show(tab, [{ ...waiting, version: 2 }]);
  await show(tab, [activeCall({ leg_id: waiting.leg_id, version: 3 })]);
  await tab.until(() => (globalThis as unknown as InPage).notifications[0]?.isClosed);
  expect(await notes(tab)).toHaveLength(1);
});

test("a name that is found later takes the place of the number, in the same notification", async () => {
  const tab = await openHidden();
  const unnamed = ringing({ remote: { ...marie, name: null } });
  await show(tab, [unnamed]);
  await tab.until(() => (globalThis as unknown as InPage).notifications.length === 1);
  await show(tab, [{ ...unnamed, version: 2, remote: marie }]);
  await tab.until(() => (globalThis as unknown as InPage).notifications.length === 2);
  const [first, second] = await notes(tab);
  expect(first?.title).toBe("Incoming call from +32 470 12 34 56");
  expect(second).toMatchObject({ title: "Incoming call from Marie Peeters", tag: first?.tag });
});

test("numbers that the page hides are in no notification and no title", async () => {
  const tab = await openHidden({ attributes: { "hide-numbers": "" } });
  await show(tab, [ringing({ remote: { ...marie, name: null } })]);
  await tab.until(() => (globalThis as unknown as InPage).notifications.length === 1);
  expect(await notes(tab)).toMatchObject([{ title: "Incoming call", body: "to John Doe" }]);
  await tab.until(() => document.title === "☎ Incoming call");
});

test("numbers that the page hides during a call, and alerts that it turns off, hold at once", async () => {
  const tab = await openTab();
  await addPopup(tab, [ringing({ remote: { ...marie, name: null } })]);
  await tab.until(() => document.title === "☎ Incoming call from +32 470 12 34 56");
  await tab.evaluate(() => {
    const popup = document.querySelector("call-popup");
    popup?.setAttribute("hide-numbers", "");
  });
  await tab.until(() => document.title === "☎ Incoming call");
  await show(tab, []);
  await tab.evaluate(() => document.querySelector("call-popup")?.setAttribute("alerts", "off"));
  await tab.until(
    () =>
      document.querySelector("call-popup")?.shadowRoot?.querySelector(".alerts-button") === null,
  );
});

test("a notification is silent where the ringtone rings", async () => {
  await chromium.window.grant(pages.origin, ["notifications"]);
  const tab = await openTab();
  await addPopup(tab, []);
  await tab.click(4, 4);
  await tab.until(
    () => (globalThis as unknown as InPage).sources[0]?.reports.at(-1)?.sound === true,
  );
  await chromium.window.openTab();
  await tab.until(() => document.hidden && !document.hasFocus());
  await show(tab, [ringing()]);
  await tab.until(() => (globalThis as unknown as InPage).notifications.length === 1);
  expect(await notes(tab)).toMatchObject([{ silent: true, isClosed: false }]);
  await tab.bringToFront();
  await tab.until(() => (globalThis as unknown as InPage).notifications[0]?.isClosed);
});

test("a click on the notification brings the focus to the popup", async () => {
  const tab = await openHidden();
  await show(tab, [ringing()]);
  await tab.until(() => (globalThis as unknown as InPage).notifications.length === 1);
  await tab.bringToFront();
  await tab.evaluate(() => (globalThis as unknown as InPage).notifications[0]?.click?.());
  await tab.until(() =>
    document.querySelector("call-popup")?.shadowRoot?.activeElement?.matches(".panel"),
  );
});

test("a page that hands the duty over leaves its notification until the call is over", async () => {
  const duties = { leads: true, rings: false, notifies: true };
  const tab = await openHidden({ duties });
  await show(tab, [ringing()]);
  await tab.until(() => (globalThis as unknown as InPage).notifications.length === 1);
  await tab.evaluate(
    (given) => {
      (globalThis as unknown as InPage).sources[0]?.give(given);
    },
    { ...duties, notifies: false },
  );
  expect(await notes(tab)).toMatchObject([{ isClosed: false, silent: true }]);
  await show(tab, []);
  await tab.until(() => (globalThis as unknown as InPage).notifications[0]?.isClosed);
});

test("a page that must not notify asks only when its user clicks", async () => {
  const tab = await openTab();
  await addPopup(tab, [ringing()]);
  await chromium.window.openTab();
  await tab.until(() => document.hidden);
  await show(tab, [ringing({ leg_id: "b" })]);
  expect(await notes(tab)).toEqual([]);
  await tab.bringToFront();
  await chromium.window.grant(pages.origin, ["notifications"]);
  await tab.until(
    () => (globalThis as unknown as InPage).sources[0]?.reports.at(-1)?.notifications === true,
  );
});

test("the title tells of the call and of the page in turn, and is as it was afterwards", async () => {
  const tab = await openTab();
  await tab.evaluate(() => {
    const element = document.querySelector("title");
    if (element !== null) element.textContent = "\n  Page  of somebody \n";
  });
  await addPopup(tab, [ringing()]);
  await tab.until(() => document.title === "☎ Incoming call from Marie Peeters");
  await tab.until(() => document.title === "Page of somebody");
  await tab.until(() => document.title === "☎ Incoming call from Marie Peeters");
  await show(tab, []);
  await tab.until(() => document.title === "Page of somebody");
  expect(await tab.evaluate(() => document.querySelector("title")?.textContent)).toBe(
    "\n  Page  of somebody \n",
  );
});

test("a title that the page writes meanwhile is the one that stays", async () => {
  const tab = await openTab();
  await addPopup(tab, [ringing()]);
  await tab.until(() => document.title.startsWith("☎"));
  await tab.evaluate(() => {
    document.title = "(3) Inbox";
  });
  await tab.until(() => document.title.startsWith("☎"));
  await tab.until(() => document.title === "(3) Inbox");
  await tab.until(() => document.title.startsWith("☎"));
  // A framework that puts an element of its own there.
  await tab.evaluate(() => {
    const fresh = document.createElement("title");
    fresh.textContent = "Another view";
    document.querySelector("title")?.replaceWith(fresh);
  });
  await tab.until(() => document.title.startsWith("☎"));
  await show(tab, []);
  await tab.until(() => document.title === "Another view");
  expect(await tab.evaluate(() => document.querySelectorAll("title").length)).toBe(1);
});

test("a page without a title has none afterwards", async () => {
  const tab = await openTab();
  await tab.evaluate(() => document.querySelector("title")?.remove());
  await addPopup(tab, [ringing()]);
  await tab.until(() => document.title.startsWith("☎"));
  await show(tab, []);
  await tab.until(() => document.querySelector("title") === null);
});

test("two popups of a page do not fight for its title", async () => {
  const tab = await openTab();
  const anna = ringing({ leg_id: "b", remote: { number: null, name: "Anna" } });
  await addPopup(tab, [ringing()]);
  await addPopup(tab, [anna]);
  await tab.until(() => document.title === "☎ Incoming call from Marie Peeters");
  await show(tab, [], 0);
  await tab.until(() => document.title === "☎ Incoming call from Anna");
  await show(tab, [], 1);
  await tab.until(() => document.title === "Popup under test");
  expect(await title(tab)).toBe("Popup under test");
});

test("the icon is only changed where the page's policy is known to allow it", async () => {
  const tab = await openTab();
  const icons = (): Promise<string[]> =>
    tab.evaluate(() =>
      [...document.querySelectorAll<HTMLLinkElement>("link[rel~=icon]")].map((icon) =>
        icon.href.slice(0, 18),
      ),
    );
  await addPopup(tab, [ringing()]);
  await tab.until(() => document.title.startsWith("☎"));
  expect(await icons()).toEqual(["data:,"]);
  await addPopup(tab, [ringing({ leg_id: "b" })], { attributes: { favicon: "" } });
  await tab.until(() => document.querySelectorAll("link[rel~=icon]").length === 2);
  expect(await icons()).toEqual(["data:,", "data:image/svg+xml"]);
  await show(tab, [], 1);
  await tab.until(() => document.querySelectorAll("link[rel~=icon]").length === 1);
  expect(await icons()).toEqual(["data:,"]);
  expect(tab.problems).toEqual([]);
});

test("a loaded data image proves the policy, and a page that is wrong is not asked twice", async () => {
  const tab = await openTab();
  await tab.evaluate(async () => {
    const image = new Image();
    image.src = "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=";
    await image.decode();
    image.alt = "";
    document.body.append(image);
  });
  await addPopup(tab, [ringing()]);
  await tab.until(() => document.querySelectorAll("link[rel~=icon]").length === 2);
  await show(tab, []);
  await tab.until(() => document.querySelectorAll("link[rel~=icon]").length === 1);
  await tab.evaluate(() => {
    const meta = Object.assign(document.createElement("meta"), {
      httpEquiv: "Content-Security-Policy",
      content: "img-src 'none'",
    });
    document.head.append(meta);
    const violations: string[] = [];
    Object.assign(globalThis, { violations });
    document.addEventListener("securitypolicyviolation", ({ violatedDirective }) =>
      violations.push(violatedDirective),
    );
  });
  const violations = (): Promise<number> =>
    tab.evaluate(() => (globalThis as unknown as { violations: string[] }).violations.length);
  await show(tab, [ringing({ leg_id: "c" })]);
  await tab.until(() => (globalThis as unknown as { violations: string[] }).violations.length > 0);
  await tab.until(() => document.querySelectorAll("link[rel~=icon]").length === 1);
  await show(tab, []);
  await tab.until(() => document.title === "Popup under test");
  await show(tab, [ringing({ leg_id: "d" })]);
  await tab.until(() => document.title.startsWith("☎"));
  expect(await violations()).toBe(1);
});

test("a notice has a notification where its user has chosen that, quietly, and never a ringtone", async () => {
  const posted = notice({ at: Date.now() * 1000 });
  const tab = await openHidden();
  await post(tab, [posted]);
  await tab.until(() =>
    document.querySelector("call-popup")?.shadowRoot?.querySelector(".notice-card"),
  );
  expect(await notes(tab)).toEqual([]);
  await tab.bringToFront();
  await clickButton(tab, "Alerts");
  await clickButton(tab, "Of tickets, messages and the like, too");
  await chromium.window.openTab();
  await tab.until(() => document.hidden && !document.hasFocus());
  const news = notice({ notice_id: "n2", title: "Another one", at: Date.now() * 1000 });
  await post(tab, [news, posted]);
  await tab.until(() => (globalThis as unknown as InPage).notifications.length > 0);
  expect(await notes(tab)).toMatchObject([
    { title: "Another one", body: posted.body, silent: true, isClosed: false },
  ]);
  expect(await tab.evaluate(() => (globalThis as unknown as InPage).level())).toBe(0);
  await post(tab, [{ ...news, version: 2, state: "done" }, posted]);
  await tab.until(() => (globalThis as unknown as InPage).notifications[0]?.isClosed);
});

test("a call that is drawn in a hidden page is told as painted when it is seen", async () => {
  const tab = await openTab();
  await addPopup(tab, []);
  const front = await chromium.window.openTab();
  await tab.until(() => document.hidden);
  await show(tab, [ringing()]);
  await tab.until(() => document.title.startsWith("☎"));
  const paints = (): Promise<string[] | undefined> =>
    tab.evaluate(() => (globalThis as unknown as InPage).sources[0]?.paints);
  expect(await paints()).toEqual([]);
  await tab.bringToFront();
  await tab.until(() => (globalThis as unknown as InPage).sources[0]?.paints.length === 1);
  await show(tab, [ringing({ version: 2 })]);
  await front.close();
  expect(await paints()).toHaveLength(1);
});

test("a popup that is not displayed is not told as painted", async () => {
  const tab = await openTab();
  await addPopup(tab, [], { attributes: { hidden: "" } });
  await show(tab, [ringing()]);
  await tab.until(() => document.title.startsWith("☎"));
  await tab.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))),
  );
  expect(await tab.evaluate(() => (globalThis as unknown as InPage).sources[0]?.paints)).toEqual(
    [],
  );
  await tab.evaluate(() => document.querySelector("call-popup")?.removeAttribute("hidden"));
  await tab.until(() => (globalThis as unknown as InPage).sources[0]?.paints.length === 1);
});

test("what can reach the user is told, and told again when it changes", async () => {
  const tab = await openTab();
  await addPopup(tab, []);
  const reports = (): Promise<unknown> =>
    tab.evaluate(() => (globalThis as unknown as InPage).sources[0]?.reports);
  expect(await reports()).toEqual([{ sound: false, notifications: false }]);
  await tab.click(4, 4);
  await tab.until(() => (globalThis as unknown as InPage).sources[0]?.reports.length === 2);
  await clickButton(tab, "Alerts");
  await clickButton(tab, "Until I turn it off");
  await tab.until(() => (globalThis as unknown as InPage).sources[0]?.reports.length === 3);
  expect(await reports()).toEqual([
    { sound: false, notifications: false },
    { sound: true, notifications: false },
    { sound: false, notifications: false },
  ]);
});
