import {
  type Call,
  CallpopClient,
  type ConnectionState,
  type Integration,
  type Notice,
  NotStored,
  TokenUnavailable,
} from "callpop";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { call, endedCall, secondsAgo } from "../../../tests/support/calls.ts";
import { notice } from "../../../tests/support/notices.ts";
import { FakeSocket, nextSocket, opening, sentTypes } from "./fake-gateway.ts";

const URL_BASE = "https://gateway.example/calls/";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  FakeSocket.opened = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function newClient(token: () => string | Promise<string> = () => "jwt-1"): CallpopClient {
  return new CallpopClient({ url: URL_BASE, token, webSocket: FakeSocket });
}

async function connected(client: CallpopClient = newClient()): Promise<FakeSocket> {
  client.connect();
  const socket = await nextSocket();
  socket.receive(opening());
  return socket;
}

function phases(client: CallpopClient): string[] {
  const seen: string[] = [];
  client.on("state", (state) => seen.push(state.phase));
  return seen;
}

describe("connecting", () => {
  test("offers the protocol and the token, and asks for nothing to resume", async () => {
    const client = newClient();
    const seen = phases(client);
    const socket = await connected(client);
    expect(socket.url).toBe("wss://gateway.example/calls/v1/stream?want=conversation");
    expect(socket.protocols).toEqual(["callpop.v1", "bearer.jwt-1"]);
    expect(seen).toEqual(["connecting", "connected"]);
    expect(client.state).toEqual<ConnectionState>({ phase: "connected", sessionId: "s1" });
  });

  test("a supervisor asks for the whole tenant", async () => {
    const options = { url: URL_BASE, token: () => "t", webSocket: FakeSocket };
    new CallpopClient({ ...options, scope: "tenant" }).connect();
    expect((await nextSocket()).url).toContain("?scope=tenant");
  });

  test("a second connect() changes nothing", async () => {
    const client = newClient();
    client.connect();
    client.connect();
    await nextSocket();
    expect(FakeSocket.opened).toHaveLength(1);
  });

  test("an address that is none is told at once", () => {
    expect(() => new CallpopClient({ url: "https://", token: () => "t" })).toThrow(TypeError);
  });

  test("a gateway that accepts and stays silent is given up", async () => {
    const client = newClient();
    client.connect();
    const socket = await nextSocket();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(socket.closedWith).toEqual([1000]);
    expect(client.state).toEqual({ phase: "connecting", attempt: 1 });
  });
});

describe("calls", () => {
  test("come with the snapshot and one by one", async () => {
    const client = newClient();
    const lists: number[] = [];
    const changes: string[] = [];
    client.on("calls", (calls) => lists.push(calls.length));
    client.on("call", (change) => changes.push(`${change.previous?.state}>${change.call.state}`));
    client.connect();
    const socket = await nextSocket();
    socket.receive(opening("snapshot", { calls: [call()] }));
    socket.receive({ type: "call", seq: 11, call: call({ version: 2, state: "active" }) });
    socket.receive({ type: "call", seq: 11, call: call({ version: 1 }) });
    expect(lists).toEqual([1, 1]);
    expect(changes).toEqual(["undefined>ringing", "ringing>active"]);
    expect(client.calls[0]?.state).toBe("active");
  });

  test("what this client does not know is passed over", async () => {
    const client = newClient();
    const socket = await connected(client);
    for (const frame of ["", "{", "null", "[]", '"call"', '{"type":"sparkle"}', "{}"]) {
      socket.receive(frame);
    }
    socket.receive({ type: "call", seq: 11, call: { ...call(), colour: "blue" }, extra: 1 });
    expect(client.calls).toHaveLength(1);
    expect(client.state.phase).toBe("connected");
  });

  test("a listener that throws stops neither the others nor the connection", async () => {
    const client = newClient();
    const thrown = vi.fn();
    vi.stubGlobal("queueMicrotask", (run: () => void) => {
      try {
        run();
      } catch (error) {
        thrown(error);
      }
    });
    const second = vi.fn();
    client.on("calls", () => {
      throw new Error("page's mistake");
    });
    client.on("calls", second);
    await connected(client);
    expect(second).toHaveBeenCalled();
    expect(thrown).toHaveBeenCalled();
  });
});

describe("integrations", () => {
  const active: Integration = {
    source: "telsmart",
    provider: "telsmart",
    extension: "200",
    status: "active",
    since: secondsAgo(5),
    access_token_expires_at: Math.floor(Date.now() / 1000) + 600,
    cause: null,
  };

  test("are told as they change, and stand apart from the calls", async () => {
    const client = newClient();
    const told: Integration[] = [];
    client.on("integration", (integration) => told.push(integration));
    const socket = await connected(client);
    socket.receive({ type: "integration", ...active });
    const rejected = { ...active, status: "reauth_required", cause: "rejected" } as const;
    socket.receive({ type: "integration", ...rejected });
    expect(told).toEqual([active, rejected]);
    socket.end(1006);
    await vi.advanceTimersByTimeAsync(125);
    expect((await nextSocket()).url).toContain("resume=e1%3A10%3Amine");
  });
});

describe("contact names", () => {
  const answer = (body: unknown, status = 200): Response =>
    new Response(JSON.stringify(body), { status });
  const fetches = vi.fn<typeof fetch>();

  beforeEach(() => {
    fetches.mockReset();
    fetches.mockImplementation(async () => answer({ number: "+32470123456", name: "Jan Peeters" }));
    vi.stubGlobal("fetch", fetches);
  });

  async function withContacts(): Promise<CallpopClient> {
    const options = { url: URL_BASE, token: () => "jwt-1", webSocket: FakeSocket };
    const client = new CallpopClient({ ...options, contacts: true });
    await vi.dynamicImportSettled();
    await connected(client);
    return client;
  }

  test("that were not to be had are asked for again once the integration has changed", async () => {
    fetches.mockImplementationOnce(async () => answer({}, 409));
    const client = await withContacts();
    const names = (): Promise<unknown> =>
      Promise.all(["+321", "+322"].map((number) => client.contactName(number)));
    expect(await names()).toEqual([null, "Jan Peeters"]);
    expect(await names()).toEqual([null, "Jan Peeters"]);
    FakeSocket.opened.at(-1)?.receive({ type: "integration", extension: "200", status: "active" });
    expect(await names()).toEqual(["Jan Peeters", "Jan Peeters"]);
    expect(fetches).toHaveBeenCalledTimes(3);
  });

  test("come from the same gateway with the same token", async () => {
    const client = await withContacts();
    expect(await client.contactName("+32470123456")).toBe("Jan Peeters");
    const [url, init] = fetches.mock.calls[0] ?? [];
    expect(String(url)).toBe("https://gateway.example/calls/v1/contacts?number=%2B32470123456");
    expect(init?.headers).toEqual({ authorization: "Bearer jwt-1" });
  });

  test("are those of a source that is named, and no other's", async () => {
    const client = await withContacts();
    fetches.mockImplementationOnce(async () => answer({ name: "Jan of the clinic" }));
    expect(await client.contactName("+321", "clinic")).toBe("Jan of the clinic");
    expect(await client.contactName("+321", "telsmart")).toBe("Jan Peeters");
    const asked = fetches.mock.calls.map(([url]) =>
      new URL(String(url)).searchParams.get("source"),
    );
    expect(asked).toEqual(["clinic", "telsmart"]);
  });

  test("are asked for once a number, and again after five minutes", async () => {
    const client = await withContacts();
    await Promise.all([client.contactName("+321"), client.contactName("+321")]);
    await client.contactName("+321");
    expect(fetches).toHaveBeenCalledTimes(1);
    await client.contactName("+322");
    expect(fetches).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(300_001);
    await client.contactName("+321");
    expect(fetches).toHaveBeenCalledTimes(3);
  });

  test("are asked for 200 numbers at most in that time", async () => {
    const client = await withContacts();
    const numbers = Array.from({ length: 300 }, (_, index) => `+32${index}`);
    const names = await Promise.all(numbers.map((number) => client.contactName(number)));
    expect(fetches).toHaveBeenCalledTimes(200);
    expect(names.filter((name) => name === null)).toHaveLength(100);
  });

  test.each([
    ["no contact", () => answer({ number: "+321", name: null })],
    ["no contacts configured", () => answer({ title: "Not Found" }, 404)],
    ["no integration", () => answer({ detail: "not active", name: "no" }, 409)],
    ["trouble", () => answer({}, 503)],
    ["nonsense", () => new Response("<html>")],
    ["null", () => answer(null)],
    ["another type", () => answer({ name: { first: "Jan" } })],
  ])("%s is no name", async (_, respond) => {
    fetches.mockImplementation(async () => respond());
    const client = await withContacts();
    expect(await client.contactName("+321")).toBeNull();
    await client.contactName("+321");
    expect(fetches).toHaveBeenCalledTimes(1);
  });

  test("are given up after five seconds, and when the client closes", async () => {
    const aborted: boolean[] = [];
    fetches.mockImplementation(
      (_, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener("abort", () => {
            aborted.push(true);
            reject(new Error("aborted"));
          });
        }),
    );
    const client = await withContacts();
    const slow = client.contactName("+321");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await slow).toBeNull();
    const late = client.contactName("+322");
    client.close();
    expect(await late).toBeNull();
    expect(aborted).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("are not asked for without the option, or before there is a token", async () => {
    const without = newClient();
    await connected(without);
    expect(await without.contactName("+321")).toBeNull();
    const early = new CallpopClient({ url: URL_BASE, token: () => "t", contacts: true });
    expect(await early.contactName("+321")).toBeNull();
    expect(fetches).not.toHaveBeenCalled();
  });
});

describe("reconnecting", () => {
  test("waits with full jitter, then resumes from the highest seq", async () => {
    const client = newClient();
    const socket = await connected(client);
    socket.receive({ type: "call", seq: 17, call: call() });
    socket.end(1006);
    expect(client.state).toEqual({ phase: "reconnecting", attempt: 1 });
    await vi.advanceTimersByTimeAsync(124);
    expect(FakeSocket.opened).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(new URL((await nextSocket()).url).searchParams.get("resume")).toBe("e1:17:mine");
    expect(client.calls).toHaveLength(1);
  });

  test("the wait grows until the connection was stable for a minute", async () => {
    const client = newClient();
    let socket = await connected(client);
    for (const wait of [125, 250, 500]) {
      socket.end(1006);
      await vi.advanceTimersByTimeAsync(wait);
      socket = await nextSocket();
      socket.receive(opening("resumed"));
    }
    expect(FakeSocket.opened).toHaveLength(4);
    for (let seconds = 0; seconds < 60; seconds += 5) {
      await vi.advanceTimersByTimeAsync(5_000);
      socket.receive({ type: "tock", t0: 0, t1: 0, t2: 0 });
    }
    socket.end(1006);
    await vi.advanceTimersByTimeAsync(125);
    expect(FakeSocket.opened).toHaveLength(5);
  });

  test.each([1001, 1006, 1012, 4500, 4503, 4504])("comes again after %d", async (code) => {
    const client = newClient();
    (await connected(client)).end(code);
    await vi.advanceTimersByTimeAsync(125);
    expect(FakeSocket.opened).toHaveLength(2);
  });

  test("a draining gateway says when to come back, and is obeyed", async () => {
    const client = newClient();
    const socket = await connected(client);
    socket.receive({ type: "reconnect", after_ms: 3_000 });
    socket.receive({ type: "call", seq: 11, call: call() });
    expect(client.calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    socket.end(4503);
    await vi.advanceTimersByTimeAsync(1_999);
    expect(FakeSocket.opened).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(FakeSocket.opened).toHaveLength(2);
  });

  test("a draining gateway that never closes is left after that time", async () => {
    const client = newClient();
    const socket = await connected(client);
    socket.receive({ type: "reconnect", after_ms: 3_000 });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(socket.closedWith).toEqual([1000]);
    expect(FakeSocket.opened).toHaveLength(2);
    expect(client.state.phase).toBe("reconnecting");
  });

  test("a provider that fails is a network that fails", async () => {
    const token = vi.fn(async () => "t");
    token.mockRejectedValueOnce(new Error("no network"));
    const client = newClient(token);
    client.connect();
    await vi.advanceTimersByTimeAsync(125);
    await vi.advanceTimersByTimeAsync(125);
    expect(FakeSocket.opened).toHaveLength(1);
  });

  test("online again: one attempt soon, not after the rest of the wait", async () => {
    const page = new EventTarget();
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
    vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
    const client = newClient();
    let socket = await connected(client);
    for (let attempt = 0; attempt < 7; attempt += 1) {
      socket.end(1006);
      await vi.advanceTimersByTimeAsync(20_000);
      socket = await nextSocket();
    }
    socket.end(1006);
    const before = FakeSocket.opened.length;
    page.dispatchEvent(new Event("online"));
    page.dispatchEvent(new Event("online"));
    await vi.advanceTimersByTimeAsync(500);
    expect(FakeSocket.opened).toHaveLength(before + 1);
  });
});

describe("liveness", () => {
  test("ticks a few times at once, then at every heartbeat", async () => {
    const socket = await connected();
    await vi.advanceTimersByTimeAsync(800);
    expect(sentTypes(socket)).toEqual(["beat", ...Array(5).fill("tick")]);
    socket.receive({ type: "tock", t0: 0, t1: 0, t2: 0 });
    await vi.advanceTimersByTimeAsync(14_200);
    expect(sentTypes(socket).slice(6)).toEqual(["tick", "beat"]);
  });

  test("a socket that is open but silent is left", async () => {
    const client = newClient();
    await connected(client);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(client.state.phase).toBe("reconnecting");
  });

  test("any frame shows that the gateway lives", async () => {
    const client = newClient();
    const socket = await connected(client);
    for (let minute = 0; minute < 20; minute += 1) {
      await vi.advanceTimersByTimeAsync(9_000);
      socket.receive({ type: "call", seq: 11 + minute, call: call({ version: minute + 2 }) });
    }
    expect(client.state.phase).toBe("connected");
  });

  /** Everything is answered until now; then only what `happens` is. */
  async function quietly(happens: () => void): Promise<[CallpopClient, FakeSocket]> {
    const page = new EventTarget();
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
    vi.stubGlobal("dispatchEvent", page.dispatchEvent.bind(page));
    const client = newClient();
    const socket = await connected(client);
    await vi.advanceTimersByTimeAsync(800);
    socket.receive({ type: "tock", t0: 0, t1: 0, t2: 0 });
    socket.sent.length = 0;
    happens();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sentTypes(socket)).toEqual(["tick"]);
    return [client, socket];
  }

  test("after the computer's sleep the gateway is asked at once, and left when it is silent", async () => {
    const [client] = await quietly(() => vi.setSystemTime(Date.now() + 600_000));
    expect(client.state.phase).toBe("connected");
    await vi.advanceTimersByTimeAsync(3_000);
    expect(client.state.phase).toBe("reconnecting");
  });

  test("a browser that says it is offline is believed after three silent seconds", async () => {
    const [client] = await quietly(() => dispatchEvent(new Event("offline")));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(client.state.phase).toBe("reconnecting");
  });

  test("a frame that was on its way before does not dispel the doubt", async () => {
    const [client, socket] = await quietly(() => dispatchEvent(new Event("offline")));
    socket.receive({ type: "tock", t0: 0, t1: 0, t2: 0 });
    socket.receive({ type: "call", seq: 11, call: call() });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(client.state.phase).toBe("reconnecting");
  });

  test("a doubt while the socket opens does not end what opens", async () => {
    const page = new EventTarget();
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
    const client = newClient();
    client.connect();
    const socket = await nextSocket();
    socket.readyState = 0;
    await vi.advanceTimersByTimeAsync(5_000);
    page.dispatchEvent(new Event("offline"));
    socket.readyState = 1;
    socket.receive(opening());
    await vi.advanceTimersByTimeAsync(6_000);
    expect(client.state.phase).toBe("connected");
  });

  test("a browser that says it is offline is not believed when the gateway answers", async () => {
    const [client, socket] = await quietly(() => dispatchEvent(new Event("offline")));
    const { t0 } = socket.sent[0] as { t0: number };
    socket.receive({ type: "tock", t0, t1: 0, t2: 0 });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(client.state.phase).toBe("connected");
  });

  test("what is going on is told for a self-check", async () => {
    const client = newClient();
    expect(client.diagnose()).toMatchObject({ phase: "idle", lastFrameAgeMs: null, refusal: null });
    const socket = await connected(client);
    await vi.advanceTimersByTimeAsync(500);
    expect(client.diagnose()).toMatchObject({
      phase: "connected",
      transport: "own",
      url: "wss://gateway.example/calls/v1/stream?want=conversation",
      lastFrameAgeMs: 500,
      attempt: 0,
    });
    socket.end(4409, "too many");
    expect(client.diagnose()).toMatchObject({ phase: "refused", refusal: "too_many_sessions" });
  });

  test("server time comes from the tocks", async () => {
    const client = newClient();
    client.connect();
    const socket = await nextSocket();
    const ahead = 600_000;
    socket.receive(opening("snapshot", { server_time: (Date.now() + ahead) * 1000 }));
    await vi.advanceTimersByTimeAsync(0);
    const tick = socket.sent[1];
    if (tick?.type !== "tick") throw new Error("no tick was sent");
    expect(Number.isInteger(tick.t0)).toBe(true);
    const serverUs = (Date.now() + ahead + 40) * 1000;
    await vi.advanceTimersByTimeAsync(80);
    socket.receive({ type: "tock", t0: tick.t0, t1: serverUs, t2: serverUs });
    expect(client.now() - (Date.now() + ahead)).toBeCloseTo(0, 0);
    expect(client.skew()).toBeCloseTo(-ahead, 0);
  });
});

describe("refusals", () => {
  test.each([
    [4400, "malformed_frame"],
    [4403, "forbidden"],
    [4409, "too_many_sessions"],
    [4429, "too_many_frames"],
  ])("%d stops and says why", async (code, reason) => {
    const client = newClient();
    (await connected(client)).end(code, "because");
    expect(client.state).toEqual({ phase: "refused", reason, detail: "because" });
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(FakeSocket.opened).toHaveLength(1);
  });

  test("4401 is mended by another token", async () => {
    let count = 0;
    const client = newClient(() => `jwt-${++count}`);
    (await connected(client)).end(4401, "expired");
    await vi.advanceTimersByTimeAsync(125);
    const second = await nextSocket();
    expect(second.protocols[1]).toBe("bearer.jwt-2");
    second.receive(opening("resumed"));
    expect(client.state.phase).toBe("connected");
  });

  test("4401 twice in a row stops, however many tokens the provider has", async () => {
    let count = 0;
    const client = newClient(() => `jwt-${++count}`);
    (await connected(client)).end(4401, "expired");
    await vi.advanceTimersByTimeAsync(125);
    (await nextSocket()).end(4401, "wrong key");
    expect(client.state).toEqual({ phase: "refused", reason: "token", detail: "wrong key" });
  });

  test("the token that was refused is not tried again", async () => {
    const client = newClient(() => "jwt-1");
    (await connected(client)).end(4401, "expired");
    await vi.advanceTimersByTimeAsync(125);
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeSocket.opened).toHaveLength(1);
    expect(client.state).toEqual({ phase: "refused", reason: "token", detail: "expired" });
  });

  test("a provider may say that there will be no token", async () => {
    const client = newClient(() => {
      throw new TokenUnavailable("signed out");
    });
    client.connect();
    await vi.advanceTimersByTimeAsync(0);
    expect(client.state).toEqual({ phase: "refused", reason: "token", detail: "signed out" });
  });

  test("a user who signed out in the meantime is told when a fresh token is due", async () => {
    const token = vi.fn(() => "jwt-1");
    const client = newClient(token);
    client.connect();
    const socket = await nextSocket();
    const token_expires_at = Math.floor(Date.now() / 1000) + 10;
    socket.receive(opening("snapshot", { token_expires_at, calls: [call()] }));
    token.mockImplementation(() => {
      throw new TokenUnavailable("signed out");
    });
    await vi.advanceTimersByTimeAsync(8_000);
    expect(client.state).toEqual({ phase: "refused", reason: "token", detail: "signed out" });
    expect(client.calls).toEqual([]);
    expect(socket.closedWith).toEqual([1000]);
  });

  test("what cannot be a token never reaches the network", async () => {
    const client = newClient(() => "<html>Sign in</html>");
    client.connect();
    await vi.advanceTimersByTimeAsync(0);
    expect(client.state.phase).toBe("refused");
    expect(FakeSocket.opened).toHaveLength(0);
  });

  test.each([[undefined], [null], [1], [{}], [["jwt-1"]], [""]])(
    "a provider that gives %o is told so, and is asked again by connect()",
    async (given) => {
      const token = vi.fn<() => string>(() => given as unknown as string);
      const client = newClient(token);
      client.connect();
      await vi.advanceTimersByTimeAsync(0);
      expect(client.state).toEqual({ phase: "refused", reason: "token", detail: "no JWT" });
      await vi.advanceTimersByTimeAsync(3_600_000);
      expect(FakeSocket.opened).toHaveLength(0);
      token.mockImplementation(() => "jwt-1");
      client.connect();
      (await nextSocket()).receive(opening());
      expect(client.state.phase).toBe("connected");
    },
  );

  test("connect() tries again after a refusal", async () => {
    const client = newClient();
    (await connected(client)).end(4409);
    client.connect();
    (await nextSocket()).receive(opening());
    expect(client.state.phase).toBe("connected");
  });
});

describe("tokens", () => {
  test("a fresh one is sent in band before the old one ends", async () => {
    let count = 0;
    const client = newClient(() => `jwt-${++count}`);
    client.connect();
    const socket = await nextSocket();
    const expires = Math.floor(Date.now() / 1000) + 10;
    socket.receive(opening("snapshot", { token_expires_at: expires, heartbeat_ms: 9_000 }));
    await vi.advanceTimersByTimeAsync(8_000);
    expect(socket.sent.filter((frame) => frame.type === "token")).toEqual([
      { type: "token", token: "jwt-2" },
    ]);
    socket.receive({ type: "token_accepted", token_expires_at: expires + 3600 });
    expect(client.state.phase).toBe("connected");
  });

  test("a gateway that asks for one gets it", async () => {
    let count = 0;
    const socket = await connected(newClient(() => `jwt-${++count}`));
    socket.receive({ type: "token_expiring", in_ms: 30_000 });
    await vi.advanceTimersByTimeAsync(0);
    expect(sentTypes(socket)).toContain("token");
  });

  test("a fresh one that is refused is followed by another", async () => {
    let count = 0;
    const client = newClient(() => `jwt-${++count}`);
    const errors: string[] = [];
    client.on("error", (error) => errors.push(error.code));
    client.connect();
    const socket = await nextSocket();
    const expires = Math.floor(Date.now() / 1000) + 40;
    socket.receive(opening("snapshot", { token_expires_at: expires, heartbeat_ms: 60_000 }));
    socket.receive({ type: "token_expiring", in_ms: 30_000 });
    await vi.advanceTimersByTimeAsync(0);
    socket.receive({ type: "error", code: "token_refused", detail: "another user's" });
    await vi.advanceTimersByTimeAsync(9_000);
    socket.receive({ type: "tock", t0: 0, t1: 0, t2: 0 });
    await vi.advanceTimersByTimeAsync(24_000);
    const tokens = socket.sent.flatMap((frame) => (frame.type === "token" ? frame.token : []));
    expect(tokens).toEqual(["jwt-2", "jwt-3"]);
    expect(errors).toEqual(["token_refused"]);
  });
});

describe("closing", () => {
  test("close() stays closed", async () => {
    const client = newClient();
    const socket = await connected(client);
    client.close();
    expect(socket.closedWith).toEqual([1000]);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(FakeSocket.opened).toHaveLength(1);
    expect(client.state).toEqual({ phase: "closed" });
  });

  test.each(["connecting", "reconnecting"])(
    "close() from a listener of the %s state stays closed",
    async (phase) => {
      const client = newClient();
      client.on("state", (state) => {
        if (state.phase === phase) client.close();
      });
      client.connect();
      if (phase === "reconnecting") {
        const socket = await nextSocket();
        socket.receive(opening());
        socket.end(1006);
      }
      const opened = FakeSocket.opened.length;
      await vi.advanceTimersByTimeAsync(60_000);
      expect(client.state.phase).toBe("closed");
      expect(FakeSocket.opened).toHaveLength(opened);
    },
  );

  test("close() while the token is fetched opens nothing", async () => {
    const client = newClient(async () => "late");
    client.connect();
    client.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.opened).toHaveLength(0);
  });

  test("close() while waiting to reconnect ends the wait", async () => {
    const client = newClient();
    (await connected(client)).end(1006);
    client.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.opened).toHaveLength(1);
  });

  test("connect() after close() begins anew", async () => {
    const client = newClient();
    await connected(client);
    client.close();
    client.connect();
    expect((await nextSocket()).url).not.toContain("resume");
    expect(FakeSocket.opened).toHaveLength(2);
  });
});

/** The name of a call, and the gateway's word that what was done with it is durable. */
const nameOf = ({ source, extension, leg_id }: Call): object => ({ source, extension, leg_id });
const durable = (of: Call): object => ({ type: "durable", seq: 12, ...nameOf(of) });

/** What came of it so far. */
function outcome(stored: Promise<void>): { came: string } {
  const told = { came: "" };
  stored.then(
    () => (told.came = "stored"),
    (why) => (told.came = why instanceof NotStored ? why.code : String(why)),
  );
  return told;
}

describe("dismissing", () => {
  const dismissals = (socket: FakeSocket): unknown[] =>
    socket.sent.flatMap((frame) => (frame.type === "dismiss" ? [frame.seen] : []));

  async function lose(socket: FakeSocket): Promise<FakeSocket> {
    socket.end(1006);
    await vi.advanceTimersByTimeAsync(1_000);
    return nextSocket();
  }

  test("is sent, and sent again until the gateway has stored it for good", async () => {
    const client = newClient();
    let socket = await connected(client);
    socket.receive({ type: "call", seq: 11, call: call() });
    const told = outcome(client.dismiss(call().leg_id));
    expect(dismissals(socket)).toEqual([1]);
    socket = await lose(socket);
    socket.receive(opening("resumed"));
    expect(dismissals(socket)).toEqual([1]);
    const dismissed = call({ version: 2, dismissed_at: secondsAgo(0) });
    socket.receive({ type: "call", seq: 12, call: dismissed });
    socket = await lose(socket);
    socket.receive(opening("resumed"));
    expect([dismissals(socket), told.came]).toEqual([[1], ""]);
    socket.receive(durable(call()));
    await vi.advanceTimersByTimeAsync(0);
    expect(told.came).toBe("stored");
    socket = await lose(socket);
    socket.receive(opening("resumed"));
    expect(dismissals(socket)).toEqual([]);
  });

  test("says which version the user saw, where the client knows a later one", async () => {
    const client = newClient();
    const socket = await connected(client);
    socket.receive({ type: "call", seq: 11, call: call({ version: 7 }) });
    void client.dismiss(call({ version: 5 }));
    socket.receive(durable(call()));
    void client.dismiss(call().leg_id);
    socket.receive(durable(call()));
    void client.dismiss({ leg_id: "unknown" });
    expect(dismissals(socket)).toEqual([5, 7, undefined]);
  });

  const told = (version: number, over: Partial<Call> = {}, reported_at = 5): Call =>
    endedCall({ version, summary: { language: "en", reported_at, content: {} }, ...over });

  test("a second one is not forgotten that was made while the gateway was away", async () => {
    const client = newClient();
    let socket = await connected(client);
    const ended = endedCall({ version: 4 });
    socket.receive({ type: "call", seq: 11, call: ended });
    void client.dismiss(ended);
    socket.receive(durable(ended));
    const shown = { ...told(6), dismissed_at: secondsAgo(9) };
    socket.receive({ type: "call", seq: 13, call: shown });
    socket.end(1006);
    void client.dismiss(shown);
    await vi.advanceTimersByTimeAsync(1_000);
    socket = await nextSocket();
    socket.receive(opening("resumed", { calls: [shown] }));
    expect(dismissals(socket)).toEqual([6]);
  });

  test("is said again where the gateway does not count the summary that was closed", async () => {
    const client = newClient();
    const socket = await connected(client);
    socket.receive({ type: "call", seq: 11, call: told(5) });
    void client.dismiss(told(5));
    socket.receive(durable(told(5)));
    socket.receive({ type: "call", seq: 12, call: told(7) });
    expect(dismissals(socket)).toEqual([5, 7]);
    socket.receive(durable(told(5)));
    socket.receive({ type: "call", seq: 13, call: told(8, { summary_seen: true }) });
    socket.receive({ type: "call", seq: 14, call: told(9, {}, 6) });
    expect(dismissals(socket)).toEqual([5, 7]);
  });

  test("is not said of a summary that came after what the user saw", async () => {
    const client = newClient();
    const socket = await connected(client);
    socket.receive({ type: "call", seq: 11, call: told(5) });
    void client.dismiss(endedCall({ version: 4 }));
    socket.receive(durable(told(5)));
    socket.receive({ type: "call", seq: 12, call: told(6) });
    expect(dismissals(socket)).toEqual([4]);
  });

  test.each(["", "x".repeat(129), "é".repeat(65), "a\u0001b"])(
    "of no id is refused at once",
    async (id) => {
      const client = newClient();
      const socket = await connected(client);
      const asked = [client.dismiss(id), client.wrapUp(id, { disposition: null, note: "x" })];
      const acts = [...asked, client.done({ notice_id: id })].map(outcome);
      await vi.advanceTimersByTimeAsync(0);
      expect(acts.map(({ came }) => came)).toEqual(Array(3).fill("malformed_frame"));
      expect(dismissals(socket)).toEqual([]);
      void client.dismiss("x".repeat(128));
      expect(dismissals(socket)).toEqual([undefined]);
    },
  );

  test("that is refused for good is told to who asks, and to nobody's console", async () => {
    const client = newClient();
    const socket = await connected(client);
    socket.receive({ type: "call", seq: 11, call: call() });
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    void client.dismiss(call());
    const told = outcome(client.dismiss(call()));
    const error = { type: "error", detail: "no room", ...nameOf(call()) };
    socket.receive({ ...error, code: "unavailable" });
    await vi.advanceTimersByTimeAsync(0);
    expect(told.came).toBe("");
    await vi.advanceTimersByTimeAsync(9_000);
    socket.receive({ type: "tock", t0: 0, t1: 0, t2: 0 });
    await vi.advanceTimersByTimeAsync(6_000);
    socket.receive({ ...error, code: "full_call" });
    await vi.advanceTimersByTimeAsync(0);
    expect([told.came, dismissals(socket)]).toEqual(["full_call", [1, 1]]);
    vi.useRealTimers();
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe("notices", () => {
  const posted = notice();
  const { source, extension, notice_id } = posted;
  const word = { type: "durable", seq: 12, source, extension, notice_id };
  const sent = (socket: FakeSocket): unknown[] =>
    socket.sent.filter(({ type }) => type === "done" || type === "dismiss");

  test("come with the snapshot and one by one, each told with how it stood before", async () => {
    const client = newClient();
    const lists: number[] = [];
    const changes: unknown[] = [];
    client.on("notices", (notices) => lists.push(notices.length));
    client.on("notice", ({ notice: { state }, previous }) =>
      changes.push([previous?.state, state]),
    );
    client.connect();
    const socket = await nextSocket();
    socket.receive(opening("snapshot", { notices: [posted] }));
    const done = notice({ version: 2, state: "done", done_at: secondsAgo(0) });
    socket.receive({ type: "notice", seq: 11, notice: done });
    socket.receive({ type: "notice", seq: 11, notice: posted });
    expect(lists).toEqual([1, 1]);
    expect(changes).toEqual([
      [undefined, "open"],
      ["open", "done"],
    ]);
    expect(client.notices).toEqual([done]);
    client.close();
    expect([client.notices, lists.at(-1)]).toEqual([[], 0]);
  });

  test("are done and dismissed, until the gateway has stored that for good", async () => {
    const client = newClient();
    const socket = await connected(client);
    socket.receive({ type: "notice", seq: 11, notice: notice({ version: 3 }) });
    const closed = outcome(client.dismiss({ notice_id }));
    const told = outcome(client.done(posted));
    expect(sent(socket)).toEqual([{ type: "dismiss", source, extension, notice_id, seen: 3 }]);
    socket.receive(word);
    expect(sent(socket).at(-1)).toEqual({
      type: "done",
      source,
      extension,
      notice_id,
      seen: posted.version,
    });
    await vi.advanceTimersByTimeAsync(0);
    expect([closed.came, told.came]).toEqual(["stored", ""]);
    socket.receive(word);
    await vi.advanceTimersByTimeAsync(0);
    expect(told.came).toBe("stored");
  });

  test("are done and dismissed again where the gateway does not count what the user saw", async () => {
    const client = newClient();
    const socket = await connected(client);
    const at = (version: number, over: Partial<Notice> = {}): Notice =>
      notice({ version, ...over });
    socket.receive({ type: "notice", seq: 11, notice: at(1) });
    void client.dismiss(posted);
    socket.receive(word);
    void client.done(posted);
    socket.receive(word);
    // Something else came before the acts, and shows nothing new: they count for nothing.
    socket.receive({ type: "notice", seq: 14, notice: at(4) });
    socket.receive(word);
    socket.receive(word);
    const now = secondsAgo(0);
    const closed = at(6, { dismissed_at: now, done_at: now, state: "done" });
    socket.receive({ type: "notice", seq: 16, notice: closed });
    // What says something else was not seen.
    socket.receive({ type: "notice", seq: 17, notice: at(7, { at: posted.at + 1 }) });
    socket.receive({ type: "notice", seq: 18, notice: at(8, { body: "other" }) });
    socket.receive({ type: "notice", seq: 19, notice: at(9, { link: "https://other" }) });
    expect(
      sent(socket).map((frame) => {
        const { type, seen } = frame as { type: string; seen: number };
        return [type, seen];
      }),
    ).toEqual([
      ["dismiss", 1],
      ["done", 1],
      ["dismiss", 4],
      ["done", 4],
    ]);
  });

  test("that may not be closed here are not closed again", async () => {
    const client = newClient();
    const socket = await connected(client);
    socket.receive({ type: "notice", seq: 11, notice: posted });
    void client.dismiss(posted);
    const error = { code: "unknown_notice", detail: "no such notice", source, extension };
    socket.receive({ type: "error", ...error, notice_id });
    socket.receive({ type: "notice", seq: 12, notice: notice({ version: 2 }) });
    expect(sent(socket)).toHaveLength(1);
  });

  test("that are not the user's are refused by their name", async () => {
    const client = newClient();
    const socket = await connected(client);
    const told = outcome(client.done({ notice_id: "x" }));
    const errors: unknown[] = [];
    client.on("error", (error) => errors.push(error));
    const error = { code: "unknown_notice", detail: "no such notice among yours", notice_id: "x" };
    socket.receive({ type: "error", ...error });
    await vi.advanceTimersByTimeAsync(0);
    expect([told.came, errors]).toEqual(["unknown_notice", [error]]);
  });

  test("and whose they are is told, unless the gateway does not say it", async () => {
    const client = newClient();
    client.connect();
    const socket = await nextSocket();
    expect(client.extensions).toBeNull();
    socket.receive(opening("snapshot", { extensions: [] }));
    expect(client.extensions).toEqual([]);
    client.close();
    expect(client.extensions).toBeNull();
  });
});

describe("one id on two extensions", () => {
  const here = call({ leg_id: "a", extension: "200" });
  const there = call({ leg_id: "a", extension: "210", source: "clinic" });
  const sent = (socket: FakeSocket, type: string): unknown[] =>
    socket.sent
      .filter((frame) => frame.type === type)
      .map((frame) => "leg_id" in frame && [frame.extension, frame.source, frame.leg_id]);

  async function withBoth(): Promise<[CallpopClient, FakeSocket]> {
    const client = newClient();
    const socket = await connected(client);
    for (const each of [here, there]) socket.receive({ type: "call", seq: 11, call: each });
    return [client, socket];
  }

  test("is two calls, of which one is dismissed, painted and wrapped up alone", async () => {
    const [client, socket] = await withBoth();
    client.dismiss(there);
    client.painted(there);
    socket.receive(durable(there));
    client.wrapUp({ leg_id: "a", extension: "210" }, { disposition: null, note: "x" });
    for (const type of ["dismiss", "painted", "wrap_up"]) {
      expect(sent(socket, type)).toEqual([["210", "clinic", "a"]]);
    }
    expect(client.wrapUpState(here)).toBeNull();
    expect(client.wrapUpState(there)).toBe("saving");
    client.painted(here);
    expect(sent(socket, "painted")).toHaveLength(2);
  });

  test("and the id alone means both", async () => {
    const [client, socket] = await withBoth();
    const told = outcome(client.dismiss("a"));
    client.painted("a");
    socket.receive(durable(here));
    await vi.advanceTimersByTimeAsync(0);
    expect(told.came).toBe("");
    socket.receive(durable(there));
    await vi.advanceTimersByTimeAsync(0);
    expect(told.came).toBe("stored");
    client.wrapUp("a", { disposition: null, note: "x" });
    for (const type of ["dismiss", "painted", "wrap_up"]) {
      expect(sent(socket, type)).toEqual([
        ["200", "telsmart", "a"],
        ["210", "clinic", "a"],
      ]);
    }
    expect(client.wrapUpState("a")).toBe("saving");
  });

  test("an answer of the gateway that names one is not about the other", async () => {
    const [client, socket] = await withBoth();
    for (const each of [here, there]) client.wrapUp(each, { disposition: "Nonsense", note: "" });
    const { source, extension, leg_id } = there;
    const error = { code: "invalid_wrap_up", detail: "no", source, extension, leg_id };
    socket.receive({ type: "error", ...error });
    expect([here, there].map((each) => client.wrapUpState(each))).toEqual(["saving", "refused"]);
  });
});

describe("pace", () => {
  const dismissals = (socket: FakeSocket): number =>
    sentTypes(socket).filter((type) => type === "dismiss").length;

  test("many at once are sent 20 a second, and so is what was not confirmed", async () => {
    const client = newClient();
    let socket = await connected(client);
    for (let index = 0; index < 150; index += 1) client.dismiss(`leg-${index}`);
    expect(dismissals(socket)).toBe(20);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(dismissals(socket)).toBe(40);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(dismissals(socket)).toBe(150);
    const legs = socket.sent.flatMap((frame) =>
      frame.type === "dismiss" ? (frame.leg_id ?? []) : [],
    );
    expect(new Set(legs).size).toBe(150);
    socket.end(1006);
    await vi.advanceTimersByTimeAsync(2_000);
    socket = await nextSocket();
    const calls = legs.map((leg_id) => call({ leg_id }));
    socket.receive(opening("resumed", { calls }));
    expect(dismissals(socket)).toBe(20);
    client.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("wrapping up", () => {
  const said = { disposition: "Resolved", note: "call back" };
  const wrapUps = (socket: FakeSocket): unknown[] =>
    socket.sent.filter(({ type }) => type === "wrap_up");

  test("is offered what the gateway takes", async () => {
    const client = newClient();
    client.connect();
    (await nextSocket()).receive(opening("snapshot", { dispositions: ["Resolved"] }));
    expect(client.dispositions).toEqual(["Resolved"]);
  });

  test("is saving until it is durable, and tells when that changes", async () => {
    const client = newClient();
    const socket = await connected(client);
    socket.receive({ type: "call", seq: 11, call: call() });
    const states: unknown[] = [];
    client.on("calls", () => states.push(client.wrapUpState(call().leg_id)));
    const told = outcome(client.wrapUp(call().leg_id, said));
    const { leg_id, source, extension } = call();
    expect(wrapUps(socket)).toEqual([{ type: "wrap_up", leg_id, source, extension, ...said }]);
    const wrap_up = { ...said, at: 1, by: "jane" };
    socket.receive({ type: "call", seq: 12, call: call({ version: 2, wrap_up }) });
    expect(states).toEqual(["saving", "saving"]);
    socket.receive(durable(call()));
    await vi.advanceTimersByTimeAsync(0);
    expect([states, told.came]).toEqual([["saving", "saving", null], "stored"]);
  });

  test("that could not be stored is sent again with the next heartbeat", async () => {
    const client = newClient();
    const socket = await connected(client);
    client.wrapUp("a", said);
    socket.receive({ type: "error", code: "unavailable", detail: "later", leg_id: "a" });
    expect(client.wrapUpState("a")).toBe("saving");
    await vi.advanceTimersByTimeAsync(9_000);
    socket.receive({ type: "tock", t0: 0, t1: 0, t2: 0 });
    await vi.advanceTimersByTimeAsync(6_000);
    expect(wrapUps(socket)).toHaveLength(2);
  });
});
