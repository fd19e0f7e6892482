// What the popup does as a whole: what it says, hides, keeps out and leaves reachable.

import { expect, test } from "vitest";
import { activeCall, call, CUSTOMER, endedCall, missedCall, secondsAgo } from "../support/calls.ts";
import { HOSTILE_CONTENT, HOSTILE_NAME } from "../support/hostile.ts";
import { notice } from "../support/notices.ts";
import { MARIE, nextFrames, pageUnderTest, STORED, SUMMARY } from "./page-under-test.ts";
import { SCENES, type Scene } from "./scenes.ts";
import { addPopup, client, show } from "./stage.ts";

const t = pageUnderTest();

const TRANSFER = {
  kind: "attended" as const,
  original_number: "+32470123456",
  via: { number: "200", name: "John" },
  completed_at: null,
};

test("a ringing call is announced once, by one live region that was there before", async () => {
  await t.page.evaluate(async () => {
    // Until then what is added to the page is not drawn yet.
    await customElements.whenDefined("call-popup");
    const said: string[] = [];
    Object.assign(globalThis, { said });
    new MutationObserver(() => {
      const root = document.querySelector("call-popup")?.shadowRoot;
      const region = root?.querySelector("[aria-live=assertive]");
      if (!region || region === Reflect.get(globalThis, "region")) return;
      Object.assign(globalThis, { region });
      said.push(`region:${region.textContent}`);
      new MutationObserver(() => said.push(region.textContent ?? "")).observe(region, {
        childList: true,
        subtree: true,
        characterData: true,
      });
    }).observe(document.querySelector("main") as Element, { childList: true });
  });
  await addPopup(t.page, { calls: [call({ remote: MARIE })] });
  const said = (): Promise<string[]> => t.page.evaluate(() => Reflect.get(globalThis, "said"));
  await t.page.waitForFunction(() => Reflect.get(globalThis, "said").length === 2);
  await show(t.page, call({ remote: MARIE, version: 2 }));
  await show(t.page, activeCall({ remote: MARIE }), call({ leg_id: "second" }));
  await t.page.waitForFunction(() => Reflect.get(globalThis, "said").length === 3);
  await show(t.page, activeCall({ remote: MARIE }), activeCall({ leg_id: "second" }));
  await nextFrames(t.page);
  expect(await said()).toEqual([
    "region:",
    "Incoming call from Marie Peeters",
    "Incoming call from +32 2 899 26 75",
  ]);
  expect(await t.popup.locator("[aria-live=assertive]").count()).toBe(1);
});

test("of three calls one is clearly the primary, and the others are told by number", async () => {
  await addPopup(t.page, SCENES.several as Scene);
  expect(await t.popup.locator(".card").count()).toBe(1);
  expect(await t.popup.locator(".card .title").textContent()).toBe("Marie Peeters");
  expect(await t.popup.locator(".others").textContent()).toBe("2 other calls");
  expect(await t.popup.locator(".row .row-title").allTextContents()).toEqual([
    "+3228992675",
    "Boulangerie Saint-Honoré",
  ]);
});

test("where several extensions are seen, transfers and answers elsewhere are told", async () => {
  await addPopup(t.page, SCENES["blind-transfer"] as Scene);
  expect(await t.popup.locator(".card .story").textContent()).toBe("Transferred by John Doe");
  await show(t.page, ...(SCENES["answered-elsewhere"] as Scene).calls);
  expect(await t.popup.locator(".card .state").textContent()).toBe("Answered elsewhere");
  expect(await t.popup.locator(".card .story").textContent()).toBe("Answered by Jane Doe (210)");
  expect(await t.popup.locator(".missed").count()).toBe(0);
});

test("a missed call is acknowledged alone, or all are", async () => {
  const missed = (leg_id: string): ReturnType<typeof missedCall> =>
    missedCall({ leg_id, ended_at: secondsAgo(900), remote: { number: null, name: leg_id } });
  await addPopup(t.page, {
    calls: [missed("Ann"), missed("Bob"), endedCall({ leg_id: "x", ended_at: secondsAgo(800) })],
  });
  await t.popup.locator(".recent-call").first().waitFor();
  await t.popup.getByRole("button", { name: "2 missed" }).click();
  expect(await t.popup.locator(".recent-call").count()).toBe(2);
  await t.popup.getByRole("button", { name: "Mark the missed call from Bob as seen" }).click();
  expect(await client(t.page, ({ dismissed }) => dismissed)).toEqual(["Bob"]);
});

test("hostile_text_is_text_everywhere", async () => {
  const hostile = { number: HOSTILE_NAME, name: HOSTILE_NAME };
  const wrap_up = { ...STORED, disposition: HOSTILE_NAME.slice(0, 60), note: HOSTILE_NAME };
  const over = { remote: hostile, local: hostile, wrap_up };
  await addPopup(
    t.page,
    {
      dispositions: [HOSTILE_NAME, "OK"],
      calls: [
        call({
          ...over,
          leg_id: "a",
          transfer: {
            kind: "attended",
            original_number: HOSTILE_NAME,
            via: hostile,
            completed_at: null,
          },
        }),
        endedCall({ ...over, leg_id: "b" }),
        endedCall({
          ...over,
          leg_id: "c",
          ended_at: secondsAgo(99),
          summary: { ...SUMMARY, language: '"><b>', content: HOSTILE_CONTENT },
        }),
        missedCall({ ...over, leg_id: HOSTILE_NAME, ended_at: secondsAgo(999) }),
      ],
    },
    { "screen-pop": "/find?name={remote.name}&n={remote.number}", alerts: "off" },
  );
  await t.popup.locator(".pop a").first().waitFor();
  await t.popup.locator(".summary .end").click();
  await t.popup.locator(".summary-body").waitFor();
  await t.popup.locator('[data-leg="b"] .pill').last().click();
  await t.popup.locator(".wrap-up").waitFor();
  expect(await t.popup.locator("img, script, iframe, style, object").count()).toBe(0);
  for (const link of await t.popup.locator("a").all()) {
    expect(await link.getAttribute("href")).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/find\?name=[\w%.~!*'()&=-]+$/,
    );
  }
  expect(await t.page.title()).toBe("Popup under test");
});

test("hostile CSS of the page does not reach in", async () => {
  const look = (): Promise<unknown> =>
    t.popup.locator(".card .title").evaluate((title) => {
      const names = [
        "color",
        "font-size",
        "font-family",
        "letter-spacing",
        "text-transform",
        "line-height",
        "visibility",
        "direction",
        "text-align",
        "word-spacing",
        "text-indent",
        "white-space",
        "cursor",
      ];
      const style = getComputedStyle(title);
      const { width, height } = title.getBoundingClientRect();
      return [names.map((name) => style.getPropertyValue(name)), width, height];
    });
  await addPopup(t.page, { calls: [call({ remote: MARIE })] }, { placement: "bottom-right" });
  const before = await look();
  await t.page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`* { all: unset !important; color: red !important; font: 40px/3 serif !important;
      letter-spacing: 1em !important; text-transform: uppercase !important; visibility: hidden !important;
      direction: rtl !important; text-align: right !important; word-spacing: 2em !important; opacity: 0.1 !important;
      text-indent: 90px !important; white-space: pre !important; transform: rotate(20deg) !important;
      filter: blur(4px) !important; padding: 40px !important; cursor: wait !important; display: none !important;
      width: 10px !important; position: static !important; margin: 100px !important; zoom: 3 !important }`);
    document.adoptedStyleSheets = [sheet];
    // What holds the popup stays: only a popup that is there can be looked at.
    const around = [document.documentElement, document.body, document.querySelector("main")];
    for (const { style } of around as HTMLElement[]) {
      style.setProperty("all", "unset", "important");
      style.setProperty("display", "block", "important");
    }
  });
  expect(await look()).toEqual(before);
  expect(await t.popup.evaluate((host) => getComputedStyle(host).opacity)).toBe("1");
  const box = await t.popup.boundingBox();
  expect(Math.round((box?.x ?? 0) + (box?.width ?? 0))).toBe(390 - 16);
});

test("a page's ::part() rules reach every part that is promised", async () => {
  const parts = [
    ...["panel", "head", "connection", "notice", "card", "card-active", "row", "row-ringing"],
    ...["state", "name", "timer", "transfer", "dismiss", "screen-pop", "summary", "recent"],
    ...["wrap-up", "wrap-up-text", "alerts", "alerts-panel", "notices", "notice-card"],
  ];
  const ended = endedCall({ leg_id: "c", ended_at: secondsAgo(300) });
  const scene: Scene = {
    connection: { phase: "reconnecting", attempt: 1 },
    notices: [notice()],
    calls: [
      activeCall({ leg_id: "a", transfer: TRANSFER }),
      call({ leg_id: "b" }),
      endedCall({ leg_id: "d", answered_at: secondsAgo(60), ended_at: secondsAgo(1) }),
      { ...ended, summary: SUMMARY },
      endedCall({ leg_id: "e", ended_at: secondsAgo(400), wrap_up: STORED }),
    ],
  };
  await addPopup(t.page, scene, { "screen-pop": "/contacts?{remote.number}" });
  await t.page.evaluate((names) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(
      names.map((name, at) => `call-popup::part(${name}) { --part-${at}: yes }`).join(""),
    );
    document.adoptedStyleSheets = [sheet];
  }, parts);
  await t.popup.getByRole("button", { name: /^Alerts/ }).click();
  await t.popup
    .getByRole("button", { name: /^Wrap up/ })
    .first()
    .click();
  const reached = (): Promise<string[]> =>
    t.popup.evaluate((host, names) => {
      const within = [...(host.shadowRoot?.querySelectorAll("[part]") ?? [])];
      return names.filter((_, at) =>
        within.some((part) => getComputedStyle(part).getPropertyValue(`--part-${at}`) === "yes"),
      );
    }, parts);
  await expect.poll(reached).toEqual(parts);
});

test("at 400 % zoom everything is reached by scrolling, and the page is still seen", async () => {
  await t.page.setViewportSize({ width: 320, height: 256 });
  await addPopup(t.page, SCENES.everything as Scene, { placement: "bottom-right" });
  const panel = t.popup.locator(".panel");
  const box = await panel.boundingBox();
  expect(box?.height).toBeLessThanOrEqual(256 * 0.67);
  expect(box?.x).toBeGreaterThanOrEqual(0);
  expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(320);
  for (const button of await t.popup.locator("button:visible, textarea, a").all()) {
    await button.scrollIntoViewIfNeeded();
    const at = await button.boundingBox();
    expect(at?.y).toBeGreaterThanOrEqual((box?.y ?? 0) - 1);
    expect((at?.x ?? 0) + (at?.width ?? 0)).toBeLessThanOrEqual(320);
  }
});

test("with reduced motion nothing moves", async () => {
  await addPopup(t.page, {
    connection: { phase: "reconnecting", attempt: 1 },
    calls: [call({ remote: CUSTOMER })],
  });
  expect(
    await t.page.evaluate(
      () => document.querySelector("call-popup")?.shadowRoot?.getAnimations().length,
    ),
  ).toBe(0);
  await t.page.emulateMedia({ reducedMotion: "no-preference" });
  expect(
    await t.page.evaluate(
      () => document.querySelector("call-popup")?.shadowRoot?.getAnimations().length,
    ),
  ).toBeGreaterThan(0);
});

test("a page that stays open has every part before the gateway has another version of it", async () => {
  await addPopup(t.page, { calls: [] });
  const parts = [
    ...["alerts", "check", "contacts", "controls", "favicon", "fr", "nl", "notices", "recent"],
    ...["screen-pop", "summary", "words-en", "words-fr", "words-nl", "wrap-up"],
  ];
  const loaded = (): Promise<string[]> =>
    t.page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .map(({ name }) => /([\w-]+)-[\w-]{8}\.js$/.exec(name)?.[1] ?? ""),
    );
  await expect.poll(loaded).toEqual(expect.arrayContaining(parts));
  t.expectProblems(/net::ERR_FAILED/);
  await t.page.route("**/*.js", (route) => route.abort());
  const told = endedCall({ leg_id: "b", ended_at: secondsAgo(300), summary: SUMMARY });
  await show(t.page, endedCall({ leg_id: "a" }), told);
  for (const part of [".summary-body", ".wrap-up", ".recent"]) {
    await t.popup.locator(part).first().waitFor();
  }
});
