import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { newTokens, TokenUnavailable } from "../src/tokens.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("callers at the same time share one request", async () => {
  const provider = vi.fn(async () => "t1");
  const tokens = newTokens(provider, vi.fn());
  expect(await Promise.all([tokens.fetch(), tokens.fetch()])).toEqual(["t1", "t1"]);
  expect(provider).toHaveBeenCalledTimes(1);
  await tokens.fetch();
  expect(provider).toHaveBeenCalledTimes(2);
});

test("a provider that throws at once is a rejection like any other", async () => {
  const tokens = newTokens(() => {
    throw new Error("no network");
  }, vi.fn());
  await expect(tokens.fetch()).rejects.toThrow("no network");
});

test("a provider that never answers is given up, and asked again", async () => {
  const provider = vi.fn(() => new Promise<string>(() => undefined));
  const tokens = newTokens(provider, vi.fn());
  const first = expect(tokens.fetch()).rejects.toThrow("no answer");
  await vi.advanceTimersByTimeAsync(30_000);
  await first;
  void tokens.fetch().catch(() => undefined);
  await vi.advanceTimersByTimeAsync(0);
  expect(provider).toHaveBeenCalledTimes(2);
});

test("a fresh token is handed over at 80 % of the remaining life", async () => {
  const tell = vi.fn();
  const tokens = newTokens(() => "t2", tell);
  tokens.inUse = "t1";
  tokens.keepFresh(100_000);
  await vi.advanceTimersByTimeAsync(79_999);
  expect(tell).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(tell).toHaveBeenCalledExactlyOnceWith("fresh", "t2");
});

test("a token that is not newer is not handed over; the provider is asked again", async () => {
  const given = ["t1", "t1", "t2"];
  const provider = vi.fn(() => given.shift() ?? "t2");
  const tell = vi.fn();
  const tokens = newTokens(provider, tell);
  tokens.inUse = "t1";
  tokens.keepFresh(1_000_000);
  await vi.advanceTimersByTimeAsync(800_000);
  expect(provider).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(192_000);
  expect(provider).toHaveBeenCalledTimes(3);
  expect(tell).toHaveBeenCalledExactlyOnceWith("fresh", "t2");
});

test("a provider that fails is asked again before the token ends", async () => {
  const provider = vi.fn(async () => "t2");
  provider.mockRejectedValueOnce(new Error("no network"));
  const tell = vi.fn();
  const tokens = newTokens(provider, tell);
  tokens.keepFresh(100_000);
  await vi.advanceTimersByTimeAsync(99_000);
  expect(tell).toHaveBeenCalledExactlyOnceWith("fresh", "t2");
});

test("a token that lives for years does not overflow the timer", async () => {
  const provider = vi.fn(() => "t2");
  const tokens = newTokens(provider, vi.fn());
  tokens.keepFresh(20 * 365 * 86_400_000);
  await vi.advanceTimersByTimeAsync(86_400_000);
  expect(provider).not.toHaveBeenCalled();
});

test("a provider that says that there will be none is believed at once", async () => {
  const tell = vi.fn();
  const tokens = newTokens(() => {
    throw new TokenUnavailable("signed out");
  }, tell);
  tokens.keepFresh(100_000);
  await vi.advanceTimersByTimeAsync(80_000);
  expect(tell).toHaveBeenCalledExactlyOnceWith("signedOut", "signed out");
  expect(vi.getTimerCount()).toBe(0);
});

test("a token that comes after the session's end goes nowhere", async () => {
  let give: (token: string) => void = () => undefined;
  const tell = vi.fn();
  const tokens = newTokens(
    () =>
      new Promise<string>((resolve) => {
        give = resolve;
      }),
    tell,
  );
  void tokens.refresh();
  await vi.advanceTimersByTimeAsync(0);
  tokens.stop();
  give("t2");
  await vi.advanceTimersByTimeAsync(0);
  expect(tell).not.toHaveBeenCalled();
});
