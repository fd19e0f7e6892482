import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ServerClock } from "../src/clock.ts";

const TEN_MINUTES = 600_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A tick that travels that long each way, to a server that is `ahead` of this computer. */
function exchange(clock: ServerClock, ahead: number, there: number, back: number): boolean {
  const sentMs = performance.now();
  vi.advanceTimersByTime(there);
  const atServer = (Date.now() + ahead) * 1000;
  vi.advanceTimersByTime(back);
  return clock.learn({ t0: sentMs * 1000, t1: atServer, t2: atServer });
}

test("before the server has told, it is this computer's time", () => {
  expect(new ServerClock().now()).toBe(Date.now());
});

test.each([TEN_MINUTES, -TEN_MINUTES])("a clock that is off by %d ms does not matter", (ahead) => {
  const clock = new ServerClock();
  clock.restart((Date.now() + ahead) * 1000);
  exchange(clock, ahead, 20, 20);
  expect(clock.now()).toBeCloseTo(Date.now() + ahead, 3);
  expect(clock.skew()).toBeCloseTo(-ahead, 3);
});

test("of eight exchanges the one with the least round trip is believed", () => {
  const clock = new ServerClock();
  clock.restart(Date.now() * 1000);
  exchange(clock, 0, 5, 5);
  exchange(clock, 0, 400, 10);
  expect(clock.now()).toBeCloseTo(Date.now(), 3);
});

test("an exchange is forgotten after eight others", () => {
  const clock = new ServerClock();
  clock.restart(Date.now() * 1000);
  exchange(clock, 0, 5, 5);
  for (let count = 0; count < 8; count += 1) exchange(clock, 300, 50, 50);
  expect(clock.now()).toBeCloseTo(Date.now() + 300, 3);
});

test("the first stamp of a session does not spoil what is known, unless it is far off", () => {
  const clock = new ServerClock();
  clock.restart(Date.now() * 1000);
  exchange(clock, 0, 5, 5);
  clock.restart((Date.now() - 500) * 1000);
  expect(clock.now()).toBeCloseTo(Date.now(), 3);
  clock.restart((Date.now() + TEN_MINUTES) * 1000);
  expect(clock.now()).toBeCloseTo(Date.now() + TEN_MINUTES, 3);
});

test("after a sleep, in which the page's clock stood still, another exchange is asked for", () => {
  const clock = new ServerClock();
  clock.restart(Date.now() * 1000);
  expect(exchange(clock, 0, 5, 5)).toBe(true);
  // Only the wall clock moves on.
  vi.setSystemTime(Date.now() + TEN_MINUTES);
  expect(exchange(clock, 0, 5, 5)).toBe(false);
  expect(exchange(clock, 0, 80, 80)).toBe(true);
  expect(clock.now()).toBeCloseTo(Date.now(), 3);
});
