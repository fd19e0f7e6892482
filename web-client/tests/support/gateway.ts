// A real gateway: the binary, in a folder of its own, on ports that the system chose.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

const BINARY =
  process.env.CALLPOP_BIN ?? new URL("../../../target/debug/callpop", import.meta.url).pathname;
const START_DEADLINE_MS = 20_000;
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

/** `callpop serve` with a data folder that outlives its processes. */
export class Gateway {
  readonly #folder = mkdtempSync(join(tmpdir(), "callpop-browser-"));
  readonly #config = join(this.#folder, "callpop.toml");
  readonly #origins: readonly string[];
  #child: ChildProcess | null = null;
  #address = "127.0.0.1:0";

  /** `origins` are the pages that may connect. */
  constructor(origins: readonly string[]) {
    this.#origins = origins;
  }

  get url(): string {
    return `http://${this.#address}`;
  }

  /** Starts it; a second time on the port of the first. */
  async start(): Promise<void> {
    writeFileSync(this.#config, this.#toml());
    const child = run(["serve", "--config", this.#config]);
    this.#child = child;
    this.#address = await awaitLine(child, child.stderr, (line) => {
      const entry: { message?: string; public?: string } = JSON.parse(line);
      return entry.message === "listening" ? entry.public : undefined;
    });
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

  /** A token for an extension, as an operator mints one for development. */
  token(extension: string): string {
    const user = ["--tenant", TENANT, "--extension", extension];
    return execFileSync(BINARY, ["token", "--config", this.#config, ...user], {
      encoding: "utf8",
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
[engine]
data_dir = ${JSON.stringify(join(this.#folder, "data"))}
[auth]
hs256_secret = "a secret for tests, long enough for HS256"
allowed_origins = ${JSON.stringify(this.#origins)}
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
    env: { ...process.env, CALLPOP_LOG__FORMAT: "json" },
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
