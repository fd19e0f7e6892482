import { describe, expect, test } from "vitest";
import type { Diagnosis } from "../src/element/call-source.ts";
import {
  type Facts,
  type Finding,
  findingsOf,
  isPrivate,
  type Subject,
} from "../src/element/check/findings.ts";

const connected: Diagnosis = {
  phase: "connected",
  transport: "own",
  url: "wss://gateway.example/v1/stream",
  skewMs: 40,
  roundTripMs: 12.4,
  lastFrameAgeMs: 900,
  attempt: 0,
  refusal: null,
};

const fine: Facts = {
  sound: "on",
  ringtone: true,
  isSilent: false,
  isQuiet: false,
  notification: "granted",
  diagnosis: connected,
  localNetwork: "prompt",
  pageHost: "crm.example",
  violations: [],
  isStored: true,
  canShare: true,
  leads: true,
  window: "pip",
};

function finding(subject: Subject, over: Partial<Facts>): Finding | undefined {
  return findingsOf({ ...fine, ...over }).find((found) => found.subject === subject);
}

test("where all is well, everything is good", () => {
  expect(findingsOf(fine).map(({ health }) => health)).toEqual(Array(9).fill("good"));
});

test.each([
  ["sound", { sound: "none" }, "soundNone"],
  ["sound", { sound: "locked" }, "soundLocked"],
  ["sound", { ringtone: false }, "soundOff"],
  ["sound", { isSilent: true }, "soundSilent"],
  ["sound", { isQuiet: true }, "quiet"],
  ["notifications", { isQuiet: true }, "quiet"],
  ["notifications", { notification: "default" }, "notesAsk"],
  ["notifications", { notification: "denied" }, "notesDenied"],
  ["notifications", { notification: "unsupported" }, "notesNone"],
  ["clock", { diagnosis: { ...connected, skewMs: 600_000 } }, "clockAhead"],
  ["clock", { diagnosis: { ...connected, skewMs: -600_000 } }, "clockBehind"],
  ["connection", { diagnosis: { ...connected, phase: "reconnecting" } }, "disconnected"],
  ["connection", { diagnosis: { ...connected, phase: "refused" } }, "refused"],
  ["storage", { isStored: false }, "notStored"],
] as const)("%s needs attention: %o", (subject, over, code) => {
  expect(finding(subject, over)).toMatchObject({ health: "attention", code });
});

test("a clock's error is told in a unit that people use", () => {
  const skewed = (skewMs: number): unknown =>
    finding("clock", { diagnosis: { ...connected, skewMs } })?.values;
  expect(skewed(600_000)).toEqual({ time: "10 min" });
  expect(skewed(-45_000)).toEqual({ time: "45 s" });
});

test("a page's own source tells nothing, and that is no fault", () => {
  const found = findingsOf({ ...fine, diagnosis: null, leads: null });
  expect(found.filter(({ health }) => health === "attention")).toEqual([]);
  expect(found.find(({ subject }) => subject === "connection")?.health).toBe("unknown");
});

describe("the permission for a local network", () => {
  const inside = { ...connected, url: "wss://10.1.2.3/v1/stream" };
  const cut = { ...inside, phase: "connecting" } as const;

  test("matters only for a public page that reaches into one", () => {
    const network = (over: Partial<Facts>): string | undefined => finding("network", over)?.code;
    expect(network({ diagnosis: { ...connected, phase: "connecting" } })).toBe("networkFree");
    expect(network({ diagnosis: inside, pageHost: "localhost" })).toBe("networkFree");
    expect(network({ diagnosis: inside })).toBe("networkAllowed");
    expect(network({ diagnosis: cut, localNetwork: "prompt" })).toBe("networkAsks");
    expect(network({ diagnosis: cut, localNetwork: "denied" })).toBe("networkDenied");
    expect(network({ diagnosis: cut, localNetwork: "unsupported" })).toBe("notKnown");
  });

  test("may be what keeps a page from a gateway whose name says nothing", () => {
    const away = { ...connected, phase: "connecting" } as const;
    const over = { diagnosis: away, localNetwork: "denied" } as const;
    expect(finding("network", over)?.code).toBe("networkDenied");
  });

  test.each([
    ["192.168.1.20", true],
    ["172.16.0.1", true],
    ["172.32.0.1", false],
    ["100.64.0.1", true],
    ["[fd00::1]", true],
    ["[2001:db8::1]", false],
    ["printer.local", true],
    ["local.example", false],
    ["gateway.example", false],
  ])("of %s: %s", (host, expected) => {
    expect(isPrivate(host)).toBe(expected);
  });
});

test("only what concerns the gateway is a fault of the page's policy", () => {
  const other = { directive: "img-src", blocked: "https://ads.example", source: "" };
  expect(finding("policy", { violations: [other] })?.code).toBe("policyClear");
  const socket = { directive: "connect-src", blocked: "wss://gateway.example", source: "" };
  expect(finding("policy", { violations: [other, socket] })).toMatchObject({
    code: "policyBlocks",
    values: { directive: "connect-src", host: "gateway.example" },
  });
  const script = {
    directive: "require-trusted-types-for",
    blocked: "trusted-types-sink",
    source: "https://gateway.example",
  };
  expect(finding("policy", { violations: [script] })?.code).toBe("policyBlocks");
});

test("a window that stays above others, an ordinary one, or none", () => {
  const kinds = ["pip", "popup", null] as const;
  expect(kinds.map((window) => finding("window", { window })?.code)).toEqual([
    "windowAbove",
    "windowPlain",
    "windowNone",
  ]);
});
