// Runs `examples/serve.mjs`, as its README says.

import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { BINARY, ENVIRONMENT, type Gateway } from "./gateway.ts";

const SERVE = new URL("../../../examples/serve.mjs", import.meta.url).pathname;
const START_DEADLINE_MS = 60_000;

export interface Example {
  readonly url: string;
  stop(): void;
}

/** A port that is free, for an origin that the gateway has to know before there is a server. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Serves one example for the gateway's extension 200; `folder` where it is not in its place. */
export async function serveExample(
  name: string,
  port: number,
  gateway: Gateway,
  folder?: string,
): Promise<Example> {
  const args = [name, "--port", String(port), "--gateway", gateway.url];
  args.push("--config", gateway.config, "--callpop", BINARY);
  if (folder !== undefined) args.push("--folder", folder);
  const child: ChildProcess = spawn(process.execPath, [SERVE, ...args], {
    env: ENVIRONMENT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("serve.mjs said nothing")), START_DEADLINE_MS);
    child.once("exit", (code) => reject(new Error(`serve.mjs ended with ${code}`)));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /http:\/\/[\d.]+:\d+\//.exec(line)?.[0];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
  });
  return { url, stop: () => void child.kill() };
}
