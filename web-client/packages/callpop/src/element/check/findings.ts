// What the self-check finds: pure, from facts. Every finding is one of a closed set, so that each
// has its remedy in words.

import type { NotificationState } from "../alerts/notifier.ts";
import type { WindowKind } from "../alerts/own-window.ts";
import type { SoundState } from "../alerts/speaker.ts";
import type { Violation } from "../alerts/violations.ts";
import type { Diagnosis } from "../call-source.ts";

export type Health = "good" | "attention" | "unknown";

export type Subject =
  | "sound"
  | "notifications"
  | "clock"
  | "connection"
  | "network"
  | "policy"
  | "storage"
  | "tabs"
  | "window";

export type Code =
  | "soundOn"
  | "soundLocked"
  | "soundOff"
  | "soundSilent"
  | "soundNone"
  | "quiet"
  | "notesOn"
  | "notesAsk"
  | "notesDenied"
  | "notesNone"
  | "clockRight"
  | "clockAhead"
  | "clockBehind"
  | "connected"
  | "connectedShared"
  | "disconnected"
  | "refused"
  | "networkFree"
  | "networkAllowed"
  | "networkAsks"
  | "networkDenied"
  | "policyClear"
  | "policyBlocks"
  | "stored"
  | "notStored"
  | "tabLeads"
  | "tabShares"
  | "tabAlone"
  | "windowAbove"
  | "windowPlain"
  | "windowNone"
  | "notKnown";

export interface Finding {
  readonly subject: Subject;
  readonly health: Health;
  readonly code: Code;
  /** For the gaps of its words. */
  readonly values: Readonly<Record<string, string>>;
}

/** A permission as the browser tells it; `unsupported`: it knows no such permission. */
export type LocalNetwork = PermissionState | "unsupported";

export interface Facts {
  readonly sound: SoundState;
  readonly ringtone: boolean;
  /** The last test of the sound gave no samples. */
  readonly isSilent: boolean;
  readonly isQuiet: boolean;
  readonly notification: NotificationState;
  readonly diagnosis: Diagnosis | null;
  readonly localNetwork: LocalNetwork;
  /** Where this page is, without a port. */
  readonly pageHost: string;
  readonly violations: readonly Violation[];
  readonly isStored: boolean;
  /** This browser has what tabs need to share a connection. */
  readonly canShare: boolean;
  readonly leads: boolean | null;
  readonly window: WindowKind;
}

/** Below this nobody notices. */
const CLOCK_TOLERANCE_MS = 30_000;

/** One finding for each subject, in the order of `Subject`. */
export function findingsOf(facts: Facts): readonly Finding[] {
  return [
    sound(facts),
    notifications(facts),
    clock(facts),
    connection(facts),
    network(facts),
    policy(facts),
    facts.isStored ? good("storage", "stored") : attention("storage", "notStored"),
    tabs(facts),
    ownWindow(facts),
  ];
}

type Values = Readonly<Record<string, string>>;

const good = (subject: Subject, code: Code, values: Values = {}): Finding => ({
  subject,
  health: "good",
  code,
  values,
});

const attention = (subject: Subject, code: Code, values: Values = {}): Finding => ({
  ...good(subject, code, values),
  health: "attention",
});

const unknown = (subject: Subject, code: Code = "notKnown"): Finding => ({
  ...good(subject, code),
  health: "unknown",
});

function sound({ sound: state, ringtone, isSilent, isQuiet }: Facts): Finding {
  if (state === "none") return attention("sound", "soundNone");
  if (isQuiet) return attention("sound", "quiet");
  if (!ringtone) return attention("sound", "soundOff");
  if (isSilent) return attention("sound", "soundSilent");
  return state === "on" ? good("sound", "soundOn") : attention("sound", "soundLocked");
}

function notifications({ notification, isQuiet }: Facts): Finding {
  if (isQuiet) return attention("notifications", "quiet");
  switch (notification) {
    case "granted":
      return good("notifications", "notesOn");
    case "default":
      return attention("notifications", "notesAsk");
    case "denied":
      return attention("notifications", "notesDenied");
    case "unsupported":
      return attention("notifications", "notesNone");
  }
}

function clock({ diagnosis }: Facts): Finding {
  const skewMs = diagnosis?.skewMs ?? null;
  if (skewMs === null) return unknown("clock");
  const seconds = Math.max(1, Math.round(Math.abs(skewMs) / 1000));
  const time = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  if (Math.abs(skewMs) < CLOCK_TOLERANCE_MS) return good("clock", "clockRight", { time });
  return attention("clock", skewMs > 0 ? "clockAhead" : "clockBehind", { time });
}

function connection({ diagnosis }: Facts): Finding {
  if (diagnosis === null) return unknown("connection");
  const host = hostOf(diagnosis.url);
  if (diagnosis.phase === "refused") return attention("connection", "refused");
  if (diagnosis.phase !== "connected") return attention("connection", "disconnected", { host });
  const time = `${Math.round(diagnosis.roundTripMs ?? 0)} ms`;
  const code = diagnosis.transport === "shared" ? "connectedShared" : "connected";
  return good("connection", code, { time });
}

/** Only a public page that reaches into a private network needs a permission for it. */
function network({ diagnosis, localNetwork, pageHost }: Facts): Finding {
  if (diagnosis === null) return unknown("network");
  const host = hostOf(diagnosis.url);
  const isUp = diagnosis.phase === "connected";
  const reachesIn = isPrivate(host) && !isPrivate(pageHost);
  // A name may stand for a private address: a refusal shows that it does.
  const mayReachIn = reachesIn || (!isPrivate(pageHost) && localNetwork === "denied" && !isUp);
  if (!mayReachIn) return good("network", "networkFree");
  if (isUp || localNetwork === "granted") return good("network", "networkAllowed");
  if (localNetwork === "prompt") return attention("network", "networkAsks", { host });
  if (localNetwork === "denied") return attention("network", "networkDenied", { host });
  return unknown("network");
}

function policy({ diagnosis, violations }: Facts): Finding {
  const origins = originsOf(diagnosis?.url ?? "");
  const ours = violations.find(
    ({ blocked, source }) => origins.includes(blocked) || origins.includes(source),
  );
  if (ours === undefined) return good("policy", "policyClear");
  const host = hostOf(diagnosis?.url ?? "");
  return attention("policy", "policyBlocks", { directive: ours.directive, host });
}

function tabs({ canShare, diagnosis, leads }: Facts): Finding {
  if (diagnosis?.transport === "shared") return good("tabs", "tabShares");
  return canShare && leads ? good("tabs", "tabLeads") : unknown("tabs", "tabAlone");
}

function ownWindow({ window: kind }: Facts): Finding {
  if (kind === "pip") return good("window", "windowAbove");
  return unknown("window", kind === "popup" ? "windowPlain" : "windowNone");
}

/** The address of a gateway as its page and its socket have it. */
function originsOf(url: string): readonly string[] {
  if (!URL.canParse(url)) return [];
  const { host } = new URL(url);
  return ["http:", "https:", "ws:", "wss:"].map((scheme) => `${scheme}//${host}`);
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : "";
}

/** Whether a host is of this computer or of a private network, as far as its name tells. */
export function isPrivate(host: string): boolean {
  return (
    /^(10|127|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.[\d.]+$/.test(
      host,
    ) ||
    /^\[(::1|f[cd]|fe[89ab])/.test(host) ||
    /(^|\.)(localhost|local|internal|home\.arpa)$/.test(host)
  );
}
