import { expect, test } from "vitest";
import { clockText } from "../src/element/duration.ts";
import { digitGroups } from "../src/element/phone-number.ts";
import { fill } from "../src/element/language.ts";
import { en } from "../src/element/words/en.ts";
import { displayText, initials } from "../src/element/text.ts";

test.each([
  ["John Doe", "John Doe"],
  ["  John \t\n Doe ", "John Doe"],
  ["<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
  ["a\u0000b\u001b[31mc\u007f\u0085d", "a b [31mc d"],
  ["\u202eeoD nhoJ\u202c", "eoD nhoJ"],
  ["\u2066\u2067x\u2069\u200e\u200f\u061c", "x"],
  ["in\u200bvi\ufeffsi\u00adble", "in vi si ble"],
  ["one\u2028two\u2029three", "one two three"],
  ["tag\u{e0041}ged", "tag ged"],
  ["lone \ud800 surrogate", "lone surrogate"],
  ["e\u0301".repeat(2), "e\u0301e\u0301"],
  [`Z${"\u0335".repeat(40)}`, `Z${"\u0335".repeat(4)}`],
  ["👩‍🚒 Łukasz 王小明", "👩‍🚒 Łukasz 王小明"],
  ["\u202e\u0000", ""],
  [null, ""],
  [undefined, ""],
  [42, ""],
  [{}, ""],
])("%j is shown as %j", (text, shown) => {
  expect(displayText(text)).toBe(shown);
});

test("a text without end is cut between characters", () => {
  expect(displayText("🚀".repeat(1_000), 5)).toBe("🚀🚀🚀🚀…");
  expect([...displayText("x".repeat(1_000_000))]).toHaveLength(160);
});

test.each([
  ["John Doe", "JD"],
  ["Marie", "M"],
  ["Anna Maria van den Berg", "AB"],
  ["Émile Ørsted", "ÉØ"],
  ["(+32) 2 899", ""],
  ["", ""],
])("the initials of %j are %j", (name, letters) => {
  expect(initials(name)).toBe(letters);
});

test.each([
  ["+3228992675", "+32 2 899 26 75"],
  ["+32470123456", "+32 470 12 34 56"],
  ["+3250123456", "+32 50 12 34 56"],
  ["+33612345678", "+33 6 12 34 56 78"],
  ["+14155550123", "+1 415 555 0123"],
  ["+352621123456", "+352 6 21 12 34 56"],
  ["200", "200"],
  ["0470123456", "0470123456"],
  ["anonymous", "anonymous"],
  ["+32<b>1</b>", "+32<b>1</b>"],
])("%s is grouped as %s", (number, shown) => {
  const groups = digitGroups(number);
  expect(groups.join("")).toBe(number);
  expect(groups.join(" ")).toBe(shown);
});

test.each([
  [-3_000, "0:00"],
  [0, "0:00"],
  [9_999, "0:09"],
  [83_000, "1:23"],
  [3_599_999, "59:59"],
  [3_600_000, "1:00:00"],
  [90_061_000, "25:01:01"],
])("%d ms reads %s", (ms, shown) => {
  expect(clockText(ms)).toBe(shown);
});

test("gaps of a text are filled, also when the value looks like a gap", () => {
  expect(fill(en.announce, { who: "{who} $& $1" })).toBe("Incoming call from {who} $& $1");
});
