// What a script tag's data-* become, and what is said of those that are wrong.

import { CallPopup } from "callpop/element";
import { beforeEach, expect, test, vi } from "vitest";
import { advise } from "../src/embed/advice.ts";
import { readOptions } from "../src/embed/options.ts";

const GATEWAY = "https://gw.example";
const said = vi.fn();

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(said);
  said.mockReset();
});

const RIGHT = {
  url: "https://other.example/callpop",
  token: "a.b.c",
  tokenUrl: "/callpop-token",
  contacts: "",
  placement: "top-left",
  theme: "dark",
  label: "Calls",
  lang: "nl-BE",
  alerts: "off",
  screenPop: "https://crm.example/search?phone={remote.number}",
  screenPopOn: "answer",
  screenPopTarget: "_self",
  wrapUp: "off",
  favicon: "",
  hideNumbers: "",
  shortcut: "Alt+Shift+C",
};

test("every data-* becomes the attribute of its name", () => {
  const { attributes, wrong, hasToken } = readOptions(RIGHT, GATEWAY);
  expect(wrong).toEqual([]);
  expect(hasToken).toBe(true);
  expect([...attributes.keys()].sort()).toEqual([
    "alerts",
    "contacts",
    "favicon",
    "hide-numbers",
    "label",
    "lang",
    "placement",
    "screen-pop",
    "screen-pop-on",
    "screen-pop-target",
    "shortcut",
    "theme",
    "token",
    "token-url",
    "url",
    "wrap-up",
  ]);
  expect(attributes.get("screen-pop")).toBe(RIGHT.screenPop);
});

test("a tag can set every attribute that the element observes", () => {
  const data = Object.fromEntries(Object.entries(RIGHT));
  const { attributes } = readOptions(data, GATEWAY);
  for (const name of CallPopup.observedAttributes) expect([...attributes.keys()]).toContain(name);
});

test("without more than a token, the popup is of the script's gateway and in a corner", () => {
  const { attributes } = readOptions({ tokenUrl: "/t" }, GATEWAY);
  expect(Object.fromEntries(attributes)).toEqual({
    url: GATEWAY,
    placement: "bottom-right",
    "token-url": "/t",
  });
});

test("a tag that asks for nothing only defines the element", () => {
  const { wantsPopup, hasToken } = readOptions({}, GATEWAY);
  expect([wantsPopup, hasToken]).toEqual([false, false]);
});

for (const [key, value] of Object.entries({
  url: "gw.example",
  tokenUrl: "  ",
  contacts: "false",
  placement: "middle",
  theme: "blue",
  alerts: "no",
  screenPopOn: "hangup",
  wrapUp: "",
  label: "",
})) {
  test(`a wrong ${key} is left out, and told once with what it has to be`, () => {
    const options = readOptions({ token: "a.b.c", [key]: value }, GATEWAY);
    const plain = readOptions({ token: "a.b.c" }, GATEWAY);
    expect(options.attributes).toEqual(plain.attributes);
    advise(options);
    advise(options);
    expect(said).toHaveBeenCalledOnce();
    expect(said.mock.lastCall?.[0]).toMatch(
      /^callpop: data-[a-z-]+="[^"]*" is not taken; it has to be ./,
    );
  });
}

test("an unknown data-* is told with all known ones", () => {
  const options = readOptions({ tokenUrl: "/t", tokenUri: "/t" }, GATEWAY);
  advise(options);
  expect(said).toHaveBeenCalledOnce();
  const words: string = said.mock.lastCall?.[0];
  expect(words).toContain("data-token-uri is not known");
  for (const key of Object.keys(RIGHT)) {
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    expect(words).toContain(`data-${name}`);
  }
});

test("a tag without a token is told where one comes from", () => {
  advise(readOptions({ theme: "dark" }, GATEWAY));
  expect(said).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("add data-token-url"));
});
