// The popup by keys alone; the focus moves only when its user moves it.

import { expect, test } from "vitest";
import { activeCall, call, endedCall, heldCall } from "../support/calls.ts";
import { addField, focused, focusIsOn, MARIE, pageUnderTest, SUMMARY } from "./page-under-test.ts";
import { addPopup, client, show } from "./stage.ts";

const t = pageUnderTest();

test("the shortcut moves the focus in, Escape back to where it was", async () => {
  await addField(t.page);
  await addPopup(t.page, { calls: [call({ remote: MARIE })] });
  expect(await focused(t.page)).toBe("page-field");
  await t.page.keyboard.press("Alt+Shift+P");
  expect(await focused(t.page)).toBe("Calls");
  await t.page.keyboard.press("Tab");
  expect(await focusIsOn(t.page, "button")).toBe(true);
  await t.page.keyboard.press("Escape");
  expect(await focused(t.page)).toBe("page-field");
});

test("the focus stays in the popup when what had it goes", async () => {
  await addPopup(t.page, { calls: [call({ remote: MARIE }), activeCall({ leg_id: "b" })] });
  await t.popup.getByRole("button", { name: "Dismiss call with Marie Peeters" }).focus();
  await t.page.keyboard.press("Enter");
  await t.popup.locator(".row").waitFor({ state: "detached" });
  expect(await focused(t.page)).toBe("Calls");
});

test("the shortcut can be another one, or none", async () => {
  await addField(t.page);
  await addPopup(t.page, { calls: [call()] }, { shortcut: "Control+Shift+Y" });
  await t.page.keyboard.press("Alt+Shift+P");
  expect(await focused(t.page)).toBe("page-field");
  await t.page.keyboard.press("Control+Shift+Y");
  expect(await focused(t.page)).toBe("Calls");
  await t.page.keyboard.press("Escape");
  await t.page.evaluate(() => {
    document.querySelector("call-popup")?.setAttribute("shortcut", "off");
  });
  await t.page.keyboard.press("Control+Shift+Y");
  expect(await focused(t.page)).toBe("page-field");
});

test("with two popups in a page, the shortcut goes on to the next one", async () => {
  for (const label of ["First", "Second"]) await addPopup(t.page, { calls: [call()] }, { label });
  const seen: string[] = [];
  for (let press = 0; press < 3; press += 1) {
    await t.page.keyboard.press("Alt+Shift+P");
    seen.push(await focused(t.page));
  }
  expect(seen).toEqual(["First", "Second", "First"]);
});

test("a call is wrapped up without a mouse", async () => {
  await addPopup(t.page, { calls: [endedCall({ remote: MARIE })] });
  await t.popup.locator(".wrap-up").waitFor();
  await t.page.keyboard.press("Alt+Shift+P");
  for (let tab = 0; tab < 20 && !(await focusIsOn(t.page, "input[type=radio]")); tab += 1) {
    await t.page.keyboard.press("Tab");
  }
  await t.page.keyboard.press("ArrowRight");
  await t.page.keyboard.press("Tab");
  await t.page.keyboard.type("Done");
  await t.page.keyboard.press("Control+Enter");
  expect(await client(t.page, ({ wrapUps }) => wrapUps)).toMatchObject([
    { leg_id: endedCall().leg_id, disposition: "Resolved", note: "Done" },
  ]);
});

test("what is typed in the popup is nobody else's key", async () => {
  await t.page.evaluate(() => {
    document.addEventListener("keydown", ({ key }) => {
      document.title += key;
    });
  });
  await addPopup(t.page, { calls: [endedCall({ remote: MARIE })] });
  await t.popup.locator("textarea").fill("");
  await t.popup.locator("textarea").press("j");
  expect(await t.page.title()).toBe("Popup under test");
});

test("a call that rings, changes and ends never takes the focus", async () => {
  await addField(t.page);
  await addPopup(t.page, { calls: [] });
  for (const shown of [
    call(),
    activeCall(),
    heldCall(),
    endedCall(),
    endedCall({ summary: SUMMARY }),
  ]) {
    await show(t.page, shown);
    expect(await focused(t.page)).toBe("page-field");
  }
  await t.popup.locator(".summary-body").waitFor();
  expect(await focused(t.page)).toBe("page-field");
});
