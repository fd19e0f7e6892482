// Pages of somebody else: any HTML under any policy, on an origin that is not the gateway's.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { BrowserContext, Page } from "playwright-core";
import { type Watch, watchPage } from "./watch.ts";

export interface ForeignPage {
  readonly html: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the page's own `/token` answers; none: 401. */
  readonly token?: () => string;
}

/** All that a page says. */
export interface Complaints extends Watch {
  /** What is on the console short of errors. */
  warnings(): readonly string[];
  /** `directive blocked-uri` of everything that its policy has blocked. */
  violations(): readonly string[];
}

export interface Foreign extends Complaints {
  readonly page: Page;
}

/** A server of one page. */
export interface ForeignSite {
  readonly origin: string;
  open(context: BrowserContext, what: ForeignPage): Promise<Foreign>;
  close(): void;
}

/** Starts on a free port: a page that a browser got otherwise may not reach this computer. */
export async function serveForeign(): Promise<ForeignSite> {
  let shown: ForeignPage = { html: "" };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/") {
      const head =
        '<!doctype html><title>A page of somebody else</title><link rel="icon" href="data:,">';
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...shown.headers });
      response.end(head + shown.html);
    } else if (pathname === "/token" && shown.token !== undefined) {
      response.end(JSON.stringify({ token: shown.token() }));
    } else {
      response.writeHead(pathname === "/token" ? 401 : 404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    open: async (context, what) => {
      shown = what;
      const page = await context.newPage();
      const watched = await keepWatch(page);
      await page.goto(origin);
      return { page, ...watched };
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Keeps what the page complains of, and what its policy blocks, over all its navigations. */
export async function keepWatch(page: Page): Promise<Complaints> {
  const violations: string[] = [];
  const warnings: string[] = [];
  const watch = watchPage(page);
  page.on("console", (message) => {
    if (message.type() === "warning") warnings.push(message.text());
  });
  await page.exposeBinding("violated", (_, what: string) => void violations.push(what));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
      const { violated } = globalThis as unknown as { violated: (what: string) => void };
      violated(`${effectiveDirective} ${blockedURI}`);
    });
  });
  return { ...watch, warnings: () => warnings, violations: () => violations };
}
