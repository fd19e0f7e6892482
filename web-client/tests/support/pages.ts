// Serves the built files and the harness page under the gateway's own policy.

import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";

/**
 * What the gateway sends with its own pages; a page elsewhere also connects to a gateway, and one
 * that wants the contacts' names over HTTP too.
 */
function policy(gateway: string, path: string): string {
  const contacts = path === "contacts.html" ? gateway : "";
  return [
    "default-src 'none'",
    `script-src 'self' ${gateway}`,
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ${gateway.replace(/^http/, "ws")} ${contacts}`,
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

const HARNESS = new URL("../browser/harness/", import.meta.url);
const BUILT = new URL("../../dist/", import.meta.url);

export interface Pages {
  readonly url: string;
  readonly origin: string;
  /** Makes the pages use that gateway; `token` answers where a token is asked for. */
  useGateway(gateway: string, token: () => string): void;
  close(): void;
}

/** Starts on a free port: the harness pages, the built files, and `/token`. */
export async function servePages(): Promise<Pages> {
  let gateway = "";
  let token = (): string => "";
  const server: Server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname.slice(1);
    if (path === "token") response.end(JSON.stringify({ token: token() }));
    else void answerFile(response, path, gateway);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    url: `${origin}/`,
    origin,
    useGateway: (address, mint) => {
      gateway = address;
      token = mint;
    },
    close: () => server.close(),
  };
}

async function answerFile(response: ServerResponse, path: string, gateway: string): Promise<void> {
  const file = /^(embed|assets)\//.test(path)
    ? new URL(path, BUILT)
    : path === "integrations"
      ? new URL("integrations.html", BUILT)
      : new URL(path || "index.html", HARNESS);
  try {
    const body = await readFile(file, "utf8");
    response.writeHead(200, {
      "content-type": TYPES[extname(file.pathname)] ?? "application/octet-stream",
      "content-security-policy": policy(gateway, path),
    });
    response.end(body.replace("{gateway}", gateway));
  } catch {
    response.writeHead(404).end();
  }
}
