import type { Call, CallName, ConnectionState } from "callpop";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  activeCall,
  call,
  endedCall,
  heldCall,
  missedCall,
  NOW_MS,
  secondsAgo,
} from "../../../tests/support/calls.ts";
import { isUnconfirmed } from "../src/element/arrangement.ts";
import type { CallSource } from "../src/element/call-source.ts";
import { PopupState } from "../src/element/popup-state.ts";
import { runningMs } from "../src/element/timers.ts";
import { Drafts } from "../src/element/wrap-up/drafts.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS });
});
afterEach(() => {
  vi.useRealTimers();
});

class FakeClient implements CallSource {
  readonly contacts = new Map<string, string>();
  readonly lookedUp: string[] = [];
  state: ConnectionState = { phase: "connected", sessionId: "1" };
  calls: readonly Call[] = [];
  readonly dismissed: string[] = [];
  readonly connect = vi.fn();
  #listener: (calls: readonly Call[]) => void = () => undefined;

  now(): number {
    return Date.now();
  }

  dismiss({ leg_id }: CallName): void {
    this.dismissed.push(leg_id);
  }

  async contactName(number: string, source: string): Promise<string | null> {
    this.lookedUp.push(number);
    return this.contacts.get(source === "telsmart" ? number : `${number} at ${source}`) ?? null;
  }

  on(name: "state" | "calls", listener: (event: never) => void): () => void {
    if (name === "calls") this.#listener = listener as (calls: readonly Call[]) => void;
    return () => undefined;
  }

  show(...calls: readonly Call[]): void {
    this.calls = calls;
    this.#listener(calls);
  }
}

function following(...calls: readonly Call[]): { client: FakeClient; state: PopupState } {
  const client = new FakeClient();
  client.calls = calls;
  const state = new PopupState();
  state.follow(client);
  return { client, state };
}

const cards = (state: PopupState): string[] =>
  state.arrangement.value.cards.map((card) => card.leg_id);
const recent = (state: PopupState): string[] =>
  state.arrangement.value.recent.map((ended) => ended.leg_id);

test("what is talked on comes first, then what asks for an answer, then what waits", () => {
  const { state } = following(
    heldCall({ leg_id: "held" }),
    call({ leg_id: "dialled", direction: "outbound" }),
    call({ leg_id: "ringing" }),
    activeCall({ leg_id: "active" }),
  );
  expect(cards(state)).toEqual(["active", "ringing", "dialled", "held"]);
});

test("a call that ends stays for eight seconds, then is a recent one", () => {
  const { client, state } = following(activeCall());
  client.show(endedCall({ ended_at: secondsAgo(30) }));
  expect(cards(state)).toHaveLength(1);
  vi.advanceTimersByTime(7_900);
  expect(cards(state)).toHaveLength(1);
  vi.advanceTimersByTime(200);
  expect(cards(state)).toEqual([]);
  expect(recent(state)).toHaveLength(1);
});

test("a page that opens shows what has just ended, not what ended before", () => {
  const { state } = following(
    endedCall({ leg_id: "just", ended_at: secondsAgo(3) }),
    endedCall({ leg_id: "before", ended_at: secondsAgo(60) }),
  );
  expect(cards(state)).toEqual(["just"]);
  expect(recent(state)).toEqual(["before"]);
});

test("only the call that ended last stays, and not beside its own summary", () => {
  const { client, state } = following(activeCall({ leg_id: "a" }), heldCall({ leg_id: "b" }));
  client.show(endedCall({ leg_id: "a" }), heldCall({ leg_id: "b" }));
  const last = endedCall({ leg_id: "b", ended_at: secondsAgo(1) });
  client.show(endedCall({ leg_id: "a" }), last);
  expect(cards(state)).toEqual(["b"]);
  expect(recent(state)).toEqual(["a"]);
  const told = { ...last, version: 9, summary: { ...summary, reported_at: secondsAgo(0) } };
  client.show(endedCall({ leg_id: "a" }), told);
  expect(cards(state)).toEqual([]);
});

test("a dismissed call is gone at once, and elsewhere", () => {
  const ringing = call();
  const { client, state } = following(ringing);
  state.dismiss(ringing);
  expect(cards(state)).toEqual([]);
  expect(client.dismissed).toEqual([ringing.leg_id]);
  const elsewhere = following(call({ dismissed_at: secondsAgo(1) }));
  expect(cards(elsewhere.state)).toEqual([]);
});

test("missed calls count until they are seen", () => {
  const { client, state } = following(
    missedCall({ leg_id: "a", ended_at: secondsAgo(600) }),
    missedCall({ leg_id: "b", ended_at: secondsAgo(900), dismissed_at: secondsAgo(800) }),
    endedCall({ leg_id: "c", ended_at: secondsAgo(900) }),
  );
  expect(state.arrangement.value.missed).toBe(1);
  state.markMissedSeen();
  expect(state.arrangement.value.missed).toBe(0);
  expect(client.dismissed).toEqual(["a"]);
});

test("who is followed no more leaves nothing in sight", () => {
  const { state } = following(call({ leg_id: "a" }), endedCall({ leg_id: "b", summary }));
  state.openSummary(endedCall({ leg_id: "b" }));
  state.unfollow();
  expect([cards(state), recent(state)]).toEqual([[], []]);
  expect(state.arrangement.value.summary).toBeNull();
  expect(state.announced.value).toEqual([]);
});

test("another user finds nothing of the one before", () => {
  const ringing = call({ leg_id: "a" });
  const told = endedCall({ leg_id: "b", ended_at: secondsAgo(3_600), summary });
  const { state } = following(ringing, told);
  expect(state.announced.value).toHaveLength(1);
  state.dismiss(ringing);
  state.openSummary(told);
  Drafts.of(state).write(told, { note: "private words" });
  const next = new FakeClient();
  next.calls = [ringing, told];
  state.unfollow();
  expect(state.announced.value).toEqual([]);
  state.follow(next);
  expect(cards(state)).toEqual(["a"]);
  expect(state.announced.value).toHaveLength(1);
  expect(Drafts.of(state).of(told).entry.note).toBe("");
});

test("a popup that only moved keeps what is typed", () => {
  const told = endedCall();
  const { client, state } = following(told);
  Drafts.of(state).write(told, { note: "half a word" });
  state.unfollow();
  state.follow(client);
  expect(Drafts.of(state).of(told).entry.note).toBe("half a word");
});

const summary = { language: "en-GB", reported_at: secondsAgo(0), content: {} };

test("a summary that comes late shows itself until it is closed", () => {
  const ended = endedCall({ ended_at: secondsAgo(3_600) });
  const { client, state } = following(ended);
  expect(state.arrangement.value.summary).toBeNull();
  const told = { ...ended, version: 9, summary: { ...summary, reported_at: secondsAgo(1_200) } };
  client.show(told);
  expect(state.arrangement.value.summary).toBe(told);
  state.closeSummary(told);
  expect(state.arrangement.value.summary).toBeNull();
  expect(client.dismissed).toEqual([told.leg_id]);
});

test("a summary of the last minutes shows itself on a page that was closed then", () => {
  const ended = { ended_at: secondsAgo(3_600) };
  const fresh = following(endedCall({ ...ended, summary }));
  expect(fresh.state.arrangement.value.summary).not.toBeNull();
  const old = { ...summary, reported_at: secondsAgo(700) };
  expect(
    following(endedCall({ ...ended, summary: old })).state.arrangement.value.summary,
  ).toBeNull();
  const closed = { dismissed_at: secondsAgo(1), summary_seen: true };
  const seen = endedCall({ ...ended, summary, ...closed });
  expect(following(seen).state.arrangement.value.summary).toBeNull();
  const callSeen = endedCall({ ...ended, summary, dismissed_at: secondsAgo(3_500) });
  expect(following(callSeen).state.arrangement.value.summary).not.toBeNull();
});

test("what was closed is told by the gateway, whatever the provider's clock says", () => {
  const ahead = { ...summary, reported_at: secondsAgo(-3_600) };
  const ended = { ended_at: secondsAgo(300), dismissed_at: secondsAgo(1) };
  const closed = missedCall({ ...ended, summary: ahead, summary_seen: true });
  const { client, state } = following(closed);
  expect(state.arrangement.value.summary).toBeNull();
  expect(state.arrangement.value.missed).toBe(0);
  const behind = { ...summary, reported_at: secondsAgo(400) };
  const told = missedCall({ ...ended, version: 9, summary: behind });
  client.show(told);
  expect(state.arrangement.value.summary).toBe(told);
});

test("a summary that another page of the user closed leaves this one", () => {
  const told = endedCall({ ended_at: secondsAgo(300), summary });
  const { client, state } = following(told);
  expect(state.arrangement.value.summary).toBe(told);
  client.show({
    ...told,
    version: 9,
    dismissed_at: secondsAgo(0),
    summary_seen: true,
  });
  expect(state.arrangement.value.summary).toBeNull();
});

test("a summary gives way to a call, unless the user has opened it", () => {
  const ended = endedCall({ leg_id: "told", ended_at: secondsAgo(300), summary });
  const { client, state } = following(ended);
  expect(state.summaryFolded.value).toBe(false);
  client.show(ended, call({ leg_id: "new" }));
  expect(state.summaryFolded.value).toBe(true);
  state.openSummary(ended);
  expect(state.summaryFolded.value).toBe(false);
});

test("closing a summary that was opened from the list tells nobody", () => {
  const old = endedCall({
    ended_at: secondsAgo(9_000),
    summary: { ...summary, reported_at: secondsAgo(8_000) },
  });
  const { client, state } = following(old);
  state.openSummary(old);
  expect(state.arrangement.value.summary).toBe(old);
  state.closeSummary(old);
  expect(state.arrangement.value.summary).toBeNull();
  expect(client.dismissed).toEqual([]);
});

test("a ringing call is announced once, also after a reconnect", () => {
  const { client, state } = following(call());
  const first = state.announced.value;
  expect(first.map((ringing) => ringing.leg_id)).toEqual([call().leg_id]);
  client.show(call({ version: 2 }));
  client.show(call({ version: 2 }), call({ leg_id: "out", direction: "outbound" }));
  expect(state.announced.value).toBe(first);
  client.show(call({ version: 2 }), call({ leg_id: "second" }));
  expect(state.announced.value.map((ringing) => ringing.leg_id)).toEqual(["second"]);
});

test("talk time counts through holds, hold and ring time from their beginning", () => {
  expect(runningMs(activeCall({ since: secondsAgo(5), talk_ms: 60_000 }), NOW_MS)).toBe(65_000);
  expect(runningMs(heldCall({ since: secondsAgo(5), talk_ms: 60_000 }), NOW_MS)).toBe(5_000);
  expect(runningMs(call({ since: secondsAgo(5) }), NOW_MS)).toBe(5_000);
});

test("the timer changes with the second of the call, not of the clock", async () => {
  const { state } = following(activeCall({ since: secondsAgo(5.7) }));
  const shown: number[] = [];
  state.draw(() => shown.push(state.nowMs.value - NOW_MS));
  await vi.advanceTimersByTimeAsync(2_400);
  expect(shown).toEqual([0, 304, 1_304, 2_304]);
});

test("a live call is unconfirmed once its time without news is over", () => {
  expect(isUnconfirmed(activeCall({ stale_at: secondsAgo(1) }), NOW_MS)).toBe(true);
  expect(isUnconfirmed(activeCall({ stale_at: secondsAgo(-1) }), NOW_MS)).toBe(false);
  expect(isUnconfirmed(endedCall({ stale_at: secondsAgo(1) }), NOW_MS)).toBe(false);
});

test("any number of changes is drawn once, and nothing when nothing changed", async () => {
  const { client, state } = following(call());
  const draw = vi.fn();
  const undraw = state.draw(draw);
  expect(draw).toHaveBeenCalledTimes(1);
  client.show(call({ version: 2, state: "active" }));
  state.dismiss(call());
  await vi.advanceTimersByTimeAsync(0);
  expect(draw).toHaveBeenCalledTimes(2);
  state.recentOpen.value = true;
  await vi.advanceTimersByTimeAsync(0);
  expect(draw).toHaveBeenCalledTimes(2);
  undraw();
  client.show();
  await vi.advanceTimersByTimeAsync(0);
  expect(draw).toHaveBeenCalledTimes(2);
});

describe("callers without a name", () => {
  const remoteName = (state: PopupState): string | null | undefined =>
    state.arrangement.value.cards[0]?.remote.name;

  test("get the one of the contacts, when it comes, and keep it after the call", async () => {
    const { client, state } = following();
    client.contacts.set("+3228992675", "Jan Peeters");
    client.show(call());
    expect(remoteName(state)).toBeNull();
    await vi.advanceTimersByTimeAsync(0);
    expect(remoteName(state)).toBe("Jan Peeters");
    expect(state.arrangement.value.cards[0]?.remote.number).toBe("+3228992675");
    client.show(endedCall());
    expect(remoteName(state)).toBe("Jan Peeters");
  });

  test("get the one of the contacts of their own source", async () => {
    const { client, state } = following();
    client.contacts.set("+3228992675", "Jan Peeters");
    client.contacts.set("+3228992675 at clinic", "Mr Peeters");
    client.show(call());
    await vi.advanceTimersByTimeAsync(0);
    expect(remoteName(state)).toBe("Jan Peeters");
    client.show(call({ source: "clinic" }));
    await vi.advanceTimersByTimeAsync(0);
    expect(remoteName(state)).toBe("Mr Peeters");
  });

  test.each([
    ["a colleague", call({ internal: true, remote: { number: "210", name: null } })],
    ["one whose call has a name", call({ remote: { number: "+3221", name: "Marie" } })],
    ["one who withheld the number", call({ remote: { number: null, name: null } })],
    ["one whose call has ended", endedCall()],
  ])("%s is not looked up", async (_, shown) => {
    const { client } = following(shown);
    await vi.advanceTimersByTimeAsync(0);
    expect(client.lookedUp).toEqual([]);
  });

  test("a name that comes after the popup is gone goes nowhere", async () => {
    const { client, state } = following();
    client.contacts.set("+3228992675", "Jan Peeters");
    client.show(call());
    state.unfollow();
    const draw = vi.fn();
    state.draw(draw);
    await vi.advanceTimersByTimeAsync(0);
    expect(draw).toHaveBeenCalledTimes(1);
    client.contacts.clear();
    state.follow(client);
    expect(remoteName(state)).toBeNull();
  });

  test("a new name is not announced again", async () => {
    const { client, state } = following();
    client.contacts.set("+3228992675", "Jan Peeters");
    client.show(call());
    const announced = state.announced.value;
    await vi.advanceTimersByTimeAsync(0);
    expect(state.announced.value).toBe(announced);
  });
});

describe("one id on two extensions, or of two sources", () => {
  const [HERE, THERE] = [{ extension: "200" }, { extension: "210" }];
  const [here, there] = [call(HERE), call(THERE)];
  const clinics = call({ ...THERE, source: "clinic" });
  const whose = (calls: readonly Call[]): string[] =>
    calls.map(({ extension, source }) => `${extension} ${source}`);
  const all = ["200 telsmart", "210 telsmart", "210 clinic"];

  test("is as many calls: each is shown, announced and closed alone", () => {
    const { state } = following(here, there, clinics);
    expect(whose(state.announced.value)).toEqual(all);
    expect(whose(state.arrangement.value.cards)).toEqual(all);
    state.dismiss(there);
    expect(whose(state.arrangement.value.cards)).toEqual(["200 telsmart", "210 clinic"]);
  });

  test("one that ends does not end the other, and neither waits for the other's time", () => {
    const { client, state } = following(activeCall(HERE), activeCall(THERE));
    client.show(endedCall({ ...HERE, ended_at: secondsAgo(30) }), activeCall(THERE));
    expect(whose(state.arrangement.value.cards)).toEqual(["210 telsmart", "200 telsmart"]);
    vi.advanceTimersByTime(8_100);
    expect(whose(state.arrangement.value.cards)).toEqual(["210 telsmart"]);
    expect(whose(state.arrangement.value.recent)).toEqual(["200 telsmart"]);
  });

  test("a summary of one is not the other's", () => {
    const old = { ended_at: secondsAgo(3_600), summary };
    const [closed, told] = [endedCall({ ...HERE, ...old }), endedCall({ ...THERE, ...old })];
    const { state } = following(closed, told);
    state.closeSummary(closed);
    expect(whose([state.arrangement.value.summary ?? here])).toEqual(["210 telsmart"]);
    state.openSummary(told);
    expect(state.arrangement.value.summary).toBe(told);
  });

  test("what is written about one is not written about the other", () => {
    const { state } = following(endedCall(HERE), endedCall(THERE));
    const drafts = Drafts.of(state);
    drafts.write(here, { note: "mine" });
    drafts.open(here, true);
    drafts.focus(here, true);
    expect([here, there].map((of) => drafts.of(of).entry.note)).toEqual(["mine", ""]);
    expect([here, there].map((of) => drafts.isOpen(of))).toEqual([true, false]);
    expect([here, there].map((of) => drafts.isInUse(of))).toEqual([true, false]);
    state.keep(here, true);
    vi.advanceTimersByTime(60_000);
    expect(whose(state.arrangement.value.cards)).toEqual(["200 telsmart"]);
  });
});

test("nothing runs on after the popup is gone", () => {
  const { state } = following(activeCall());
  state.unfollow();
  expect(vi.getTimerCount()).toBe(0);
});
