// From a frame's arrival in the page to the popup on the screen. The arrival is the first listener
// of the socket's message; on the screen is the first task after the animation frame in which the
// call's card is there, which is after the frame's paint. Beside it, the same for a page that changes
// one text: the wait for the screen's next frame is in both.
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
    // A page at rest, and any moment between two of the screen's frames.
    await pause(300 + Math.random() * 100);
    await stage.post("RINGING", { id });
    times.push(await page.evaluate((leg) => globalThis.untilPainted(leg), id));
    await stage.post("HANGUP", { id });
  }
  const empty = await page.evaluate(emptyFrames, CALLS / 2);
  return [
    { what: "a frame of the browser with one changed text, p50", measured: percentile(empty, 0.5), unit: "ms" },
    { what: "the same, p95", measured: percentile(empty, 0.95), unit: "ms" },
    { what: "frame to painted popup, p50", measured: percentile(times, 0.5), unit: "ms", goal: 8 },
    { what: "frame to painted popup, p95", measured: percentile(times, 0.95), unit: "ms", goal: 20 },
  ];
}

async function emptyFrames(count) {
  const text = document.body.appendChild(document.createElement("p"));
  const times = [];
  for (let n = 0; n < count; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 100));
    const start = performance.now();
    text.textContent = String(n);
    await new Promise((resolve) => {
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          port1.close();
          resolve();
        };
        port2.postMessage(null);
      });
    });
    times.push(performance.now() - start);
  }
  text.remove();
  return times;
}

function stampArrivals() {
  const painted = new Map();
  const look = (leg, arrived) => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        const root = document.querySelector("call-popup")?.shadowRoot;
        // What draws in a frame of its own draws before the paint of this one.
        if (root?.querySelector(`[data-leg="${leg}"]`)) painted.set(leg, performance.now() - arrived);
        else look(leg, arrived);
      };
      port2.postMessage(null);
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
