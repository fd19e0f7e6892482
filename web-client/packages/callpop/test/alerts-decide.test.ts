import type { Call } from "callpop";
import { describe, expect, test } from "vitest";
import {
  activeCall,
  call,
  endedCall,
  heldCall,
  NOW_MS,
  secondsAgo,
} from "../../../tests/support/calls.ts";
import { type Decision, decide, type Situation } from "../src/element/alerts/decide.ts";

const ALONE = { leads: true, rings: true, notifies: true };

function decided(cards: readonly Call[], over: Partial<Situation> = {}): Decision {
  const live = { phase: "connected", lostAtMs: Infinity } as const;
  const choices = { isQuiet: false, ringtone: true };
  return decide({ cards, nowMs: NOW_MS, duties: ALONE, ...live, ...choices, ...over });
}

const soundOf = (...cards: readonly Call[]): string | undefined => decided(cards).sound?.kind;

test("only an inbound call that asks for an answer rings", () => {
  expect(soundOf(call())).toBe("ring");
  expect(soundOf()).toBeUndefined();
  expect(soundOf(call({ direction: "outbound" }))).toBeUndefined();
  expect(soundOf(activeCall())).toBeUndefined();
  expect(soundOf(heldCall())).toBeUndefined();
  expect(soundOf(endedCall())).toBeUndefined();
});

test("a call without news for too long neither rings nor is notified", () => {
  const stale = decided([call({ stale_at: secondsAgo(1) })]);
  expect(stale).toEqual({ sound: null, notify: [], ringing: [] });
});

test("a ringtone ends by itself when its last call would be unconfirmed", () => {
  const cards = [call({ stale_at: secondsAgo(-20) }), call({ stale_at: secondsAgo(-50) })];
  expect(decided(cards).sound?.untilMs).toBe(NOW_MS + 50_000);
  expect(decided([call()]).sound?.untilMs).toBe(Infinity);
});

describe("a user who is talking", () => {
  test("hears a beep", () => {
    expect(soundOf(activeCall(), call({ leg_id: "b" }))).toBe("waiting");
  });

  test("is one whose call is confirmed and not on hold", () => {
    expect(soundOf(heldCall(), call({ leg_id: "b" }))).toBe("ring");
    const gone = activeCall({ stale_at: secondsAgo(1) });
    expect(soundOf(gone, call({ leg_id: "b" }))).toBe("ring");
  });
});

test("a page does only what is its duty", () => {
  const cards = [call()];
  const silent = decided(cards, { duties: { ...ALONE, rings: false } });
  expect([silent.sound, silent.notify]).toEqual([null, cards]);
  const quietly = decided(cards, { duties: { ...ALONE, notifies: false } });
  expect([quietly.sound?.kind, quietly.notify]).toEqual(["ring", []]);
});

test("do not disturb mutes, and leaves the title to tell", () => {
  const cards = [call()];
  expect(decided(cards, { isQuiet: true })).toEqual({ sound: null, notify: [], ringing: cards });
});

test("a ringtone that is turned off leaves the notification", () => {
  const cards = [call()];
  expect(decided(cards, { ringtone: false })).toEqual({
    sound: null,
    notify: cards,
    ringing: cards,
  });
});

describe("without a connection", () => {
  const NOTHING: Decision = { sound: null, notify: [], ringing: [] };

  test.each(["idle", "connecting", "refused", "closed"] as const)("nothing alerts: %s", (phase) => {
    expect(decided([call()], { phase })).toEqual(NOTHING);
  });

  test("that was just lost it rings on, and ends by itself", () => {
    const lost = decided([call()], { phase: "reconnecting", lostAtMs: NOW_MS - 9_000 });
    expect(lost.sound).toEqual({ kind: "ring", untilMs: NOW_MS + 1_000 });
    expect(lost.notify).toHaveLength(1);
  });

  test("that is lost for ten seconds nothing alerts", () => {
    const lost = decided([call()], { phase: "reconnecting", lostAtMs: NOW_MS - 10_000 });
    expect(lost).toEqual(NOTHING);
  });
});
