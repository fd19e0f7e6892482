// The self-check as text to send to somebody who helps: no number, name, token or path in it.

import type { Facts, Finding } from "./findings.ts";

/** In English, whatever the user speaks: its reader is another one. */
export function reportOf(findings: readonly Finding[], facts: Facts, browser: string): string {
  const { diagnosis, violations } = facts;
  const lines = [
    `callpop self-check ${new Date().toISOString()}`,
    `browser: ${browser}`,
    `page: ${location.origin}`,
    ...findings.map(({ subject, health, code }) => `${subject}: ${health} (${code})`),
    `local-network permission: ${facts.localNetwork}`,
  ];
  if (diagnosis !== null) {
    const { phase, transport, attempt, refusal } = diagnosis;
    lines.push(
      `gateway: ${URL.canParse(diagnosis.url) ? new URL(diagnosis.url).host : "?"}`,
      `phase: ${phase}, socket: ${transport ?? "none"}, attempt: ${attempt}, refusal: ${refusal ?? "none"}`,
      `clock skew: ${ms(diagnosis.skewMs)}, round trip: ${ms(diagnosis.roundTripMs)}, last frame: ${ms(diagnosis.lastFrameAgeMs)} ago`,
    );
  }
  for (const { directive, blocked } of violations) lines.push(`blocked: ${directive} ${blocked}`);
  return lines.join("\n");
}

function ms(value: number | null): string {
  return value === null ? "unknown" : `${Math.round(value)} ms`;
}
