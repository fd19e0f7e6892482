// The React example as a reader gets it: the packed package from npm, built in a folder of its own.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openChromium } from "../support/chromium.ts";
import { telsmartEvent } from "../support/events.ts";
import { type Example, freePort, serveExample } from "../support/examples.ts";
import { keepWatch } from "../support/foreign.ts";
import { Gateway } from "../support/gateway.ts";

const EXAMPLE = new URL("../../../examples/react", import.meta.url).pathname;
const PACKAGE = new URL("../../packages/callpop", import.meta.url).pathname;
/** Of npm, on a machine that has fetched none of it before. */
const INSTALL_DEADLINE_MS = 180_000;

let folder: string;
let browser: Browser;
let gateway: Gateway;
let example: Example;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "callpop-react-"));
  const copy = join(folder, "react");
  const isOurs = (path: string): boolean => !/\/(node_modules|dist)$|\.tgz$/.test(path);
  await cp(EXAMPLE, copy, { recursive: true, filter: isOurs });
  await npm(["pack", "--pack-destination", folder], PACKAGE);
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack made no tarball");
  const quiet = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--prefer-offline"];
  await npm(["install", ...quiet, join(folder, tarball)], copy);
  await npm(["run", "build"], copy);

  const port = await freePort();
  gateway = new Gateway([`http://127.0.0.1:${port}`]);
  await gateway.start();
  example = await serveExample("react", port, gateway, join(copy, "dist"));
  browser = await openChromium();
}, INSTALL_DEADLINE_MS);
afterAll(async () => {
  await browser?.close();
  example?.stop();
  await gateway?.dispose();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function npm(args: readonly string[], cwd: string): Promise<void> {
  try {
    await promisify(execFile)("npm", [...args], { cwd, timeout: INSTALL_DEADLINE_MS });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`npm ${args.join(" ")}: ${stdout}\n${stderr}`);
  }
}

test("the example, built from the packed package, shows a call in its list and in the popup", async () => {
  const page = await browser.newPage();
  const watch = await keepWatch(page);
  await page.goto(example.url);
  await page.locator('call-popup [data-phase="connected"]').waitFor();
  expect(await page.locator("output").textContent()).toBe("connected");
  const call = { id: randomUUID(), caller_name: "Marie Peeters" };
  await gateway.post(telsmartEvent("RINGING", call));
  await page.locator('call-popup .card[data-state="ringing"]', { hasText: "Marie" }).waitFor();
  await page.getByRole("listitem").filter({ hasText: "Marie Peeters: ringing" }).waitFor();
  await gateway.post(telsmartEvent("ACTIVE", call));
  await page.getByRole("listitem").filter({ hasText: "Marie Peeters: active" }).waitFor();
  expect(await page.locator("call-popup").count()).toBe(1);
  expect([...watch.problems(), ...watch.warnings(), ...watch.violations()]).toEqual([]);
});

test("a component that is mounted twice, as under StrictMode, leaves one connection", async () => {
  const page = await browser.newPage();
  const open = new Set<object>();
  page.on("websocket", (socket) => {
    open.add(socket);
    socket.on("close", () => void open.delete(socket));
  });
  await page.goto(example.url);
  await page.locator('call-popup [data-phase="connected"]').waitFor();
  expect(open.size).toBe(1);
});
