import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Call, ConnectionState, Notice, NoticeName } from "callpop";
import { NOW_MS, secondsAgo } from "../../../tests/support/calls.ts";
import { notice } from "../../../tests/support/notices.ts";
import { NoticeNotes } from "../src/element/alerts/notice-notes.ts";
import type { NoticeSource } from "../src/element/call-source.ts";
import { addressOf, kindOf } from "../src/element/notices/kinds.ts";
import { PopupState } from "../src/element/popup-state.ts";
import { en } from "../src/element/words/en.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS });
});
afterEach(() => {
  vi.useRealTimers();
});

class FakeClient implements NoticeSource {
  state: ConnectionState = { phase: "connected", sessionId: "1" };
  calls: readonly Call[] = [];
  notices: readonly Notice[] = [];
  readonly scope: "user" | "tenant" = "user";
  readonly connect = vi.fn();
  readonly did: string[] = [];
  extensions: readonly string[] | null = null;
  refuses = false;
  #listener: (notices: readonly Notice[]) => void = () => undefined;

  now(): number {
    return Date.now();
  }

  dismiss(item: object): void {
    this.did.push(`dismiss ${(item as NoticeName).notice_id}`);
  }

  async done({ notice_id }: NoticeName): Promise<void> {
    this.did.push(`done ${notice_id}`);
    if (this.refuses) throw new Error("refused");
  }

  on(name: string, listener: (event: never) => void): () => void {
    if (name === "notices") this.#listener = listener as (notices: readonly Notice[]) => void;
    return () => undefined;
  }

  post(...notices: readonly Notice[]): void {
    this.notices = notices;
    this.#listener(notices);
  }
}

function following(...notices: readonly Notice[]): { client: FakeClient; state: PopupState } {
  const client = new FakeClient();
  client.notices = notices;
  const state = new PopupState();
  state.follow(client as unknown as Parameters<PopupState["follow"]>[0]);
  return { client, state };
}

const open = (state: PopupState): string[] =>
  state.openNotices.value.map(({ notice_id }) => notice_id);
const past = (state: PopupState): string[] =>
  state.pastNotices.value.map(({ notice_id }) => notice_id);

test("a notice is a card while it is open, not dismissed and not past its time", () => {
  const { state } = following(
    notice({ notice_id: "open", expires_at: secondsAgo(-60) }),
    notice({ notice_id: "done", state: "done", done_at: secondsAgo(1) }),
    notice({ notice_id: "dismissed", dismissed_at: secondsAgo(1) }),
    notice({ notice_id: "over", expires_at: secondsAgo(1) }),
  );
  expect([open(state), past(state)]).toEqual([["open"], ["done", "dismissed", "over"]]);
});

test("it goes by itself when its time is over, by the server's clock", async () => {
  const { state } = following(notice({ expires_at: secondsAgo(-90) }));
  const drawn = vi.fn();
  state.draw(drawn);
  await vi.advanceTimersByTimeAsync(89_000);
  expect([open(state).length, drawn.mock.calls.length]).toEqual([1, 1]);
  await vi.advanceTimersByTimeAsync(1_100);
  expect([open(state).length, drawn.mock.calls.length]).toEqual([0, 2]);
  expect(vi.getTimerCount()).toBe(0);
});

test("one that lasts for months needs no timer that a browser does not have", async () => {
  const { state } = following(notice({ expires_at: secondsAgo(-100 * 86_400) }));
  await vi.advanceTimersByTimeAsync(3 * 3_600_000);
  expect([open(state).length, vi.getTimerCount()]).toEqual([1, 1]);
  state.unfollow();
  expect([open(state).length, vi.getTimerCount()]).toEqual([0, 0]);
});

test("what is dismissed or done is gone at once, until it is posted again", () => {
  const { client, state } = following(notice({ notice_id: "a" }), notice({ notice_id: "b" }));
  for (const [one, close] of [
    ["a", "dismissNotice"],
    ["b", "finishNotice"],
  ] as const) {
    state[close](notice({ notice_id: one }));
  }
  expect([open(state), client.did]).toEqual([[], ["dismiss a", "done b"]]);
  client.post(notice({ notice_id: "a", version: 2 }), notice({ notice_id: "b" }));
  expect(open(state)).toEqual(["a"]);
});

test("what the gateway does not take is there again", async () => {
  const { client, state } = following(notice());
  client.refuses = true;
  state.finishNotice(notice());
  expect(open(state)).toEqual([]);
  await vi.advanceTimersByTimeAsync(0);
  expect(open(state)).toEqual([notice().notice_id]);
});

test("one id on two extensions is two notices", () => {
  const there = notice({ extension: "210" });
  const { state } = following(notice(), there);
  state.dismissNotice(there);
  expect(state.openNotices.value).toEqual([notice()]);
});

test.each([
  [[], "user", true],
  [["200"], "user", false],
  [null, "user", false],
  [[], "tenant", false],
] as const)("whose items are seen, %j of a %s: nobody's is %s", (extensions, scope, expected) => {
  const { client, state } = following();
  Object.assign(client, { extensions, scope });
  expect(state.hasNoExtension).toBe(expected);
});

test.each([
  ["https://crm.example/t/17?a=b", "https://crm.example/t/17?a=b"],
  ["http://crm.example/", null],
  ["javascript:alert(1)", null],
  [" javascript:alert(1)", null],
  ["data:text/html,x", null],
  ["//crm.example", null],
  ["", null],
  [null, null],
])("the link %j leads to %j", (link, address) => {
  expect(addressOf(notice({ link }))).toBe(address);
});

test("a kind that is not known is another one", () => {
  expect(["ticket", "constructor"].map((kind) => kindOf(notice({ kind } as Notice)))).toEqual([
    "ticket",
    "other",
  ]);
});

describe("desktop notifications", () => {
  const situation = {
    ...{ nowMs: NOW_MS, notifies: true, isWanted: true, hidesNumbers: false },
    ...{ words: en, click: vi.fn() },
  };
  const titles = (notes: NoticeNotes, of: readonly Notice[], over: object = {}): string[] =>
    notes.of(of, { ...situation, ...over }).map(({ title }) => title);

  test("are of what is news, quietly, and stay as long as its card", () => {
    const notes = new NoticeNotes();
    const [news, old] = [notice(), notice({ notice_id: "old", at: secondsAgo(600) })];
    expect(notes.of([news, old], situation)).toMatchObject([
      { title: "Invoice charged twice", silent: true, isFleeting: true, lang: "en-GB" },
    ]);
    expect(titles(notes, [news], { nowMs: NOW_MS + 600_000 })).toHaveLength(1);
    expect(titles(notes, [])).toEqual([]);
  });

  test("are not of what was there while its user looked, until it is posted again", () => {
    const notes = new NoticeNotes();
    expect(titles(notes, [notice()], { notifies: false })).toEqual([]);
    expect(titles(notes, [notice()])).toEqual([]);
    expect(titles(notes, [notice({ version: 2, at: secondsAgo(1) })])).toHaveLength(1);
  });

  test("are only of who wants them", () => {
    expect(titles(new NoticeNotes(), [notice()], { isWanted: false })).toEqual([]);
  });

  test("show no number where none may be shown", () => {
    const text = { title: "Text from +32 470/12.34.56", body: "call 0470 123 456 by 17:00" };
    const [note] = new NoticeNotes().of([notice(text)], { ...situation, hidesNumbers: true });
    expect([note?.title, note?.body]).toEqual(["Text from …", "call … by 17:00"]);
  });
});
