import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Lazy } from "../src/element/lazy.ts";
import { PopupState } from "../src/element/popup-state.ts";

interface Gadget {
  readonly name: string;
}

/** A part of a drawn popup whose first attempts fail, and how often it was asked for. */
function failing(times: number): { part: Lazy<Gadget>; load: ReturnType<typeof vi.fn> } {
  const load = vi.fn(async (): Promise<Gadget> => {
    if (load.mock.calls.length <= times) throw new TypeError("Failed to fetch");
    return { name: "gadget" };
  });
  const state = new PopupState();
  const part = state.lazy<Gadget>(load, () => undefined);
  state.draw(() => part.get());
  return { part, load };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("a part that fails is tried again by itself, and offers another try meanwhile", async () => {
  const { part, load } = failing(3);
  await vi.advanceTimersByTimeAsync(0);
  expect(part.hasFailed).toBe(true);
  for (const [wait, asked] of [
    [2_000, 2],
    [4_000, 3],
    [7_000, 3],
  ] as const) {
    await vi.advanceTimersByTimeAsync(wait);
    expect([part.hasFailed, load.mock.calls.length]).toEqual([true, asked]);
  }
  await vi.advanceTimersByTimeAsync(1_000);
  expect(part.hasFailed).toBe(false);
  expect(part.get()).toEqual({ name: "gadget" });
  await vi.advanceTimersByTimeAsync(100_000);
  expect(load).toHaveBeenCalledTimes(4);
});

test("a part is never asked for more than once a minute when it keeps failing", async () => {
  const { load } = failing(Infinity);
  await vi.advanceTimersByTimeAsync(600_000);
  load.mockClear();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(load).toHaveBeenCalledTimes(10);
});

test("a user who does not wait loads it at once", async () => {
  const { part, load } = failing(1);
  await vi.advanceTimersByTimeAsync(0);
  part.retry();
  await vi.advanceTimersByTimeAsync(0);
  expect(part.get()).toEqual({ name: "gadget" });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(load).toHaveBeenCalledTimes(2);
});
