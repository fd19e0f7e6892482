import type { ConnectionState, Integration } from "callpop";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  type IntegrationSource,
  LiveIntegrations,
  placeKey,
} from "../src/integrations/live-integrations.ts";

const PLACE = { source: "telsmart", provider: "telsmart", extension: "200" };
const NOW_S = 1_800_000_000;

function integration(over: Partial<Integration> = {}): Integration {
  return {
    ...PLACE,
    status: "active",
    since: (NOW_S - 600) * 1_000_000,
    access_token_expires_at: NOW_S + 600,
    cause: null,
    ...over,
  };
}

/** A client that a test speaks for. */
class FakeClient {
  readonly #listeners = new Map<string, (event: never) => void>();
  readonly now = (): number => Date.now();
  readonly on: IntegrationSource["on"] = (name, listener) => {
    this.#listeners.set(name, listener);
    return () => this.#listeners.delete(name);
  };

  tell(told: Integration): void {
    this.#listeners.get("integration")?.(told as never);
  }

  connected(): void {
    const state: ConnectionState = { phase: "connected", sessionId: "s1" };
    this.#listeners.get("state")?.(state as never);
  }
}

/** What the gateway answers, and when it is asked to. */
let list: readonly Integration[] = [];
const fetches = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_S * 1000 });
  list = [integration()];
  fetches.mockReset();
  fetches.mockImplementation(async () => Response.json(list));
  const page = new EventTarget();
  vi.stubGlobal("document", Object.assign(new EventTarget(), { visibilityState: "visible" }));
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  vi.stubGlobal("fetch", fetches);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function following(): Promise<{
  live: LiveIntegrations;
  client: FakeClient;
  end: () => void;
}> {
  const client = new FakeClient();
  const live = new LiveIntegrations(() => "jwt", client);
  const end = live.follow();
  await vi.advanceTimersByTimeAsync(0);
  return { live, client, end };
}

const statusOf = (live: LiveIntegrations): string | undefined =>
  live.all.value?.get(placeKey(PLACE))?.status;

test("they are read, then followed", async () => {
  const { live, client } = await following();
  expect(statusOf(live)).toBe("active");
  client.tell(integration({ status: "deactivated", since: NOW_S * 1_000_000 }));
  expect(statusOf(live)).toBe("deactivated");
  expect(fetches).toHaveBeenCalledTimes(1);
});

test("what is told while they are read is not undone by the older answer", async () => {
  const { live, client } = await following();
  let answer: (response: Response) => void = () => undefined;
  fetches.mockImplementationOnce(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  const old = Response.json(list);
  client.connected();
  await vi.advanceTimersByTimeAsync(0);
  const ended = integration({ status: "deactivated", since: NOW_S * 1_000_000 });
  list = [ended];
  client.tell(ended);
  answer(old);
  await vi.advanceTimersByTimeAsync(0);
  expect(statusOf(live)).toBe("deactivated");
  expect(fetches).toHaveBeenCalledTimes(3);
});

test("any number of reasons to read while one is under way are one more read", async () => {
  const { client } = await following();
  for (let reason = 0; reason < 5; reason += 1) client.connected();
  await vi.advanceTimersByTimeAsync(0);
  expect(fetches).toHaveBeenCalledTimes(3);
});

test("an access whose end has come is read again, since a renewal is told to nobody", async () => {
  const { live } = await following();
  await vi.advanceTimersByTimeAsync(590_000);
  expect(fetches).toHaveBeenCalledTimes(1);
  list = [integration({ access_token_expires_at: NOW_S + 1_200 })];
  await vi.advanceTimersByTimeAsync(30_000);
  expect(live.all.value?.get(placeKey(PLACE))?.access_token_expires_at).toBe(NOW_S + 1_200);
  expect(fetches).toHaveBeenCalledTimes(2);
});

test("a renewal that was under way is looked at again", async () => {
  list = [integration({ status: "refreshing" })];
  const { live } = await following();
  list = [integration()];
  await vi.advanceTimersByTimeAsync(20_000);
  expect(statusOf(live)).toBe("active");
});

test("a token that is refused is told as such, other trouble in its words until it is over", async () => {
  const { live } = await following();
  fetches.mockImplementationOnce(async () =>
    Response.json({ detail: "no vault" }, { status: 503 }),
  );
  await live.read();
  expect([live.trouble.value, statusOf(live)]).toEqual(["no vault", "active"]);
  fetches.mockImplementationOnce(async () => new Response("oops", { status: 500 }));
  await live.read();
  expect(live.trouble.value).toBe("the gateway answered 500");
  fetches.mockRejectedValueOnce(new TypeError("Failed to fetch"));
  await live.read();
  expect(live.trouble.value).toBe("the gateway cannot be reached");
  await live.read();
  expect([live.trouble.value, live.refused.value]).toEqual([null, false]);
  fetches.mockImplementationOnce(async () => Response.json({}, { status: 401 }));
  await live.read();
  expect(live.refused.value).toBe(true);
});

test("nothing is read any more once it has ended", async () => {
  const { end, client } = await following();
  end();
  client.connected();
  document.dispatchEvent(new Event("visibilitychange"));
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(fetches).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});
