// The demo's part of the gateway's HTTP interface: the simulated phones, their tokens, and notices.

import type { Notice } from "callpop";
import { request } from "../http.ts";

export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly events: number;
  readonly duration_ms: number;
}

export interface DemoConfig {
  readonly tenant_id: string;
  readonly phones: readonly { readonly extension: string; readonly name: string }[];
  readonly scenarios: readonly Scenario[];
  /** Whether there is a simulated portal to connect the phones' integrations at. */
  readonly integrations?: boolean;
}

export type LegAction =
  | "answer"
  | "hold"
  | "resume"
  | "hang_up"
  | "blind_transfer"
  | "attended_transfer"
  | "complete_transfer";

export interface PhoneLeg {
  readonly leg_id: string;
  readonly state: "ringing" | "active" | "held";
  readonly direction: "inbound" | "outbound";
  readonly remote: { readonly number: string; readonly name: string | null };
  readonly actions: readonly LegAction[];
}

export interface Phone {
  readonly extension: string;
  readonly name: string;
  readonly legs: readonly PhoneLeg[];
  readonly can_send_summary: boolean;
}

export interface WebhookLogEntry {
  readonly id: number;
  readonly at_ms: number;
  readonly extension: string;
  readonly leg_id: string;
  readonly state: string;
  /** Null while the gateway has not answered. */
  readonly status: number | null;
  readonly attempts: number;
}

export interface SimulatorState {
  readonly phones: readonly Phone[];
  readonly log: readonly WebhookLogEntry[];
}

export type PhoneAction = "incoming" | "dial" | "send_summary";

export interface CallOptions {
  readonly number?: string;
  readonly name?: string;
}

/** A webhook to the source of notices, and what the gateway answered. */
export interface SentNotice {
  readonly sent: {
    readonly event: "posted" | "done";
    readonly tenant_id: string;
    readonly extension: string;
    readonly notice_id: string;
    readonly at: number;
  };
  readonly status: number;
}

export function fetchConfig(): Promise<DemoConfig> {
  return request<DemoConfig>("/demo/config");
}

export async function fetchToken(extension: string): Promise<string> {
  const query = new URLSearchParams({ extension });
  return (await request<{ token: string }>(`/demo/token?${query}`)).token;
}

/** Plays a scenario; at speed 0 all of its events at once. */
export function play(scenario: string, speed: number): Promise<unknown> {
  return request("/simulator/play", { body: { scenario, speed } });
}

export function actOnPhone(
  extension: string,
  action: PhoneAction,
  options: CallOptions,
): Promise<SimulatorState> {
  return request(`/simulator/phones/${encodeURIComponent(extension)}/${action}`, { body: options });
}

export function actOnLeg(
  legId: string,
  action: LegAction,
  options: { to?: string },
): Promise<SimulatorState> {
  return request(`/simulator/legs/${encodeURIComponent(legId)}/${action}`, { body: options });
}

/** Has a system of one's own post a test notice to an extension. */
export function postNotice(kind: Notice["kind"], extension: string): Promise<SentNotice> {
  return request("/demo/notices", { body: { kind, extension } });
}

/** Has it say that a notice is done. */
export function finishNotice(extension: string, noticeId: string): Promise<SentNotice> {
  return request("/demo/notices/done", { body: { extension, notice_id: noticeId } });
}

/** Calls `changed` now and at every change; `reachable` tells whether the simulator answers. */
export function watchSimulator(
  changed: (state: SimulatorState) => void,
  reachable: (is: boolean) => void,
): void {
  const events = new EventSource("/simulator/events");
  events.onopen = (): void => reachable(true);
  events.onerror = (): void => reachable(false);
  events.onmessage = (event): void => changed(JSON.parse(String(event.data)) as SimulatorState);
}
