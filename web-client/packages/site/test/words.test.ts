import type { Integration, IntegrationStatus } from "callpop";
import { describe as group, expect, test } from "vitest";
import { describe, portalName, providerName, whenText } from "../src/integrations/words.ts";

const NOW_MS = new Date(2026, 10, 22, 14, 30).getTime();
const minutes = (count: number): number => count * 60_000;

function integration(over: Partial<Integration> = {}): Integration {
  return {
    source: "telsmart",
    provider: "telsmart",
    extension: "200",
    status: "active",
    since: (NOW_MS - minutes(20)) * 1000,
    access_token_expires_at: (NOW_MS + minutes(40)) / 1000,
    cause: null,
    ...over,
  };
}

const words = (over: Partial<Integration> | null): ReturnType<typeof describe> =>
  describe("telsmart", over === null ? null : integration(over), NOW_MS);

group("each state says what it means and what can be done", () => {
  const again = "Connect again";
  test.each<[IntegrationStatus | "none", string, string, string | null, boolean]>([
    ["none", "off", "Not connected", "Connect", false],
    ["pending", "wait", "Waiting for Telsmart", again, false],
    ["active", "good", "Connected", null, true],
    ["refreshing", "good", "Connected, being renewed", null, true],
    ["ambiguous", "wait", "Connected, being checked", null, true],
    ["reauth_required", "bad", "Access lost", again, true],
    ["deactivated", "off", "Disconnected", again, false],
  ])("%s", (status, tone, title, connect, canDisconnect) => {
    const said = words(status === "none" ? null : { status });
    expect(said).toMatchObject({ tone, title, connect, canDisconnect });
    expect(said.meaning.length).toBeGreaterThan(40);
    expect(said.facts.length > 0).toBe(status !== "none");
    expect(said.why === null).toBe(status !== "reauth_required");
  });

  test("no two of them say the same", () => {
    const all = (["pending", "active", "ambiguous", "reauth_required", "deactivated"] as const).map(
      (status) => words({ status }).meaning,
    );
    expect(new Set([...all, words(null).meaning]).size).toBe(6);
  });

  test("one that this page does not know is named, and can be left either way", () => {
    const status = "sparkling" as IntegrationStatus;
    expect(words({ status })).toMatchObject({
      tone: "wait",
      title: "State “sparkling”",
      connect: "Connect again",
      canDisconnect: true,
    });
  });
});

group("why to connect again", () => {
  test.each([
    ["rejected", "Telsmart refused to renew the access. It may have been withdrawn in MyTelsmart"],
    ["response_lost", "its answer was lost on the way"],
    ["restored", "callpop was restored from a backup"],
    [null, "gave no reason"],
    ["moon_phase", "The access could not be renewed (moon_phase)."],
  ])("%s", (cause, why) => {
    expect(words({ status: "reauth_required", cause }).why).toContain(why);
  });

  test("is not told of a state that needs nothing", () => {
    expect(words({ status: "active", cause: "rejected" }).why).toBeNull();
  });

  test("a cause of any length stays short", () => {
    const cause = "x".repeat(5_000);
    expect(words({ status: "reauth_required", cause }).why?.length).toBeLessThan(130);
  });
});

group("until when", () => {
  test("an active one is good, before which it is renewed", () => {
    expect(words({}).facts).toEqual([
      { term: "Since", text: "today at 14:10" },
      { term: "Renewed before", text: "today at 15:10" },
    ]);
  });

  test("one that is being renewed or checked is valid, without a promise", () => {
    for (const status of ["refreshing", "ambiguous"] as const) {
      expect(words({ status }).facts[1]).toEqual({ term: "Access until", text: "today at 15:10" });
    }
  });

  test("is over: said plainly, whatever the state", () => {
    for (const status of ["active", "refreshing", "ambiguous"] as const) {
      const said = words({ status, access_token_expires_at: (NOW_MS - minutes(3)) / 1000 });
      expect(said).toMatchObject({ tone: "wait", title: "Connected, renewal overdue" });
      expect(said.facts[1]).toEqual({ term: "Access ended", text: "today at 14:27" });
    }
  });

  test("is not known: not told", () => {
    expect(words({ access_token_expires_at: null }).facts).toHaveLength(1);
  });
});

test("moments of other days name the day, and nonsense is unknown", () => {
  expect(whenText(new Date(2025, 11, 8, 9, 5).getTime(), NOW_MS)).toBe("8 Dec 2025 at 09:05");
  expect(whenText(Number.NaN, NOW_MS)).toBe("unknown");
  expect(whenText(1e300, NOW_MS)).toBe("unknown");
});

test("a provider without a name here goes by its own", () => {
  expect([providerName("telsmart"), portalName("telsmart")]).toEqual(["Telsmart", "MyTelsmart"]);
  expect([providerName("acme"), portalName("acme")]).toEqual(["acme", "acme"]);
});
