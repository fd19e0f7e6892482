// The usual token provider: what a page's own server may answer.

import { tokenFromUrl, TokenUnavailable } from "callpop";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const answers = vi.fn<typeof fetch>();
const said = vi.fn();

beforeEach(() => {
  vi.stubGlobal("fetch", answers);
  vi.spyOn(console, "warn").mockImplementation(said);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  said.mockReset();
});

test("the answer's token is given, fetched from no cache", async () => {
  answers.mockResolvedValue(Response.json({ token: "a.b.c" }));
  expect(await tokenFromUrl("/good")()).toBe("a.b.c");
  expect(answers).toHaveBeenCalledWith("/good", { cache: "no-store" });
  expect(said).not.toHaveBeenCalled();
});

for (const status of [401, 403]) {
  test(`${status} says that there will be no token`, async () => {
    answers.mockResolvedValue(new Response("no", { status }));
    await expect(tokenFromUrl("/closed")()).rejects.toBeInstanceOf(TokenUnavailable);
  });
}

test("an answer without a token is worth another attempt, and told once with the remedy", async () => {
  const provider = tokenFromUrl("/sign-in-page");
  for (let attempt = 0; attempt < 2; attempt += 1) {
    answers.mockResolvedValue(new Response("<!doctype html>"));
    const failure = await Promise.resolve(provider()).catch((error: unknown) => error);
    expect(failure).not.toBeInstanceOf(TokenUnavailable);
  }
  expect(said).toHaveBeenCalledExactlyOnceWith(
    'callpop: /sign-in-page answered 200 without a token: it has to answer {"token": "<jwt>"}, and 401 when nobody is signed in',
  );
});

test.each([[null], [undefined], [0], [{}], [["a.b.c"]], [""]])("%o is no token", async (token) => {
  answers.mockResolvedValue(Response.json({ token }));
  await expect(tokenFromUrl("/other-json")()).rejects.toThrow("answered 200 without a token");
});

test("an error of the server with a token in it is no token", async () => {
  answers.mockResolvedValue(Response.json({ token: "a.b.c" }, { status: 500 }));
  await expect(tokenFromUrl("/broken")()).rejects.toThrow("answered 500 without a token");
});

test("a blocked request is told with the policy as a cause", async () => {
  answers.mockRejectedValue(new TypeError("Failed to fetch"));
  await expect(tokenFromUrl("/blocked")()).rejects.toThrow("connect-src");
  expect(said).toHaveBeenCalledOnce();
});
