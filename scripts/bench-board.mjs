// What a wallboard costs: until it is complete, in memory, and of the processor while boards are open.
//
//     node scripts/bench-board.mjs [CALLS] [RATE] [SECONDS] [ENGINE]
//
// CALLS (40000) of a simulated centre of 500 extensions are sent first, all of today; then RATE (1000) events a second
// for SECONDS (20) without a board, and with five. Starts the gateway of `cargo build --release` on free ports of
// loopback, with the ENGINE memory, fsync or redis (memory); BENCH_GATEWAY names another binary. Memory is measured
// without huge pages of the kernel, which round it up; BENCH_HUGE=1 leaves them on.
import { createHmac } from "node:crypto";
import { execFileSync } from "node:child_process";
import { createInterface } from "node:readline";
import { createReadStream, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as harness from "./bench/harness.mjs";

const { JWT_SECRET, WEBHOOK_SECRET, freePort, start, stop } = harness;
const WebSocket = createRequire(resolve("web-client/package.json"))("ws");
const [calls = 40_000, rate = 1000, seconds = 20] = process.argv.slice(2, 5).map(Number);
const engine = process.argv[5] ?? "memory";
const TENANT = "b11d749b-8eb7-4236-a068-3d94ba3860d6";
const BOARDS = 5;
const EXTENSIONS = 500;

if (!process.env.BENCH_GATEWAY) harness.build(engine === "redis" ? ["node", "redis"] : ["node"]);
const ports = { public: await freePort(), admin: await freePort(), operator: await freePort() };
const folder = harness.folder(`board-${ports.public}`);
const config = join(folder, "callpop.toml");
const engines = {
  memory: () => `durability = "memory"`,
  fsync: () => `data_dir = "${join(folder, "data")}"`,
  redis: async () => `kind = "redis"\nredis_url = "redis://127.0.0.1:${await redis()}"\ndurability = "memory"`,
};

async function redis() {
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  await start("redis-server", args, port, { stdio: "ignore" });
  return port;
}

writeFileSync(
  config,
  `listen = "127.0.0.1:${ports.public}"\nadmin_listen = "127.0.0.1:${ports.admin}"\noperator_listen = "127.0.0.1:${ports.operator}"
[engine]\n${await engines[engine]()}
[auth]\nhs256_secret = "${JWT_SECRET}"
[sources.telsmart]\nsecrets = ["${WEBHOOK_SECRET}"]
[log]\nfilter = "warn"\n`,
);
const env = process.env.BENCH_HUGE ? process.env : { ...process.env, MIMALLOC_ALLOW_THP: "0" };
const gateway = await start(harness.gateway, ["serve", "--config", config], ports.public, { env });
const base = `http://127.0.0.1:${ports.public}`;

function token(sub) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const head = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub, tenant_id: TENANT, role: "supervisor", extensions: [], exp })}`;
  return `${head}.${createHmac("sha256", JWT_SECRET).update(head).digest("base64url")}`;
}

async function post(events) {
  const headers = { "Content-Type": "application/json", "X-Webhook-Secret": WEBHOOK_SECRET };
  const answer = await fetch(`${base}/webhooks/telsmart`, { method: "POST", headers, body: JSON.stringify(events) });
  if (answer.status !== 204) throw new Error(`a webhook was answered by ${answer.status}`);
}

const stat = () => {
  const fields = readFileSync(`/proc/${gateway.pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
const kilobytes = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, "utf8"))[1]);

/** Sends a centre's calls; gives how many legs they had. */
async function fill() {
  const events = join(folder, "events.jsonl");
  const begin = String((Date.now() - 10 * 3600_000) * 1000);
  const centre = ["--centre", String(EXTENSIONS), "--calls", String(calls), "--tenant", TENANT, "--begin", begin];
  execFileSync(harness.gateway, ["simulate", ...centre, "--to", events]);
  const legs = new Set();
  let some = [];
  for await (const line of createInterface({ input: createReadStream(events) })) {
    const event = JSON.parse(line);
    legs.add(event.id);
    some.push(event);
    if (some.length === 100) await post(some.splice(0));
  }
  if (some.length > 0) await post(some);
  return legs.size;
}

/** Calls of five events, so many events a second, as they would come. */
async function play(prefix) {
  const TICKS = 20;
  let nth = 0;
  const begin = performance.now();
  for (let tick = 0; tick < seconds * TICKS; tick++) {
    const events = Array.from({ length: rate / TICKS }, () => event(prefix, nth++));
    await post(events);
    await pause(Math.max(0, begin + ((tick + 1) * 1000) / TICKS - performance.now()));
  }
}

function event(prefix, nth) {
  const [call, step] = [Math.floor(nth / 5), nth % 5];
  const number = `+324${String(call % 100_000_000).padStart(8, "0")}`;
  // Beside those of the centre, of which some are said to be on a call for ever.
  const extension = String(2000 + (call % EXTENSIONS));
  return {
    tenant_id: TENANT,
    user_extension: extension,
    id: `${prefix}-${call}`,
    state: ["RINGING", "ACTIVE", "HELD", "ACTIVE", "HANGUP"][step],
    timestamp: String(Date.now() * 1000 + step),
    direction: "in",
    caller_number: number,
    callee_number: extension,
  };
}

const legs = await fill();
await pause(1000);
const before = kilobytes();
const asked = performance.now();
const figures = async () =>
  (await fetch(`${base}/v1/figures`, { headers: { Authorization: `Bearer ${token("a")}` } })).json();
let first = await figures();
// An answer waits for some seconds, and then says how much is counted.
while (first.complete < 1) first = await figures();
const complete = performance.now() - asked;
const each = ((kilobytes() - before) * 1024) / legs;
console.log(`${calls} calls, ${legs} legs: complete in ${Math.round(complete)} ms, ${Math.round(each)} B a leg`);

const measured = async (prefix) => {
  const cpu = stat();
  await play(prefix);
  return (stat() - cpu) / seconds;
};
// The board of that question goes a minute after it; then nobody computes it.
await pause(65_000);
const alone = await measured("alone");
const taken = { bytes: 0, frames: 0 };
const boards = await Promise.all(
  Array.from({ length: BOARDS }, (_, nth) => {
    const bearer = ["callpop.v1", `bearer.${token(`board-${nth}`)}`];
    const socket = new WebSocket(`ws://127.0.0.1:${ports.public}/v1/stream?view=board&scope=tenant`, bearer);
    socket.on("message", (data) => {
      if (nth > 0) return;
      taken.bytes += data.length;
      taken.frames += 1;
    });
    return new Promise((open) => socket.once("open", () => open(socket)));
  }),
);
await pause(3000);
Object.assign(taken, { bytes: 0, frames: 0 });
const watched = await measured("watched");
console.log(`at ${rate} events a second: ${(alone * 100).toFixed(1)} % of a core, with ${BOARDS} boards ${(watched * 100).toFixed(1)} %`);
console.log(`to one board: ${Math.round(taken.bytes / seconds / 1024)} KiB a second in ${Math.round(taken.frames / seconds)} frames`);
boards.forEach((socket) => socket.close());
await stop(gateway);
process.exit(0);
