// The servers of the Redis benchmark: each starts on a fresh redis-server in a folder of its own, and
// answers with its processes by group, its popbench target and a way to stop it all.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { JWT_SECRET, WEBHOOK_SECRET, folder, freePort, gateway, start, stop, tools, work } from "./harness.mjs";

const peers = resolve("target/peers");
const sources = resolve("scripts/peers");

// Debian's default saves an RDB now and then; here nothing but what a column says. A rewrite of the AOF in the
// middle of one run and not of the next would compare nothing.
const MEMORY_ONLY = ["--save", "", "--appendonly", "no"];
const AOF = ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"];

async function redis(settings) {
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder(`redis-${port}`), ...settings];
  return { port, child: await start("redis-server", args, port, { stdio: "ignore" }) };
}

/** Redis and the servers on it, as one thing that popbench can be pointed at. */
function together(target, port, servers, store) {
  const groups = { server: servers.map(({ pid }) => pid), redis: [store.child.pid] };
  return { target, port, groups, stop: () => Promise.all([...servers, store.child].map(stop)) };
}

export async function floor() {
  const port = await freePort();
  const child = await start(join(tools, "floor"), [`127.0.0.1:${port}`], port);
  return { target: "callpop", port, groups: { server: [child.pid] }, stop: () => stop(child) };
}

async function node(port, store, durability, env) {
  const config = join(folder(`callpop-${port}-${await freePort()}`), "callpop.toml");
  const admin = await freePort();
  writeFileSync(
    config,
    `listen = "127.0.0.1:${port}"\nadmin_listen = "127.0.0.1:${admin}"
operator_listen = "127.0.0.1:0"
[engine]\nkind = "redis"\nredis_url = "redis://127.0.0.1:${store.port}"\ndurability = "${durability}"
[auth]\nhs256_secret = "${JWT_SECRET}"
[sources.telsmart]\nsecrets = ["${WEBHOOK_SECRET}"]
[log]\nfilter = "warn"\n`,
  );
  const child = await start(gateway, ["serve", "--config", config], admin, { env: { ...process.env, ...env } });
  for (let tries = 0; tries < 100; tries++) {
    if (await fetch(`http://127.0.0.1:${admin}/readyz`).then(({ ok }) => ok, () => false)) return child;
    await pause(50);
  }
  throw new Error("callpop is not ready");
}

/** One node on a Redis that only has memory, and one on a Redis with AOF. */
export const memory = () => nodes(1, "memory");
export const fsync = () => nodes(1, "fsync");

/** Several nodes behind one port: the kernel spreads the connections over them, and costs nothing. */
export async function nodes(count, durability = "memory") {
  const store = await redis(durability === "fsync" ? AOF : MEMORY_ONLY);
  const port = await freePort();
  const env = count > 1 ? { LD_PRELOAD: sharedPorts() } : {};
  const children = [];
  for (let started = 0; started < count; started++) children.push(await node(port, store, durability, env));
  return together("callpop", port, children, store);
}

/** Two nodes: webhooks go to the one, all sessions are on the other. */
export async function apart() {
  const store = await redis(MEMORY_ONLY);
  const [port, webhooks] = [await freePort(), await freePort()];
  const children = [await node(port, store, "memory"), await node(webhooks, store, "memory")];
  return { ...together("callpop", port, children, store), webhooks };
}

function sharedPorts() {
  const library = join(work, "reuseport.so");
  if (!existsSync(library)) execFileSync("cc", ["-shared", "-fPIC", "-O2", "-o", library, resolve("scripts/bench/reuseport.c")]);
  return library;
}

export const socketio = () => socketioProcesses(1);

/** Several processes share a port as callpop's nodes do. */
export async function socketioProcesses(count) {
  const place = join(peers, "socketio");
  mkdirSync(place, { recursive: true });
  cpSync(join(sources, "socketio"), place, { recursive: true });
  if (!existsSync(join(place, "node_modules"))) execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: place, stdio: "inherit" });
  const store = await redis(MEMORY_ONLY);
  const port = await freePort();
  const env = { ...process.env, NODE_ENV: "production", ...(count > 1 && { LD_PRELOAD: sharedPorts() }) };
  const args = [join(place, "server.js"), String(port), `redis://127.0.0.1:${store.port}`];
  const children = [];
  for (let started = 0; started < count; started++) children.push(await start("node", args, port, { env }));
  return together("socketio", port, children, store);
}

/** Centrifugo itself, where `CENTRIFUGO` names its binary. */
export async function centrifugo() {
  const store = await redis(MEMORY_ONLY);
  const port = await freePort();
  const settings = { HTTP_SERVER_PORT: port, CLIENT_TOKEN_HMAC_SECRET_KEY: JWT_SECRET, ENGINE_REDIS_ADDRESS: `redis://127.0.0.1:${store.port}` };
  const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`CENTRIFUGO_${name}`, String(value)]));
  const args = ["--config", join(sources, "centrifugo.json")];
  const child = await start(process.env.CENTRIFUGO, args, port, { env: { ...process.env, ...env } });
  return together("centrifugo", port, [child], store);
}

/** The library that Centrifugo is made of, behind the least that serves popbench. */
export async function centrifuge() {
  const binary = join(peers, "centrifuge");
  if (!existsSync(binary)) execFileSync("go", ["build", "-o", binary, "."], { cwd: join(sources, "centrifuge"), stdio: "inherit" });
  const store = await redis(MEMORY_ONLY);
  const port = await freePort();
  const child = await start(binary, [String(port), `127.0.0.1:${store.port}`, JWT_SECRET], port);
  return together("centrifugo", port, [child], store);
}
