// A real gateway: the binary, in a folder of its own, on ports that the system chose.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { eventually } from "./eventually.ts";

export const BINARY: string =
  process.env.CALLPOP_BIN ?? new URL("../../../target/debug/callpop", import.meta.url).pathname;
/** The binary takes every other CALLPOP_… for a setting. */
export const ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  CALLPOP_BIN: undefined,
  CALLPOP_LOG__FORMAT: "json",
};
const START_DEADLINE_MS = 60_000;
const WEBHOOK_SECRET = "webhook-secret-of-the-browser-tests";

export const TENANT = "b11d749b-8eb7-4236-a068-3d94ba3860d6";

export interface Demo {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts `callpop demo`. */
export async function startDemo(): Promise<Demo> {
  const child = run(["demo", "--listen", "127.0.0.1:0"]);
  const url = await awaitLine(
    child,
    child.stdout,
    (line) => /http:\/\/[\d.]+:\d+\//.exec(line)?.[0],
  );
  return { url, stop: () => end(child, "SIGTERM") };
}

/**
 * `callpop serve` with a data folder that outlives its processes. Nobody is given up for want of a
 * heartbeat: what is noticed is noticed by the signs that a test gives.
 */
export class Gateway {
  readonly #folder = mkdtempSync(join(tmpdir(), "gateway-"));
  readonly #config = join(this.#folder, "callpop.toml");
  readonly #origins: readonly string[];
  #child: ChildProcess | null = null;
  #address = "127.0.0.1:0";
  #adminAddress = "";

  /** `origins` are the pages that may connect. */
  constructor(origins: readonly string[]) {
    this.#origins = origins;
  }

  get url(): string {
    return `http://${this.#address}`;
  }

  /** The file that it was configured by. */
  get config(): string {
    return this.#config;
  }

  /** Starts it; a second time on the port of the first. */
  async start(): Promise<void> {
    writeFileSync(this.#config, this.#toml());
    const child = run(["serve", "--config", this.#config]);
    this.#child = child;
    this.#address = await awaitLine(child, child.stderr, (line) => {
      const entry: { message?: string; public?: string; admin?: string } = JSON.parse(line);
      if (entry.message !== "listening") return undefined;
      this.#adminAddress = entry.admin ?? "";
      return entry.public;
    });
  }

  /** The sum of a metric over its labels. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`http://${this.#adminAddress}/metrics`);
    let sum = 0;
    for (const line of (await response.text()).split("\n")) {
      if (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) {
        sum += Number(line.slice(line.lastIndexOf(" ")));
      }
    }
    return sum;
  }

  /** Stops it as a network that is dead does: what is open stays open, and silent. */
  async stall(): Promise<void> {
    this.#child?.kill("SIGSTOP");
    // The signal takes a moment; what is answered until then would be a sign of life.
    const process = ["-o", "state=", "-p", String(this.#child?.pid)];
    const isStopped = (): boolean => execFileSync("ps", process, { encoding: "utf8" })[0] === "T";
    await eventually("a gateway that stands still", isStopped);
  }

  goOn(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Ends the process as a power cut would. */
  async kill(): Promise<void> {
    if (this.#child !== null) await end(this.#child, "SIGKILL");
    this.#child = null;
  }

  /** Ends it for good. */
  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A token for an extension, as an operator mints one for development; for an hour by default. */
  token(extension: string, ttlSeconds = 3600): string {
    const user = ["--tenant", TENANT, "--extension", extension, "--ttl", String(ttlSeconds)];
    return execFileSync(BINARY, ["token", "--config", this.#config, ...user], {
      encoding: "utf8",
      env: ENVIRONMENT,
    }).trim();
  }

  /** Sends an event as Telsmart does, and expects it to be taken. */
  async post(event: object): Promise<void> {
    const response = await fetch(`${this.url}/webhooks/telsmart`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-webhook-secret": WEBHOOK_SECRET },
      body: JSON.stringify(event),
    });
    if (response.status !== 204) throw new Error(`${response.status}: ${await response.text()}`);
  }

  #toml(): string {
    return `
listen = "${this.#address}"
admin_listen = "127.0.0.1:0"
operator_listen = "127.0.0.1:0"
[engine]
data_dir = ${JSON.stringify(join(this.#folder, "data"))}
[auth]
hs256_secret = "a secret for tests, long enough for HS256"
allowed_origins = ${JSON.stringify(this.#origins)}
[sessions]
heartbeat = "1h"
[calls]
dispositions = ["Resolved", "Call back"]
[sources.telsmart]
secrets = ["${WEBHOOK_SECRET}"]
`;
  }
}

function run(args: readonly string[]): ChildProcess & { stdout: Readable; stderr: Readable } {
  if (!existsSync(BINARY)) {
    throw new Error(`${BINARY} is missing: build it, or name another one in CALLPOP_BIN`);
  }
  const child = spawn(BINARY, args, {
    env: ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  return child;
}

/** The first thing that `find` finds in the output; a process that ends or hangs is an error. */
function awaitLine(
  child: ChildProcess,
  output: Readable,
  find: (line: string) => string | undefined,
): Promise<string> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`callpop ${why}: ${said.join("\n")}`));
    const timer = setTimeout(() => fail("said nothing useful"), START_DEADLINE_MS);
    child.once("exit", (code) => fail(`ended with ${code}`));
    child.stderr?.on("data", (data) => said.push(String(data)));
    createInterface({ input: output }).on("line", (line) => {
      const found = find(line);
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
  });
}

function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill(signal);
  });
}
