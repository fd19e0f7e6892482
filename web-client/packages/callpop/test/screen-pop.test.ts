import { expect, test } from "vitest";
import { call } from "../../../tests/support/calls.ts";
import { addressOf, problemOf } from "../src/element/screen-pop/template.ts";

const BASE = "https://app.example/calls/";
const named = (name: string): ReturnType<typeof call> => call({ remote: { number: null, name } });

test.each([
  [
    "https://crm.example/search?phone={remote.number}",
    "https://crm.example/search?phone=%2B3228992675",
  ],
  ["/c/{leg_id}", `https://app.example/c/${call().leg_id}`],
  [
    "?to={extension}&d={direction}&l={local.number}",
    "https://app.example/calls/?to=200&d=inbound&l=200",
  ],
  ["/always", "https://app.example/always"],
])("%s opens %s", (template, url) => {
  expect(problemOf(template, BASE)).toBeNull();
  expect(addressOf(template, call(), BASE)).toBe(url);
});

test.each([
  ["../../admin", "https://app.example/c/..%2F..%2Fadmin/x"],
  ["..", "https://app.example/c//x"],
  ["a?b#c&d=e/\\", "https://app.example/c/a%3Fb%23c%26d%3De%2F%5C/x"],
  ["\u202e\ud800 Doe", "https://app.example/c/Doe/x"],
])("a caller named %j fills one gap and no more", (name, url) => {
  expect(addressOf("/c/{remote.name}/x", named(name), BASE)).toBe(url);
});

test("a call that tells nothing of its caller opens nothing", () => {
  expect(addressOf("/c?n={remote.number}", named("Doe"), BASE)).toBeNull();
  expect(addressOf("/c?n={remote.number}&a={remote.name}", named("Doe"), BASE)).not.toBeNull();
});

test.each([
  "javascript:alert(1)",
  "data:text/html,{remote.name}",
  "{remote.name}:x",
  "https://{remote.number}.example/",
  "https://a.example{remote.name}/",
  "https://u:p@crm.example/",
  "https://",
  "/x?{unknown}",
  "/x?{}",
])("%s is told as bad", (template) => {
  expect(problemOf(template, BASE)).toMatch(/^screen-pop: /);
});
