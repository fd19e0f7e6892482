import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Speaker } from "../src/element/alerts/speaker.ts";

/** A context that a browser suspends, and does not resume without a gesture. */
class StubbornContext {
  state = "running";
  readonly resume = vi.fn(() => new Promise<void>(() => undefined));

  addEventListener(): void {
    // Its state never changes by itself.
  }

  suspend(): void {
    this.state = "suspended";
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("AudioContext", StubbornContext);
  vi.stubGlobal("addEventListener", vi.fn());
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a sound that does not start is locked again while it rings", async () => {
  const speaker = new Speaker();
  expect(speaker.state).toBe("on");
  // It rests when idle.
  await vi.advanceTimersByTimeAsync(4_000);
  const owner = {};
  for (const forMs of [10_000, 9_500, 9_000]) {
    speaker.want(owner, { kind: "ring", forMs });
    expect(speaker.state).toBe("on");
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(speaker.state).toBe("locked");
});
