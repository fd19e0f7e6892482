// From a frame's arrival in the page to the popup on the screen. The arrival is the first listener
// of the socket's message; on the screen is the first task after the animation frame in which the
// call's card is there, which is after the frame's paint.
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { connected, percentile } from "./stage.mjs";

const CALLS = 200;

export async function paint(stage) {
  const page = await stage.browser.newPage();
  await page.addInitScript(stampArrivals);
  await page.goto(stage.page(`data-token="${stage.token}"`));
  await connected(page);
  const times = [];
  for (let n = 0; n < CALLS; n += 1) {
    const id = randomUUID();
    // Calls come whenever they like within the screen's frames.
    await pause(20 + Math.random() * 50);
    await stage.post("RINGING", { id });
    times.push(await page.evaluate((leg) => globalThis.untilPainted(leg), id));
    await stage.post("HANGUP", { id });
  }
  return [
    { what: "frame to painted popup, p50", measured: percentile(times, 0.5), unit: "ms", goal: 8 },
    { what: "frame to painted popup, p95", measured: percentile(times, 0.95), unit: "ms", goal: 20 },
  ];
}

function stampArrivals() {
  const painted = new Map();
  const look = (leg, arrived) => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        const root = document.querySelector("call-popup")?.shadowRoot;
        const card = root?.querySelector(`.card[data-leg="${leg}"], .row[data-leg="${leg}"]`);
        if (card) painted.set(leg, performance.now() - arrived);
        else look(leg, arrived);
      };
      // Whether it was in the frame that is painted now is asked before the paint.
      if (document.querySelector("call-popup")?.shadowRoot?.querySelector(`[data-leg="${leg}"]`)) {
        port2.postMessage(null);
      } else {
        look(leg, arrived);
      }
    });
  };
  const Real = WebSocket;
  globalThis.WebSocket = class extends Real {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => {
        const arrived = performance.now();
        const { type, call } = JSON.parse(data);
        if (type === "call" && call.state === "ringing" && !painted.has(call.leg_id)) {
          painted.set(call.leg_id, null);
          look(call.leg_id, arrived);
        }
      });
    }
  };
  globalThis.untilPainted = async (leg) => {
    while (!painted.get(leg)) await new Promise((resolve) => setTimeout(resolve, 5));
    return painted.get(leg);
  };
}
