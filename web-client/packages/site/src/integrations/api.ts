// The gateway's HTTP interface to a user's integrations. No token of a provider ever comes here.

import type { Integration } from "callpop";
import { request } from "../http.ts";

/** The integration of one extension at one source, which is a provider of some kind. */
export interface Place {
  readonly source: string;
  readonly provider: string;
  readonly extension: string;
}

export function fetchIntegrations(token: string): Promise<readonly Integration[]> {
  return request("/v1/integrations", { token });
}

/** Where the user consents; good for one visit within half a minute. `back` is of this origin. */
export async function connectAddress(token: string, place: Place, back: string): Promise<string> {
  const { ticket } = await request<{ ticket: string }>("/v1/tickets", { token, body: {} });
  const query = new URLSearchParams({ ticket, extension: place.extension, redirect_url: back });
  return `${base(place)}/connect?${query}`;
}

export function disconnect(token: string, place: Place): Promise<unknown> {
  return request(`${base(place)}/disconnect`, { token, body: { extension: place.extension } });
}

function base({ source }: Place): string {
  return `/integrations/${encodeURIComponent(source)}`;
}
