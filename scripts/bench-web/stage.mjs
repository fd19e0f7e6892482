// What every measure stands on: a gateway, a page of another origin with its script tag, and a
// Chromium. All of it ends with the script.
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as harness from "../bench/harness.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
process.chdir(root);
const { chromium } = createRequire(join(root, "web-client/package.json"))("playwright-core");

export const dist = join(root, "web-client/dist");
const TENANT = "b11d749b-8eb7-4236-a068-3d94ba3860d6";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
const QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Starts everything on free ports. */
export async function openStage() {
  if (!existsSync(harness.gateway)) {
    execFileSync("cargo", ["build", "--release", "--locked"], { stdio: "inherit" });
  }
  const site = await servePage();
  const { port, config, child } = await startGateway(site.origin);
  const url = `http://127.0.0.1:${port}`;
  const executablePath = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: [...FLAGS, ...QUIET] });
  const user = ["--tenant", TENANT, "--extension", "200"];
  const mint = ["token", "--config", config, ...user];
  const token = execFileSync(harness.gateway, mint, { encoding: "utf8" }).trim();
  return {
    browser,
    url,
    port,
    token,
    /** Lets the gateway stand still: what is open stays open, and silent. */
    stall: () => child.kill("SIGSTOP"),
    goOn: () => child.kill("SIGCONT"),
    /** A page with a script tag with these attributes. */
    page: (attributes) => site.page(`<script src="${url}/embed/v1.js" ${attributes}></script>`),
    /** Sends an event of an inbound call; answers when the gateway has taken it. */
    post: (state, call) => post(url, state, call),
    close: async () => {
      await browser.close();
      site.close();
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await ended;
    },
  };
}

async function startGateway(origin) {
  const [port, admin] = [await harness.freePort(), await harness.freePort()];
  const folder = harness.folder("web");
  const config = join(folder, "callpop.toml");
  writeFileSync(
    config,
    `listen = "127.0.0.1:${port}"\nadmin_listen = "127.0.0.1:${admin}"
operator_listen = "127.0.0.1:0"
[engine]\ndata_dir = "${folder}/data"\ndurability = "memory"
[auth]\nhs256_secret = "${harness.JWT_SECRET}"\nallowed_origins = ["${origin}"]
[sources.telsmart]\nsecrets = ["${harness.WEBHOOK_SECRET}"]
[log]\nfilter = "warn"\n`,
  );
  const child = await harness.start(harness.gateway, ["serve", "--config", config], port);
  return { port, config, child };
}

/** A site of pages that are there once they were asked for. */
async function servePage() {
  const pages = [];
  const server = createServer((request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    const body = pages[Number(request.url?.slice(1))] ?? "";
    response.end(`<!doctype html><link rel="icon" href="data:,"><body>${body}</body>`);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { origin, close, page: (html) => `${origin}/${pages.push(html) - 1}` };
}

async function post(url, state, { id = randomUUID(), at = Date.now() } = {}) {
  const event = {
    tenant_id: TENANT,
    caller_number: "+3228992675",
    direction: "in",
    callee_name: "John Doe",
    state,
    caller_name: "Marie Peeters",
    callee_number: "200",
    user_extension: "200",
    id,
    timestamp: `${at}000`,
  };
  const response = await fetch(`${url}/webhooks/telsmart`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-webhook-secret": harness.WEBHOOK_SECRET },
    body: JSON.stringify(event),
  });
  if (response.status !== 204) throw new Error(`${response.status}: ${await response.text()}`);
}

/** Waits until the page's popup has a connection. */
export async function connected(page) {
  await page.locator('call-popup [data-phase="connected"]').waitFor();
}

/** The value below which that share of the values is. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}
