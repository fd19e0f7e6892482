// What the benchmarks share: building, servers on free ports of loopback that never outlive the
// script, popbench with the CPU of each process beside it, medians and tables.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export const JWT_SECRET = "a secret of the benchmark, 32 bytes and more";
export const WEBHOOK_SECRET = "a webhook secret of the benchmark";
export const work = mkdtempSync(join(tmpdir(), "callpop-bench-"));
// What servers and browsers put into the temporary folder goes with it.
process.env.TMPDIR = work;
export const tools = resolve("target/popbench/release");
const generator = process.env.POPBENCH ?? join(tools, "popbench");
/** How long a run is measured; less than is usual shows that all works, and no more. */
export const seconds = (usual) => ["--secs", process.env.BENCH_SECS ?? String(usual)];
export const gateway = process.env.BENCH_GATEWAY ?? join(resolve(process.env.CARGO_TARGET_DIR ?? "target"), "release/callpop");

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(work, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** Installs the parts of scripts/need that are missing, and builds popbench with the floor, and the gateway. */
export function build(parts, withGateway = true) {
  const run = (command, ...args) => execFileSync(command, args, { stdio: "inherit" });
  run("scripts/need", "compiler", ...parts);
  const generatorBuild = ["--manifest-path", "benches/popbench/Cargo.toml", "--target-dir", "target/popbench"];
  run("cargo", "build", "--release", "--locked", ...generatorBuild);
  if (withGateway && !process.env.BENCH_GATEWAY) run("cargo", "build", "--release", "--locked");
}

export async function freePort() {
  const server = createServer();
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** A folder for one server, below the one that is removed at the end. */
export function folder(name) {
  return mkdtempSync(join(work, `${name}-`));
}

const accepts = (port) =>
  new Promise((answer) => {
    const socket = connect(port, "127.0.0.1", () => answer(true)).on("error", () => answer(false));
    socket.on("close", () => socket.destroy()).setTimeout(1000, () => socket.destroy());
    socket.on("connect", () => socket.end());
  });

/** Starts a server and waits until its port takes connections. */
export async function start(command, args, port, options = {}) {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"], ...options });
  running.add(child);
  child.once("exit", () => running.delete(child));
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    if (await accepts(port)) return child;
    await pause(50);
  }
  throw new Error(`${command} does not listen`);
}

export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((gone) => child.once("exit", gone));
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await exited;
  clearTimeout(late);
}

/** CPU seconds of a process so far, with its threads. */
function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/**
 * One run of popbench. `groups` names the processes: `{ server: [pid], redis: [pid] }`. The answer is popbench's
 * line with `cpu`, µs an event by group: popbench's own sum, split as /proc shows it for the same seconds.
 */
export async function popbench(args, groups) {
  const pids = Object.values(groups).flat();
  const child = spawn(generator, [...args, "--pid", pids.join(",")], { stdio: ["ignore", "pipe", "inherit"] });
  running.add(child);
  const samples = [];
  const sample = () => samples.push({ at: Date.now(), cpu: Object.fromEntries(pids.map((pid) => [pid, cpuSeconds(pid)])) });
  const sampling = setInterval(sample, 50);
  let out = "";
  for await (const part of child.stdout) out += part;
  sample();
  clearInterval(sampling);
  running.delete(child);
  const result = JSON.parse(out);
  // popbench reads the CPU after its warm-up, and again 1.5 s after the last event, just before it prints.
  const from = samples.at(-1).at - (result.secs + 1.5) * 1000;
  const first = samples.findLast(({ at }) => at <= from) ?? samples[0];
  const used = Object.entries(groups).map(([name, of]) => [name, sum(of.map((pid) => samples.at(-1).cpu[pid] - first.cpu[pid]))]);
  const all = sum(used.map(([, seconds]) => seconds));
  result.cpu = Object.fromEntries(used.map(([name, seconds]) => [name, (result.server_cpu_us_per_event * seconds) / all]));
  return result;
}

/** Says so when a run lost something, since its figures then mean little. */
export function complain(name, result) {
  if (result.http_errors || result.failed || result.failed_conns || result.received < result.expected)
    process.stderr.write(`  ${name} lost something: ${JSON.stringify(result)}\n`);
}

const sum = (values) => values.reduce((a, b) => a + b, 0);
export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
export const round = (value) => Math.round(value).toLocaleString("en");
export const tenth = (value) => value.toFixed(1);

/** A table in Markdown: `rows` maps a heading to its cells. */
export function table(title, columns, rows) {
  console.log(`\n${title}\n\n| | ${columns.join(" | ")} |\n| --- |${" --- |".repeat(columns.length)}`);
  for (const [heading, cells] of Object.entries(rows)) console.log(`| ${heading} | ${cells.join(" | ")} |`);
}
