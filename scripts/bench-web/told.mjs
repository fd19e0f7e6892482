// From the button that disconnects at the provider to the user's open page of integrations, in a
// `callpop demo` with its simulated provider.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import * as harness from "../bench/harness.mjs";

const ROUNDS = 5;

export async function told(stage) {
  const demo = await startDemo();
  const times = [];
  try {
    const context = await stage.browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    await page.goto(demo.url);
    await page.locator('.seat[data-extension="200"]').getByRole("link", { name: "Details" }).click();
    for (let round = 0; round < ROUNDS; round += 1) times.push(await untilTold(context, page));
  } finally {
    await demo.stop();
  }
  return [{ what: "disconnected at the provider to shown, worst of 5", measured: Math.max(...times), unit: "ms", goal: 1_000 }];
}

async function untilTold(context, page) {
  await page.getByRole("button", { name: /^Connect/ }).click();
  const portal = await page.getByRole("link", { name: "your connections" }).getAttribute("href");
  const connections = new URL(portal, page.url()).href;
  await page.getByRole("button", { name: "Allow" }).click();
  await page.locator('.card[data-status="active"]').waitFor();
  await page.getByText("Changes show here by themselves").waitFor();
  const provider = await context.newPage();
  await provider.goto(connections);
  const disconnect = provider.getByRole("button", { name: /^Disconnect John/ });
  await disconnect.waitFor();
  const shown = page.locator('.card[data-status="deactivated"]').waitFor();
  const since = performance.now();
  await disconnect.click();
  await shown;
  const took = performance.now() - since;
  await provider.close();
  return took;
}

async function startDemo() {
  const child = spawn(harness.gateway, ["demo", "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
  const url = await new Promise((found, failed) => {
    child.once("exit", (code) => failed(new Error(`callpop demo ended with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [address] = /http:\/\/[\d.]+:\d+\//.exec(line) ?? [];
      if (address !== undefined) found(address);
    });
  });
  return { url, stop: () => harness.stop(child) };
}
