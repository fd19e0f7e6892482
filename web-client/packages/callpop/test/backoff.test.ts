import { afterEach, expect, test, vi } from "vitest";
import { backoffMs, hintedBackoffMs } from "../src/backoff.ts";

afterEach(() => vi.restoreAllMocks());

test("the ceiling doubles from 250 ms to 20 s", () => {
  vi.spyOn(Math, "random").mockReturnValue(0.999_999);
  const ceilings = [0, 1, 2, 6, 7, 50, 2_000].map((attempt) =>
    Math.round(backoffMs(attempt, Math.random())),
  );
  expect(ceilings).toEqual([250, 500, 1_000, 16_000, 20_000, 20_000, 20_000]);
});

test("the cap comes before the jitter, so capped clients stay apart", () => {
  const random = vi.spyOn(Math, "random");
  const waits = [0, 0.25, 0.5, 0.75].map((value) => {
    random.mockReturnValue(value);
    return backoffMs(30, Math.random());
  });
  expect(waits).toEqual([0, 5_000, 10_000, 15_000]);
});

test("a hint that the network is back is followed within a second", () => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  expect(hintedBackoffMs(Math.random())).toBe(500);
});
