// A gateway's part of a user's integrations, answered by the browser itself: any state, at once.

import type { Integration } from "callpop";
import type { Page, WebSocketRoute } from "playwright-core";

const MINUTE_US = 60_000_000;

/** What a page asked for. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token: string | null;
  readonly body: unknown;
}

/** A token as it looks, for that user; the stand-in verifies nothing. */
export function tokenFor(...extensions: readonly string[]): string {
  const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString("base64url");
  return `${part({ alg: "HS256" })}.${part({ sub: "john", extensions })}.c2lnbmF0dXJl`;
}

/** An active integration of extension 200, with what is given put over it. */
export function integration(over: Partial<Integration> = {}): Integration {
  return {
    source: "telsmart",
    provider: "telsmart",
    extension: "200",
    status: "active",
    since: Date.now() * 1000 - 25 * MINUTE_US,
    access_token_expires_at: Math.floor(Date.now() / 1000) + 35 * 60,
    cause: null,
    ...over,
  };
}

interface Refused {
  readonly status: number;
  readonly detail: string;
}

export class IntegrationGateway {
  list: readonly Integration[] = [];
  /** Names by number. */
  readonly contacts: Map<string, string> = new Map();
  /** Answered instead, by path. */
  readonly refusals: Map<string, Refused> = new Map();
  readonly asked: Asked[] = [];
  #socket: WebSocketRoute | null = null;

  /** Answers that page from now on, its stream too. */
  async answer(page: Page): Promise<void> {
    await this.answerRequests(page);
    await page.routeWebSocket(/\/v1\/stream/, (socket) => {
      this.#socket = socket;
      socket.send(JSON.stringify(snapshot()));
    });
  }

  /** Answers that page's requests from now on; its stream is another's. */
  async answerRequests(page: Page): Promise<void> {
    await page.route(/\/v1\/|\/integrations\/telsmart\//, async (route) => {
      const request = route.request();
      const url = new URL(request.url());
      this.asked.push({
        method: request.method(),
        path: `${url.pathname}${url.search}`,
        token: (await request.headerValue("authorization"))?.replace("Bearer ", "") ?? null,
        body: request.postDataJSON(),
      });
      const refusal = this.refusals.get(url.pathname);
      if (refusal !== undefined) return route.fulfill({ status: refusal.status, json: refusal });
      const headers = { "access-control-allow-origin": "*" };
      return route.fulfill({ headers, ...this.#answerTo(url, request.postDataJSON()) });
    });
  }

  /** Tells the page, as the gateway does whenever a status changes. */
  tell(told: Integration): void {
    this.#socket?.send(JSON.stringify({ type: "integration", ...told }));
  }

  /** Ends the page's socket, as a network does. */
  async drop(): Promise<void> {
    await this.#socket?.close({ code: 4503 });
  }

  #answerTo(
    url: URL,
    body: { extension?: string } | null,
  ): { status: number; json?: unknown; contentType?: string; body?: string } {
    switch (url.pathname) {
      case "/v1/integrations":
        return { status: 200, json: this.list };
      case "/v1/contacts": {
        const number = url.searchParams.get("number") ?? "";
        return { status: 200, json: { number, name: this.contacts.get(number) ?? null } };
      }
      case "/v1/tickets":
        return { status: 201, json: { ticket: "once-only", expires_in: 30 } };
      case "/integrations/telsmart/disconnect":
        this.list = this.list.map((one) =>
          one.extension === body?.extension ? { ...one, ...ended() } : one,
        );
        return { status: 200, json: { status: "deactivated" } };
      case "/integrations/telsmart/connect": {
        const back = url.searchParams.get("redirect_url") ?? "";
        const page = `<!doctype html><title>MyTelsmart</title><a href="${back}">Allow</a>`;
        return { status: 200, contentType: "text/html", body: page };
      }
      default:
        return { status: 404, json: { detail: "nothing here" } };
    }
  }
}

function ended(): Partial<Integration> {
  return { status: "deactivated", since: Date.now() * 1000, access_token_expires_at: null };
}

function snapshot(): object {
  return {
    type: "snapshot",
    epoch: "e1",
    seq: 1,
    stream: "mine",
    server_time: Date.now() * 1000,
    session_id: "s1",
    heartbeat_ms: 15_000,
    token_expires_at: Math.floor(Date.now() / 1000) + 3600,
    calls: [],
  };
}
