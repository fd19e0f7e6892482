// What ended calls cost: bytes of memory each, on the disk, and of the time to start with all of them.
//
//     node scripts/bench-ended.mjs [COUNTS] [SUMMARY_BYTES]
//
// COUNTS are two numbers of calls with a comma between (default 100000,1000000); five events make a call, and
// SUMMARY_BYTES (0) more are in a summary. Starts the gateway of `cargo build --release` with fsync on a free port of
// loopback; BENCH_GATEWAY names another binary. Prints a line for each count, and the slope between them.
import { writeFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import * as harness from "./bench/harness.mjs";

const { JWT_SECRET, WEBHOOK_SECRET, freePort, start, stop } = harness;
const [counts = "100000,1000000", summaryBytes = "0"] = process.argv.slice(2);
const TOGETHER = summaryBytes === "0" ? 60 : Math.max(1, Math.floor(200_000 / (Number(summaryBytes) + 2_000)));
const TENANTS = 20;
const EXTENSIONS = 100;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

if (!process.env.BENCH_GATEWAY) harness.build([]);
const ports = { public: await freePort(), admin: await freePort() };
const folder = harness.folder(`ended-${ports.public}`);
const config = join(folder, "callpop.toml");
writeFileSync(
  config,
  `listen = "127.0.0.1:${ports.public}"\nadmin_listen = "127.0.0.1:${ports.admin}"
[engine]\ndata_dir = "${folder}/data"\nsettle_after = "1s"
[auth]\nhs256_secret = "${JWT_SECRET}"
[calls]\nkeep_ended = "365d"
[sources.telsmart]\nsecrets = ["${WEBHOOK_SECRET}"]
[log]\nfilter = "warn"\n`,
);

const serve = () => start(harness.gateway, ["serve", "--config", config], ports.public);

function post(body) {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/json", "X-Webhook-Secret": WEBHOOK_SECRET };
    const options = { port: ports.public, method: "POST", path: "/webhooks/telsmart", agent, headers };
    const sent = request(options, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** The five events of a call, and its summary. */
function call(nth) {
  const at = 1_765_209_366_000_000 + nth * 1_000;
  const hex = nth.toString(16).padStart(12, "0");
  const event = (state, later, more) => ({
    tenant_id: `b11d749b-8eb7-4236-a068-${String(nth % TENANTS).padStart(12, "0")}`,
    user_extension: String(200 + (Math.floor(nth / TENANTS) % EXTENSIONS)),
    id: `590e9492-cbbc-4252-8205-${hex}`,
    state,
    timestamp: String(at + later * 1_000_000),
    direction: "in",
    caller_number: `+32289${String(nth % 100_000).padStart(5, "0")}`,
    caller_name: "Marie Peeters",
    callee_number: "200",
    callee_name: "John Doe",
    ...more,
  });
  const states = ["RINGING", "ACTIVE", "HELD", "ACTIVE", "HANGUP"];
  const events = states.map((state, second) => event(state, second));
  if (summaryBytes !== "0") {
    const words = "the caller asks whether the appointment of Tuesday can be moved; ";
    const text = words.repeat(Math.ceil(Number(summaryBytes) / words.length)).slice(0, Number(summaryBytes));
    events.push(event("SUMMARY_REPORTING", 60, { summary: { language: "en-GB", content: { text: `${nth} ${text}` } } }));
  }
  return events;
}

async function fill(from, to) {
  let next = from;
  const sender = async () => {
    while (next < to) {
      const first = next;
      next = Math.min(to, next + TOGETHER);
      const events = [];
      for (let nth = first; nth < next; nth++) events.push(...call(nth));
      const status = await post(JSON.stringify(events));
      if (status !== 204) throw new Error(`the gateway says ${status}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, sender));
}

async function metric(name) {
  const text = await (await fetch(`http://127.0.0.1:${ports.admin}/metrics`)).text();
  return Number(text.split("\n").find((line) => line.startsWith(name))?.split(" ")[1] ?? "0");
}

const resident = (child) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))[1]) * 1024;

async function settled(count) {
  while ((await metric("callpop_store_items ")) < count) await pause(500);
  // What was wanted for a moment is given back.
  await pause(5_000);
}

let child = await serve();
const seen = [];
for (const count of counts.split(",").map(Number)) {
  await fill(seen.at(-1)?.count ?? 0, count);
  await settled(count);
  const memory = resident(child);
  await stop(child);
  const began = performance.now();
  child = await serve();
  const ready = performance.now() - began;
  const bytes = (await metric('callpop_store_bytes{series="items"}')) + (await metric('callpop_store_bytes{series="events"}'));
  const afterStart = resident(child);
  seen.push({ count, memory, ready });
  console.log(
    `${count} calls: ${(memory / 2 ** 20).toFixed(1)} MB, ${(afterStart / 2 ** 20).toFixed(1)} MB after a start, ` +
      `which took ${(ready / 1000).toFixed(2)} s; ${(bytes / 2 ** 20).toFixed(0)} MB on the disk`,
  );
}
if (seen.length === 2) {
  const [less, more] = seen;
  console.log(`memory of a call: ${Math.round((more.memory - less.memory) / (more.count - less.count))} B`);
}
await stop(child);
