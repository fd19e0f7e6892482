// Tabs share one socket; the tab that has it is closed. From there to the first frame that another
// tab gets over a socket of its own.
import { connected, percentile } from "./stage.mjs";

const ROUNDS = 20;
const TABS = 3;

export async function failover(stage) {
  const context = await stage.browser.newContext();
  await context.addInitScript(stampFirstFrames);
  const url = stage.page(`data-token="${stage.token}"`);
  const open = async () => {
    const page = await context.newPage();
    await page.goto(url);
    await connected(page);
    return page;
  };
  let tabs = await Promise.all(Array.from({ length: TABS }, open));
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const leader = await onlySocket(tabs);
    const heirs = tabs.filter((tab) => tab !== leader);
    const closedAt = Date.now();
    const closed = leader.close();
    times.push(Math.min(...(await firstFrames(heirs))) - closedAt);
    await closed;
    tabs = [...heirs, await open()];
  }
  return [
    { what: "leader closed to the next one's first frame, p50", measured: percentile(times, 0.5), unit: "ms" },
    { what: "leader closed to the next one's first frame, worst of 20", measured: Math.max(...times), unit: "ms", goal: 100 },
  ];
}

/** The tab whose socket all share; there is one once handovers are over. */
async function onlySocket(tabs) {
  for (let tries = 0; tries < 200; tries += 1) {
    const open = await Promise.all(tabs.map((tab) => tab.evaluate("openSockets()")));
    if (open.reduce((a, b) => a + b) === 1) {
      const leader = tabs[open.indexOf(1)];
      await Promise.all(tabs.map((tab) => tab.evaluate("firstFrameAt = null")));
      return leader;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the tabs do not share one socket");
}

/** When each of the tabs that got a frame of its own got it. */
async function firstFrames(tabs) {
  for (let tries = 0; tries < 200; tries += 1) {
    const times = await Promise.all(tabs.map((tab) => tab.evaluate("firstFrameAt")));
    const known = times.filter((time) => time !== null);
    if (known.length > 0) return known;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("nobody took the lead");
}

function stampFirstFrames() {
  const sockets = [];
  globalThis.firstFrameAt = null;
  globalThis.openSockets = () => sockets.filter(({ readyState }) => readyState === 1).length;
  const Real = WebSocket;
  globalThis.WebSocket = class extends Real {
    constructor(...args) {
      super(...args);
      sockets.push(this);
      this.addEventListener("message", () => {
        globalThis.firstFrameAt ??= performance.timeOrigin + performance.now();
      });
    }
  };
}
