import { type Call, CallpopClient } from "callpop";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { call, NOW_MS } from "../../../tests/support/calls.ts";
import { conversation } from "../../../tests/support/conversations.ts";
import { notice } from "../../../tests/support/notices.ts";
import { FakeSocket, opening, sentTypes } from "./fake-gateway.ts";
import { FakeChannel, jwtOf, settle, stubTabs } from "./fake-tabs.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS });
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  FakeSocket.opened = [];
  stubTabs();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

interface Tab {
  readonly client: CallpopClient;
  /** "leg state", of every `call` event. */
  readonly heard: string[];
}

function openTab(token: () => string = () => jwtOf("jane")): Tab {
  const options = { url: "https://gateway.example", token, webSocket: FakeSocket };
  const client = new CallpopClient(options);
  const heard: string[] = [];
  client.on("call", ({ call: { leg_id, state } }) => heard.push(`${leg_id} ${state}`));
  client.connect();
  return { client, heard };
}

const latest = (): FakeSocket => {
  const socket = FakeSocket.opened.at(-1);
  if (socket === undefined) throw new Error("no socket was opened");
  return socket;
};

/** The first leads, over the only socket; all are connected. */
async function openTabs(count: number): Promise<[Tab, ...Tab[]]> {
  const first = openTab();
  await settle();
  latest().receive(opening());
  const others = Array.from({ length: count - 1 }, () => openTab());
  await settle();
  expect(FakeSocket.opened).toHaveLength(1);
  return [first, ...others];
}

const phasesOf = (tabs: readonly Tab[]): string[] => tabs.map(({ client }) => client.state.phase);
const transports = (tabs: readonly Tab[]): string[] =>
  tabs.map(({ client }) => client.diagnose().transport);

interface Told {
  readonly from: string;
  readonly to: string | null;
  readonly reach: unknown;
}

/** All that is said on the tabs' channel from now on. */
function listen(): Told[] {
  const told: Told[] = [];
  const [{ name = "" } = {}] = FakeChannel.open;
  new FakeChannel(name).onmessage = ({ data }): void => void told.push(data as Told);
  return told;
}

/** Says that on the tabs' channel. */
function speak(data: unknown): void {
  const [{ name = "" } = {}] = FakeChannel.open;
  const channel = new FakeChannel(name);
  channel.postMessage(data);
  channel.close();
}

/** The ways in which a message may carry a frame. */
function framed(frame: object): readonly object[] {
  return [frame, { type: "server", frame }];
}

async function ring(leg_id: string, seq: number, over: Partial<Call> = {}): Promise<void> {
  latest().receive({ type: "call", seq, call: call({ leg_id, ...over }) });
  await settle();
}

/** What was done, as the gateway heard it over the last socket. */
const acts = (): unknown[] =>
  latest().sent.filter(({ type }) => type === "dismiss" || type === "wrap_up");

/** The gateway has stored what is under way with that call. */
async function confirm(leg_id: string): Promise<void> {
  const name = { source: "telsmart", extension: "200", leg_id };
  latest().receive({ type: "durable", seq: 12, ...name });
  await settle();
}

/** What came of it so far. */
function outcome(stored: Promise<void>): { came: string } {
  const told = { came: "" };
  stored.then(
    () => (told.came = "stored"),
    ({ code }) => (told.came = code),
  );
  return told;
}

describe("sharing", () => {
  test("three tabs have one socket, and each hears a call once", async () => {
    const tabs = await openTabs(3);
    await ring("a", 11);
    expect(tabs.map(({ heard }) => heard)).toEqual(Array(3).fill(["a ringing"]));
    expect(phasesOf(tabs)).toEqual(Array(3).fill("connected"));
    expect(transports(tabs)).toEqual(["own", "shared", "shared"]);
    expect(tabs.map(({ client }) => client.duties.leads)).toEqual([true, false, false]);
  });

  test("a tab that comes later gets what the leader holds, and server time through it", async () => {
    const [first] = await openTabs(1);
    await ring("a", 11);
    const late = openTab();
    await settle();
    expect(late.client.calls).toEqual(first.client.calls);
    await vi.advanceTimersByTimeAsync(800);
    expect(late.client.diagnose().roundTripMs).not.toBeNull();
    expect(Math.abs(late.client.now() - first.client.now())).toBeLessThan(1);
  });

  test.each([
    ["another user", () => jwtOf("john")],
    ["other extensions", () => jwtOf("jane", ["201"])],
    ["another role", () => jwtOf("jane", ["200"], "supervisor")],
    ["a token that cannot be read", () => "opaque"],
  ])("%s has a socket of their own", async (_, token) => {
    await openTabs(1);
    openTab(token);
    await settle();
    expect(FakeSocket.opened).toHaveLength(2);
  });

  test("supervisors of the same groups share a socket, and of others have their own", async () => {
    const kept = (...groups: string[]) => jwtOf("jane", ["200"], "supervisor", groups);
    openTab(() => kept("sales", "support"));
    openTab(() => kept("support", "sales"));
    await settle();
    expect(FakeSocket.opened).toHaveLength(1);
    for (const token of [kept("sales"), kept(), jwtOf("jane", ["200"], "supervisor")])
      openTab(() => token);
    await settle();
    expect(FakeSocket.opened).toHaveLength(4);
  });

  test.each([
    ["no locks", () => vi.stubGlobal("navigator", {})],
    ["locks that are forbidden", () => forbidLocks()],
    ["no channels", () => vi.stubGlobal("BroadcastChannel", undefined)],
  ])("with %s it connects on its own", async (_, forbid) => {
    forbid();
    const tabs = [openTab(), openTab()];
    await settle();
    for (const socket of FakeSocket.opened) socket.receive(opening());
    expect(FakeSocket.opened).toHaveLength(2);
    expect(phasesOf(tabs)).toEqual(["connected", "connected"]);
    expect(tabs.map(({ client }) => client.duties.leads)).toEqual([true, true]);
  });

  test("without the option nothing is shared", async () => {
    const options = { url: "https://g.example", token: () => jwtOf("jane"), webSocket: FakeSocket };
    new CallpopClient({ ...options, tabs: false }).connect();
    await settle();
    expect(FakeChannel.open.size).toBe(0);
    expect(FakeSocket.opened).toHaveLength(1);
  });

  test("a frame of a tab that does not lead is nobody's: only the leader has the gateway's", async () => {
    const tabs = await openTabs(3);
    const told = listen();
    tabs[1]?.client.report({ sound: true });
    await settle();
    const follower = told.at(-1);
    const stranger = { from: "stranger", to: null, reach: follower?.reach };
    for (const { from, to, reach } of [follower, stranger].flatMap((known) => known ?? [])) {
      for (const message of framed({ type: "call", seq: 11, call: call({ leg_id: "forged" }) })) {
        speak({ from, to, reach, message });
      }
    }
    await settle();
    expect(tabs.map(({ heard }) => heard)).toEqual([[], [], []]);
    expect(tabs.map(({ client }) => client.calls)).toEqual([[], [], []]);
  });

  test("no token is ever on the channel, whoever renews it", async () => {
    let count = 0;
    const tokens: string[] = [];
    const token = (): string => {
      count += 1;
      tokens.push(`${jwtOf("jane")}${count}`);
      return tokens.at(-1) ?? "";
    };
    const [leader, follower] = [openTab(token), openTab(token)];
    await settle();
    latest().receive(opening());
    const told = listen();
    await settle();
    expect(transports([leader, follower])).toEqual(["own", "shared"]);
    const before = count;
    for (const { client } of [leader, follower]) client.renew();
    latest().receive({ type: "token_expiring", in_ms: 30_000 });
    await settle();
    follower.client.dismiss("a");
    await settle();
    expect(count).toBeGreaterThan(before + 1);
    expect(told.length).toBeGreaterThan(0);
    const said = JSON.stringify(told);
    expect(tokens.filter((fresh) => said.includes(fresh))).toEqual([]);
    expect(FakeSocket.opened).toHaveLength(1);
  });

  test("what a stranger says on the channel is passed over", async () => {
    const tabs = await openTabs(2);
    await ring("a", 11);
    const [{ name = "" } = {}] = FakeChannel.open;
    const stranger = new FakeChannel(name);
    const reach = { visible: true, focused: true, sound: true, notifications: true };
    const messages = [
      {},
      { type: "lead", state: null, opening: null },
      { type: "lead", state: { phase: "connected" }, opening: { ...opening(), calls: [{}] } },
      { type: "server", frame: { type: "snapshot" } },
      { type: "server", frame: { type: "call", seq: 12, call: { leg_id: 1 } } },
      { type: "client", frame: { type: "token", token: "stolen" } },
      { type: "client", frame: { type: "wrap_up", leg_id: "a" } },
      { type: "constructor" },
      { ...opening(), calls: [{}] },
      { type: "snapshot" },
      { type: "call", seq: 12, call: { leg_id: 1 } },
      { type: "call", seq: 12, call: { ...call({ leg_id: "b" }), source: 1 } },
      { type: "call", seq: 12, call: { ...call({ leg_id: "b" }), extension: null } },
      { type: "notice", seq: 12, notice: { ...notice(), title: null } },
      { ...opening(), notices: [{}] },
      { type: "conversation", conversation: conversation({ legs: [null as never] }) },
      { type: "conversation", conversation: conversation({ replaces: null as never }) },
      { type: "conversation", conversation: null },
      { type: "board", windows: [], by: [] },
      { type: "done", leg_id: "a" },
      { type: "durable", seq: 12, leg_id: "a" },
      { type: "token", token: "stolen" },
      { type: "wrap_up", leg_id: "a" },
      { type: "beat", visible: true, sound: true, notifications: true },
    ];
    const sent = latest().sent.length;
    for (const junk of [null, 1, "x", [], { from: 1 }, { from: "x", to: null, reach }]) {
      stranger.postMessage(junk);
    }
    for (const message of messages) stranger.postMessage({ from: "x", to: null, reach, message });
    await settle();
    expect(tabs.map(({ client }) => client.calls.length)).toEqual([1, 1]);
    expect(phasesOf(tabs)).toEqual(["connected", "connected"]);
    expect(latest().sent).toHaveLength(sent);
  });
});

describe("the lead", () => {
  test("goes to the next tab when the leader closes, which resumes where it was", async () => {
    const [first, ...others] = await openTabs(3);
    await ring("a", 11);
    first.client.close();
    await settle();
    expect(FakeSocket.opened).toHaveLength(2);
    expect(latest().url).toContain("resume=e1%3A11%3Amine");
    latest().receive(opening("resumed", { seq: 11 }));
    await ring("b", 12);
    for (const { heard } of others) expect(heard).toEqual(["a ringing", "b ringing"]);
    expect(phasesOf(others)).toEqual(["connected", "connected"]);
    expect(first.client.state.phase).toBe("closed");
  });

  test("goes to the tab in front, whose socket is open before the old one is let go", async () => {
    const [first, second] = (await openTabs(2)) as [Tab, Tab];
    const old = latest();
    first.client.report({ visible: false });
    second.client.report({ visible: true });
    await vi.advanceTimersByTimeAsync(200);
    await settle();
    expect(FakeSocket.opened).toHaveLength(2);
    old.receive({ type: "call", seq: 11, call: call({ leg_id: "a" }) });
    await settle();
    expect(second.heard).toEqual(["a ringing"]);
    expect(old.closedWith).toEqual([]);
    latest().receive(opening("resumed", { seq: 11, calls: [call({ leg_id: "a" })] }));
    await settle();
    expect(old.closedWith).toEqual([1000]);
    await ring("b", 12);
    for (const { heard } of [first, second]) expect(heard).toEqual(["a ringing", "b ringing"]);
    expect(transports([first, second])).toEqual(["shared", "own"]);
  });

  test("stays where it was when the socket of the tab in front is not taken", async () => {
    const tabs = (await openTabs(2)) as [Tab, Tab];
    const old = latest();
    tabs[1].client.report({ visible: true });
    await vi.advanceTimersByTimeAsync(200);
    await settle();
    latest().end(4409, "too many");
    await settle();
    old.receive({ type: "call", seq: 11, call: call({ leg_id: "a" }) });
    await settle();
    expect(tabs.map(({ heard }) => heard)).toEqual([["a ringing"], ["a ringing"]]);
    expect(phasesOf(tabs)).toEqual(["connected", "connected"]);
  });

  test("is taken from a leader that answers nobody, by the tab that is seen", async () => {
    const [, second] = (await openTabs(2)) as [Tab, Tab];
    second.client.report({ visible: true });
    const [leader] = FakeChannel.open;
    if (leader !== undefined) leader.onmessage = null;
    await vi.advanceTimersByTimeAsync(2_200);
    await settle();
    expect(FakeSocket.opened).toHaveLength(2);
    latest().receive(opening("resumed"));
    expect(second.client.diagnose().transport).toBe("own");
  });

  test("is left to the others by a tab that does not hear them", async () => {
    const [, deaf, third] = (await openTabs(3)) as [Tab, Tab, Tab];
    const [, channel] = FakeChannel.open;
    if (channel !== undefined) channel.onmessage = null;
    for (let seconds = 0; seconds < 120; seconds += 1) {
      await vi.advanceTimersByTimeAsync(1_000);
      for (const socket of FakeSocket.opened) {
        if (socket.readyState === 1) socket.receive(opening("resumed"));
      }
    }
    expect(phasesOf([deaf, third])).toEqual(["connected", "connected"]);
    expect(deaf.client.diagnose().transport).toBe("own");
    expect(FakeSocket.opened.length).toBeLessThan(6);
  });

  test("may be had again by a tab that could not take part, with a socket after ten minutes", async () => {
    forbidLocks();
    openTab();
    await settle();
    latest().receive(opening());
    stubTabs();
    for (const [minutes, channels] of [
      [1, 0],
      [10, 1],
    ]) {
      for (let seconds = 0; seconds < 60 * (minutes ?? 0); seconds += 1) {
        await vi.advanceTimersByTimeAsync(1_000);
        latest().receive(opening("resumed"));
      }
      latest().end(1006);
      await vi.advanceTimersByTimeAsync(1_000);
      await settle();
      expect(FakeChannel.open.size).toBe(channels);
      latest().receive(opening("resumed"));
    }
  });

  test("a gateway that asked to wait is not asked for a socket by the tab in front", async () => {
    const [, second] = (await openTabs(2)) as [Tab, Tab];
    latest().receive({ type: "reconnect", after_ms: 5_000 });
    await settle();
    second.client.report({ visible: true });
    await vi.advanceTimersByTimeAsync(4_900);
    expect(FakeSocket.opened).toHaveLength(1);
  });

  test("a gateway that asked to wait is obeyed by whoever leads next", async () => {
    const [first, second] = (await openTabs(2)) as [Tab, Tab];
    latest().receive({ type: "reconnect", after_ms: 5_000 });
    await settle();
    first.client.close();
    await vi.advanceTimersByTimeAsync(4_900);
    expect(FakeSocket.opened).toHaveLength(1);
    expect(second.client.state.phase).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(700);
    expect(FakeSocket.opened).toHaveLength(2);
  });
});

describe("a tab that crashed", () => {
  /** Its last word was that it has everything; the tab that is left can do little. */
  async function survivor(): Promise<CallpopClient> {
    const [{ client }] = await openTabs(1);
    const [{ name = "" } = {}] = FakeChannel.open;
    const crashed = new FakeChannel(name);
    const reach = { visible: true, focused: true, sound: true, notifications: true };
    crashed.postMessage({ from: "zz", to: null, reach, message: { type: "reach" } });
    crashed.close();
    await settle();
    expect(client.duties).toMatchObject({ rings: false, notifies: false });
    return client;
  }

  async function answering(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      await vi.advanceTimersByTimeAsync(1_000);
      latest().receive({ type: "tock", t0: 0, t1: 0, t2: 0 });
    }
  }

  test("leaves its duties within ninety seconds", async () => {
    const client = await survivor();
    await answering(91);
    expect(client.duties).toMatchObject({ rings: true, notifies: true });
  });

  test("leaves them before the next call is told", async () => {
    const client = await survivor();
    await answering(74);
    const told: boolean[] = [];
    client.on("call", () => told.push(client.duties.rings));
    await ring("a", 11);
    await vi.advanceTimersByTimeAsync(1_500);
    await ring("b", 12);
    expect(told).toEqual([false, true]);
  });
});

describe("together", () => {
  test("a late word of a leader that was replaced costs nobody a call", async () => {
    const [first, second, third] = (await openTabs(3)) as [Tab, Tab, Tab];
    const [former] = FakeChannel.open;
    const told: unknown[] = [];
    new FakeChannel(former?.name ?? "").onmessage = ({ data }) => told.push(data);
    await ring("a", 11);
    const from = (told.at(-1) as { from: string }).from;
    first.client.report({ visible: false });
    second.client.report({ visible: true });
    await vi.advanceTimersByTimeAsync(200);
    await settle();
    latest().receive(opening("resumed", { seq: 11 }));
    await settle();
    const reach = { visible: false, focused: false, sound: false, notifications: false };
    const state = { phase: "reconnecting", attempt: 1 };
    former?.postMessage({ from, to: null, reach, message: { type: "lead", state, opening: null } });
    await ring("b", 12);
    former?.postMessage({ from, to: null, reach, message: { type: "hello" } });
    await settle();
    expect(third.heard).toEqual(["a ringing", "b ringing"]);
    expect(third.client.state.phase).toBe("connected");
  });

  test("all tabs say when the leader has no connection, and when it has one again", async () => {
    const tabs = await openTabs(3);
    latest().end(1006);
    await settle();
    expect(phasesOf(tabs)).toEqual(Array(3).fill("reconnecting"));
    await vi.advanceTimersByTimeAsync(125);
    await settle();
    latest().receive(opening("resumed", { seq: 12, calls: [call({ leg_id: "a" })] }));
    await settle();
    expect(phasesOf(tabs)).toEqual(Array(3).fill("connected"));
    expect(tabs.map(({ heard }) => heard)).toEqual(Array(3).fill(["a ringing"]));
    expect(FakeSocket.opened).toHaveLength(2);
  });

  test.each([4400, 4403, 4409, 4429])(
    "%d stops all, and none of them tries again",
    async (code) => {
      const tabs = await openTabs(3);
      latest().end(code, "because");
      await vi.advanceTimersByTimeAsync(3_600_000);
      expect(phasesOf(tabs)).toEqual(Array(3).fill("refused"));
      expect(tabs[1]?.client.state).toMatchObject({ detail: "because" });
      expect(FakeSocket.opened).toHaveLength(1);
    },
  );

  test("connect() in any of the refused tabs starts all again", async () => {
    const tabs = await openTabs(3);
    latest().end(4409);
    await settle();
    tabs[2]?.client.connect();
    await settle();
    expect(FakeSocket.opened).toHaveLength(2);
    latest().receive(opening("resumed"));
    await settle();
    expect(phasesOf(tabs)).toEqual(Array(3).fill("connected"));
    expect(FakeSocket.opened).toHaveLength(2);
  });

  test("a tab that comes after a refusal tries for itself", async () => {
    const [first] = await openTabs(1);
    latest().end(4409);
    const second = openTab();
    await settle();
    latest().receive(opening());
    await settle();
    expect(phasesOf([first, second])).toEqual(["connected", "connected"]);
    expect(FakeSocket.opened).toHaveLength(2);
  });

  test("what a tab has for the gateway goes through the leader, and survives its socket", async () => {
    const [, second] = (await openTabs(2)) as [Tab, Tab];
    await ring("a", 11);
    latest().end(1006);
    await settle();
    const told = [
      outcome(second.client.dismiss("a")),
      outcome(second.client.wrapUp("a", { disposition: null, note: "call back" })),
    ];
    await vi.advanceTimersByTimeAsync(125);
    await settle();
    latest().receive(opening("resumed"));
    await settle();
    const name = { leg_id: "a", source: "telsmart", extension: "200" };
    expect(acts()).toEqual([{ type: "dismiss", ...name, seen: 1 }]);
    await confirm("a");
    expect(acts().at(-1)).toEqual({
      type: "wrap_up",
      ...name,
      disposition: null,
      note: "call back",
    });
    const wrap_up = { disposition: null, note: "call back", at: 1, by: "jane" };
    await ring("a", 12, { version: 2, wrap_up, dismissed_at: 1 });
    expect(second.client.wrapUpState("a")).toBe("saving");
    expect(told.map(({ came }) => came)).toEqual(["stored", ""]);
    await confirm("a");
    expect(second.client.wrapUpState("a")).toBeNull();
    expect(told.map(({ came }) => came)).toEqual(["stored", "stored"]);
    expect(acts()).toHaveLength(2);
  });

  test("notices come to every tab, also to one that is opened later, and are done through the leader", async () => {
    const [, second] = (await openTabs(2)) as [Tab, Tab];
    latest().receive({ type: "notice", seq: 11, notice: notice() });
    await settle();
    const late = openTab();
    await settle();
    expect([second, late].map(({ client }) => client.notices)).toEqual([[notice()], [notice()]]);
    expect(late.client.extensions).toEqual(["200"]);
    const told = outcome(late.client.done(notice()));
    await settle();
    const { source, extension, notice_id } = notice();
    expect(latest().sent.at(-1)).toEqual({
      type: "done",
      source,
      extension,
      notice_id,
      seen: notice().version,
    });
    latest().receive({ type: "durable", seq: 12, source, extension, notice_id });
    await settle();
    expect(told.came).toBe("stored");
  });

  test("conversations come to every tab, also to one that is opened later", async () => {
    const tabs = await openTabs(2);
    await ring("a", 11);
    const told = conversation({ legs: [{ extension: "200", leg_id: "a" }] });
    latest().receive({ type: "conversation", conversation: told });
    await settle();
    const late = openTab();
    await settle();
    for (const { client } of [...tabs, late]) {
      expect(client.conversationOf(call({ leg_id: "a" }))).toEqual(told);
    }
  });

  test("each tab hears of its own acts, when they are stored, and of no other tab's", async () => {
    const [first, second, third] = (await openTabs(3)) as [Tab, Tab, Tab];
    await ring("a", 11);
    const leaders = outcome(first.client.dismiss("a"));
    const written = outcome(second.client.wrapUp("a", { disposition: null, note: "x" }));
    const again = outcome(third.client.dismiss("a"));
    await settle();
    expect([leaders, written, again].map(({ came }) => came)).toEqual(["", "", ""]);
    await confirm("a");
    expect([leaders, written, again].map(({ came }) => came)).toEqual(["stored", "", "stored"]);
    await confirm("a");
    expect(written.came).toBe("stored");
  });

  test("what a tab did is stored by the next leader, when the first one goes with it", async () => {
    const [first, second] = (await openTabs(2)) as [Tab, Tab];
    await ring("a", 11);
    const told = outcome(second.client.dismiss("a"));
    await settle();
    first.client.close();
    await settle();
    latest().receive(opening("resumed", { seq: 11 }));
    await settle();
    expect(acts()).toMatchObject([{ type: "dismiss", leg_id: "a" }]);
    await confirm("a");
    expect(told.came).toBe("stored");
  });

  test("the note that was saved last stays, whichever tab sends its own again", async () => {
    const [first, second] = (await openTabs(2)) as [Tab, Tab];
    await ring("a", 11, { state: "ended" });
    latest().end(1006);
    await settle();
    second.client.wrapUp("a", { disposition: null, note: "older" });
    await settle();
    await vi.advanceTimersByTimeAsync(10);
    first.client.wrapUp("a", { disposition: null, note: "newer" });
    for (let seconds = 0; seconds < 30; seconds += 1) {
      await vi.advanceTimersByTimeAsync(1_000);
      await settle();
      if (latest().readyState === 1) latest().receive(opening("resumed", { seq: 11 }));
    }
    const notes = FakeSocket.opened
      .flatMap(({ sent }) => sent)
      .flatMap((frame) => (frame.type === "wrap_up" ? [frame] : []));
    expect(notes.length).toBeGreaterThan(0);
    expect(new Set(notes.map(({ note }) => note))).toEqual(new Set(["newer"]));
    expect(notes.some((frame) => "said_at" in frame)).toBe(false);
  });

  test("a painted popup is reported once for all tabs", async () => {
    const tabs = await openTabs(3);
    await ring("a", 11);
    for (const { client } of tabs.toReversed()) client.painted("a");
    await settle();
    for (const { client } of tabs) client.painted("a");
    await settle();
    expect(sentTypes(latest()).filter((type) => type === "painted")).toHaveLength(1);
  });

  test("a beat says what any of the tabs can do, at most once a second", async () => {
    const [first, second] = (await openTabs(2)) as [Tab, Tab];
    first.client.report({ visible: false });
    await vi.advanceTimersByTimeAsync(2_000);
    second.client.report({ sound: true });
    second.client.report({ notifications: true });
    await vi.advanceTimersByTimeAsync(1_000);
    const beats = latest().sent.filter(({ type }) => type === "beat");
    expect(beats.at(-1)).toMatchObject({ visible: false, sound: true, notifications: true });
    expect(beats.length).toBeLessThanOrEqual(3);
  });

  test("a wrap-up that the gateway refuses is refused in the tab where it was made", async () => {
    const [, second] = (await openTabs(2)) as [Tab, Tab];
    await ring("a", 11);
    const errors: unknown[] = [];
    second.client.on("error", (error) => errors.push(error));
    const told = outcome(second.client.wrapUp("a", { disposition: "Nonsense", note: "" }));
    await settle();
    const error = { code: "invalid_wrap_up", detail: "not one of them", leg_id: "a" };
    latest().receive({ type: "error", ...error });
    await settle();
    expect(second.client.wrapUpState("a")).toBe("refused");
    expect(told.came).toBe("invalid_wrap_up");
    expect(errors).toEqual([error]);
  });

  test("closing all of them leaves nothing", async () => {
    for (const { client } of await openTabs(3)) client.close();
    await settle();
    // The tab that led last before it was closed itself has let go of its socket too.
    expect(FakeSocket.opened.filter(({ readyState }) => readyState === 1)).toEqual([]);
    expect(FakeChannel.open.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

function forbidLocks(): void {
  const request = async (): Promise<void> => {
    throw new DOMException("not here", "SecurityError");
  };
  vi.stubGlobal("navigator", { locks: { request } });
}
