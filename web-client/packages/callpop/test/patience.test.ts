// A part that cannot be loaded at first.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ForbiddenByPolicy, untilLoaded } from "../src/patience.ts";

const page = new EventTarget();
const said = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", page);
  vi.spyOn(console, "warn").mockImplementation(said);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  said.mockReset();
});

/** The browser says that the page's policy blocked something. */
function violation(blockedURI: string, effectiveDirective: string, disposition: string): void {
  const event = new Event("securitypolicyviolation");
  page.dispatchEvent(Object.assign(event, { blockedURI, effectiveDirective, disposition }));
}

test("it is tried again with growing waits until it is there, and told once", async () => {
  const tries: number[] = [];
  const start = Date.now();
  const part = untilLoaded(async () => {
    tries.push(Date.now() - start);
    if (tries.length < 10) throw new TypeError("away");
    return "part";
  }, "https://gw.example/a.js");
  await vi.runAllTimersAsync();
  expect(await part).toBe("part");
  const waits = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
  for (const [index, wait] of waits.entries()) {
    const ceiling = Math.min(60_000, 1_000 * 2 ** index);
    expect(wait).toBeGreaterThanOrEqual(ceiling / 2 - 1);
    expect(wait).toBeLessThanOrEqual(ceiling);
  }
  expect(said).toHaveBeenCalledOnce();
});

test("what the page's policy forbids is given up, with the line that the policy lacks", async () => {
  const load = vi.fn(async () => {
    violation("https://gw.example:8443/embed/b.js", "script-src-elem", "enforce");
    throw new TypeError("blocked");
  });
  const part = untilLoaded(load, "https://gw.example:8443/embed/b.js");
  const outcome = part.catch((error: unknown) => error);
  await vi.runAllTimersAsync();
  expect(await outcome).toBeInstanceOf(ForbiddenByPolicy);
  expect(load).toHaveBeenCalledOnce();
  expect(said).toHaveBeenLastCalledWith(
    expect.stringContaining("add https://gw.example:8443 to script-src"),
  );
});

test("a policy's reports about others, or without consequence, end nothing", async () => {
  const outcomes = [
    () => violation("https://other.example/x.js", "script-src-elem", "enforce"),
    () => violation("https://gw.example/c.js", "script-src-elem", "report"),
    () => violation("https://gw.example/c.png", "img-src", "enforce"),
    () => undefined,
  ];
  const part = untilLoaded(async () => {
    const outcome = outcomes.shift();
    outcome?.();
    if (outcomes.length > 0) throw new TypeError("away");
    return "part";
  }, "https://gw.example/c.js");
  await vi.runAllTimersAsync();
  expect(await part).toBe("part");
});
