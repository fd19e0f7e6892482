// The address that a call opens, from the page's template: pure. What a caller sends can fill a
// gap, and never be more than that.

import type { Call, Party } from "../../wire.ts";
import { displayText } from "../text.ts";

type Gap = "remote.number" | "remote.name" | "local.number" | "extension" | "leg_id" | "direction";

const GAPS: ReadonlySet<string> = new Set<Gap>([
  "remote.number",
  "remote.name",
  "local.number",
  "extension",
  "leg_id",
  "direction",
]);

/** What is wrong with a template, for the page's developer, or null. */
export function problemOf(template: string, base: string): string | null {
  const unknown = gapsOf(template).find((gap) => !GAPS.has(gap));
  if (unknown !== undefined) return `screen-pop: there is no {${unknown}}`;
  const [one, other] = ["a", "b"].map((value) =>
    parse(
      fillAll(template, () => value),
      base,
    ),
  );
  if (!one || !other) return "screen-pop: the template is no http or https address";
  const isOpen = one.origin !== other.origin || one.username !== "" || one.password !== "";
  return isOpen ? "screen-pop: the host must not come from the call" : null;
}

/** The address for a call; null when the call has nothing of its caller that the template asks for. */
export function addressOf(template: string, call: Call, base: string): string | null {
  const values = valuesOf(call);
  const asked = gapsOf(template).filter((gap) => gap.startsWith("remote."));
  if (asked.length > 0 && asked.every((gap) => values[gap as Gap] === "")) return null;
  return (
    parse(
      fillAll(template, (gap) => encoded(values[gap as Gap] ?? "")),
      base,
    )?.href ?? null
  );
}

/** Whom the call is really with: on a transfer that is announced, the original caller. */
export function callerOf(call: Call): Party {
  const { transfer, remote } = call;
  const isAnnounced = transfer !== null && transfer.completed_at === null;
  const original = isAnnounced ? transfer.original_number : "";
  return original === "" ? remote : { number: original, name: null };
}

/** Whether the caller is from outside: who may be among the customers of the page. */
export function isOutside(call: Call): boolean {
  return !call.internal || callerOf(call) !== call.remote;
}

function valuesOf(call: Call): Readonly<Record<Gap, string>> {
  const caller = callerOf(call);
  return {
    "remote.number": caller.number ?? "",
    "remote.name": caller.name ?? "",
    "local.number": call.local.number ?? "",
    extension: call.extension,
    leg_id: call.leg_id,
    direction: call.direction,
  };
}

function gapsOf(template: string): string[] {
  return [...template.matchAll(/\{([^{}]*)\}/g)].map(([, gap]) => gap ?? "");
}

function fillAll(template: string, value: (gap: string) => string): string {
  return template.replace(/\{([^{}]*)\}/g, (_, gap: string) => value(gap));
}

/** A value of dots alone would climb to another folder, encoded or not. */
function encoded(value: string): string {
  return /^\.+$/.test(value) ? "" : encodeURIComponent(displayText(value));
}

function parse(address: string, base: string): URL | null {
  try {
    const url = new URL(address, base);
    return url.protocol === "https:" || url.protocol === "http:" ? url : null;
  } catch {
    return null;
  }
}
