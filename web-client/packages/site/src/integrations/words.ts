// What an integration's state means to the person whose calls it is about, in plain words.

import type { Integration } from "callpop";

/** The name of a colour in the style sheet. */
export type StatusTone = "off" | "wait" | "good" | "bad";

export interface Fact {
  readonly term: string;
  readonly text: string;
}

export interface IntegrationWords {
  readonly tone: StatusTone;
  readonly title: string;
  /** What it means for the reader. */
  readonly meaning: string;
  /** Why something is to be done, when it is. */
  readonly why: string | null;
  readonly facts: readonly Fact[];
  /** What the button that leads to the provider says; null when there is nothing to do there. */
  readonly connect: string | null;
  readonly canDisconnect: boolean;
}

const PROVIDERS: Readonly<Record<string, string>> = { telsmart: "Telsmart" };
const PORTALS: Readonly<Record<string, string>> = { telsmart: "MyTelsmart" };

/** That long after its end, an access that was renewed would have been heard of. */
const OVERDUE_AFTER_MS = 45_000;

/** The provider as people call it. */
export function providerName(provider: string): string {
  return PROVIDERS[provider] ?? provider;
}

/** Where its users consent. */
export function portalName(provider: string): string {
  return PORTALS[provider] ?? providerName(provider);
}

/** Describes an integration, or its absence, to its user. */
export function describe(
  provider: string,
  integration: Integration | null,
  nowMs: number,
): IntegrationWords {
  const names: Names = { provider: providerName(provider), portal: portalName(provider) };
  if (integration === null) return notConnected(names);
  const since = whenText(integration.since / 1000, nowMs);
  switch (integration.status) {
    case "pending":
      return pending(names, since);
    case "active":
    case "refreshing":
    case "ambiguous":
      return connected(names, integration, nowMs);
    case "reauth_required":
      return reauthRequired(names, integration, since);
    case "deactivated":
      return deactivated(names, since);
    default:
      return unknown(String(integration.status satisfies never), since);
  }
}

interface Names {
  readonly provider: string;
  readonly portal: string;
}

function notConnected({ portal }: Names): IntegrationWords {
  return {
    tone: "off",
    title: "Not connected",
    meaning: `Connect to see the calls of this extension here. You sign in at ${portal}, allow it, and come back.`,
    why: null,
    facts: [],
    connect: "Connect",
    canDisconnect: false,
  };
}

function pending({ provider, portal }: Names, since: string): IntegrationWords {
  return {
    tone: "wait",
    title: `Waiting for ${provider}`,
    meaning: `You went to ${portal} to connect, and ${provider} has not confirmed it yet. If you left ${portal} before the end, connect again.`,
    why: null,
    facts: [{ term: "Begun", text: since }],
    connect: "Connect again",
    canDisconnect: false,
  };
}

function connected(names: Names, integration: Integration, nowMs: number): IntegrationWords {
  const { status, access_token_expires_at: expires } = integration;
  const endsMs = expires === null ? null : expires * 1000;
  const overdue = endsMs !== null && endsMs + OVERDUE_AFTER_MS <= nowMs;
  const since = whenText(integration.since / 1000, nowMs);
  const facts: Fact[] = [];
  facts.push({ term: status === "ambiguous" ? "Unclear since" : "Since", text: since });
  if (endsMs !== null) facts.push(accessFact(status, whenText(endsMs, nowMs), overdue));
  const shared = { why: null, facts, connect: null, canDisconnect: true };
  if (overdue) {
    return {
      ...shared,
      tone: "wait",
      title: "Connected, renewal overdue",
      meaning: `The access that ${names.provider} gave has ended, and renewing it has not worked yet. callpop keeps trying; names of callers may be missing until then.`,
    };
  }
  if (status === "ambiguous") {
    return {
      ...shared,
      tone: "wait",
      title: "Connected, being checked",
      meaning: `The last renewal got no clear answer from ${names.provider}. Everything still works. callpop finds out by itself, and you are told here if you have to connect again.`,
    };
  }
  return {
    ...shared,
    tone: "good",
    title: status === "active" ? "Connected" : "Connected, being renewed",
    meaning: "The calls of this extension reach you here. There is nothing to do.",
  };
}

function accessFact(status: Integration["status"], text: string, overdue: boolean): Fact {
  if (overdue) return { term: "Access ended", text };
  return { term: status === "active" ? "Renewed before" : "Access until", text };
}

function reauthRequired(names: Names, integration: Integration, since: string): IntegrationWords {
  return {
    tone: "bad",
    title: "Access lost",
    meaning: `${names.provider} no longer lets callpop in for this extension. Its calls may not reach you here until you connect again.`,
    why: whyAgain(names, integration.cause),
    facts: [{ term: "Since", text: since }],
    connect: "Connect again",
    canDisconnect: true,
  };
}

/** Why access was lost; it is never the fault of the reader. */
function whyAgain({ provider, portal }: Names, cause: string | null): string {
  switch (cause) {
    case "rejected":
      return `${provider} refused to renew the access. It may have been withdrawn in ${portal}, or have run out while callpop was off.`;
    case "response_lost":
      return `${provider} renewed the access, but its answer was lost on the way and could not be had again. You did nothing wrong.`;
    case "restored":
      return "callpop was restored from a backup, and what it knew of this access is too old to be used. You did nothing wrong.";
    case null:
      return `${provider} did not renew the access, and gave no reason.`;
    default:
      return `The access could not be renewed (${cause.slice(0, 80)}).`;
  }
}

function deactivated({ provider, portal }: Names, since: string): IntegrationWords {
  return {
    tone: "off",
    title: "Disconnected",
    meaning: `The connection was ended here or in ${portal}. callpop has deleted the access that ${provider} had given.`,
    why: null,
    facts: [{ term: "Since", text: since }],
    connect: "Connect again",
    canDisconnect: false,
  };
}

/** A newer gateway may know more states than this page. */
function unknown(status: string, since: string): IntegrationWords {
  return {
    tone: "wait",
    title: `State “${status.slice(0, 40)}”`,
    meaning: "This page does not know that state. Reload it to update.",
    why: null,
    facts: [{ term: "Since", text: since }],
    connect: "Connect again",
    canDisconnect: true,
  };
}

const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

/** "today at 14:32" or "8 Dec 2025 at 14:32", in the reader's time zone. */
export function whenText(ms: number, nowMs: number): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return "unknown";
  const sameDay = new Date(ms).toDateString() === new Date(nowMs).toDateString();
  return `${sameDay ? "today" : DAY.format(ms)} at ${TIME.format(ms)}`;
}
