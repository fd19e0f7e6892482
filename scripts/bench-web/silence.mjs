// From the frame that tells of an answer to the silence of the ringtone, from the very beginning of
// a burst, which would last for 400 ms.
import { randomUUID } from "node:crypto";
import { connected, percentile } from "./stage.mjs";

const ROUNDS = 20;

export async function silence(stage) {
  const page = await stage.browser.newPage();
  await page.addInitScript(listen);
  await page.goto(stage.page(`data-token="${stage.token}"`));
  await connected(page);
  await page.locator("call-popup .alerts-button").waitFor();
  await page.mouse.click(4, 4);
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const id = randomUUID();
    await stage.post("RINGING", { id });
    await page.evaluate("untilBurst()");
    const silent = page.evaluate("untilSilent()");
    await stage.post("ACTIVE", { id });
    times.push(await silent);
    await stage.post("HANGUP", { id });
  }
  await page.close();
  return [
    { what: "answered elsewhere to silence, p50", measured: percentile(times, 0.5), unit: "ms" },
    { what: "answered elsewhere to silence, worst of 20", measured: Math.max(...times), unit: "ms", goal: 50 },
  ];
}

function listen() {
  let analyser = null;
  let answeredAt = null;
  const samples = new Float32Array(256);
  const level = () => {
    analyser?.getFloatTimeDomainData(samples);
    return Math.max(...samples.map(Math.abs));
  };
  const { connect } = AudioNode.prototype;
  AudioNode.prototype.connect = function (to) {
    if (to instanceof AudioDestinationNode) {
      analyser ??= Object.assign(this.context.createAnalyser(), { fftSize: 256 });
      connect.call(this, analyser);
    }
    return connect.call(this, to);
  };
  const Real = WebSocket;
  globalThis.WebSocket = class extends Real {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => {
        const { type, call } = JSON.parse(data);
        if (type === "call" && call.state === "active") answeredAt = performance.now();
      });
    }
  };
  // Not a timer, which waits for milliseconds.
  const turn = () =>
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve(port1.close());
      port2.postMessage(null);
    });
  globalThis.untilBurst = async () => {
    answeredAt = null;
    while (level() > 0) await turn();
    while (level() < 0.05) await turn();
  };
  globalThis.untilSilent = async () => {
    while (answeredAt === null || level() > 0.001) await turn();
    return performance.now() - answeredAt;
  };
}
