// A network that drops every connection for an instant: from there to the first frame of the next
// session, with what happened meanwhile on the screen. Each round is a page of its own, since
// losses within a minute wait longer each time.
import { randomUUID } from "node:crypto";
import { connect, createServer } from "node:net";
import { connected, percentile } from "./stage.mjs";

const ROUNDS = 30;

export async function reconnect(stage) {
  const network = await startNetwork(stage.port);
  const url = stage.page(`data-token="${stage.token}" data-url="http://127.0.0.1:${network.port}"`);
  const times = [];
  let lost = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const page = await stage.browser.newPage();
    await page.addInitScript(stampFrames);
    await page.goto(url);
    await connected(page);
    await page.evaluate("arrivals.length = 0");
    const [id, droppedAt] = [randomUUID(), Date.now()];
    network.drop();
    await stage.post("RINGING", { id });
    const card = page.locator(`call-popup [data-leg="${id}"]`);
    await card.waitFor({ timeout: 10_000 }).catch(() => {
      lost += 1;
    });
    times.push((await page.evaluate("arrivals[0]")) - droppedAt);
    await stage.post("HANGUP", { id });
    await page.close();
  }
  network.close();
  return [
    { what: "reconnected after a blip, p50", measured: percentile(times, 0.5), unit: "ms" },
    { what: "reconnected after a blip, p95", measured: percentile(times, 0.95), unit: "ms", goal: 1_000 },
    { what: "calls lost in it", measured: lost, unit: `of ${ROUNDS}`, goal: 0 },
  ];
}

/** Stands between the page and the gateway. */
async function startNetwork(gateway) {
  const open = new Set();
  const server = createServer((near) => {
    const far = connect(gateway, "127.0.0.1");
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => socket.destroy()).on("close", () => open.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const drop = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  const close = () => {
    server.close();
    drop();
  };
  return { port: server.address().port, drop, close };
}

function stampFrames() {
  const arrivals = [];
  Object.assign(globalThis, { arrivals });
  const Real = WebSocket;
  globalThis.WebSocket = class extends Real {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", () => {
        arrivals.push(performance.timeOrigin + performance.now());
      });
    }
  };
}
