// The languages of the popup: which one, when it changes, and when its words do not come.

import { expect, test } from "vitest";
import { activeCall, call } from "../support/calls.ts";
import { MARIE, nextFrames, pageUnderTest } from "./page-under-test.ts";
import { addPopup } from "./stage.ts";

const t = pageUnderTest();

const state = (): Promise<string | null> => t.popup.locator(".card .state").textContent();

test("the element's, the page's and the browser's, in that order, also when they change", async () => {
  await addPopup(t.page, { calls: [activeCall({ remote: MARIE })] }, { lang: "nl" });
  await t.popup.getByText("In gesprek").waitFor();
  expect(await t.popup.locator(".panel").getAttribute("lang")).toBe("nl-BE");
  await t.page.evaluate(() => {
    document.documentElement.lang = "fr-BE";
    document.querySelector("call-popup")?.removeAttribute("lang");
  });
  await t.popup.getByText("En communication").waitFor();
  await t.page.evaluate(() => {
    document.documentElement.lang = "de";
  });
  await expect.poll(state).toBe("On call");
  await t.page.evaluate(() => {
    Object.defineProperty(navigator, "languages", { value: ["de-DE", "nl-NL"] });
    dispatchEvent(new Event("languagechange"));
  });
  await expect.poll(state).toBe("In gesprek");
});

test("nothing is drawn in another language first", async () => {
  await t.page.evaluate(() => {
    // Its patience with the words does not end before they come, however long that takes.
    const real = setTimeout;
    Object.assign(globalThis, {
      setTimeout: (run: () => void, ms = 0) => (ms < 100 ? real(run, ms) : 0),
    });
    document.documentElement.lang = "nl";
    const seen: string[] = [];
    Object.assign(globalThis, { seen });
    const look = (): void => {
      const root = document.querySelector("call-popup")?.shadowRoot;
      const text = root?.querySelector(".state")?.textContent;
      if (text && !seen.includes(text)) seen.push(text);
      requestAnimationFrame(look);
    };
    look();
  });
  await addPopup(t.page, { calls: [call()] });
  await t.popup.getByText("Inkomende oproep", { exact: true }).first().waitFor();
  await nextFrames(t.page);
  expect(await t.page.evaluate(() => Reflect.get(globalThis, "seen"))).toEqual([
    "Inkomende oproep",
  ]);
});

test("a call is shown in English when the words do not come, and in the language when they do", async () => {
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await t.page.route("**/fr-*.js", async (route) => {
    await held;
    await route.continue();
  });
  await addPopup(t.page, { calls: [call()] }, { lang: "fr" });
  await t.popup.getByText("Incoming call", { exact: true }).first().waitFor();
  answer();
  await t.popup.getByText("Appel entrant", { exact: true }).waitFor();
});
