// What the SDK costs a page that sees a busy tenant: how much of a core 1,000 frames a second take,
// while 600 calls are known. The client is the built one, in this process, on a socket that is a feed.
import { join } from "node:path";
import { CALL } from "./call.mjs";
import { dist } from "./stage.mjs";

const CALLS = 600;
const FRAMES_A_SECOND = 1_000;
const FRAMES = 20_000;

export async function feed() {
  const { CallpopClient } = await import(join(dist, "../packages/callpop/dist/index.js"));
  const sockets = [];
  const webSocket = class {
    readyState = 1;
    constructor() {
      sockets.push(this);
    }
    send() {}
    close() {}
  };
  const client = new CallpopClient({ url: "https://gateway.example", token: () => "jwt", tabs: false, webSocket });
  let told = 0;
  client.on("calls", (calls) => (told += calls.length));
  client.connect();
  while (sockets.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const receive = (frame) => sockets[0].onmessage(new MessageEvent("message", { data: frame }));
  receive(JSON.stringify(opening()));
  const frames = Array.from({ length: FRAMES }, (_, n) => changed(n));
  // As the page that shows them: everything is compiled after the first second.
  for (const frame of frames.slice(0, FRAMES_A_SECOND)) receive(frame);
  const before = process.cpuUsage();
  for (const frame of frames.slice(FRAMES_A_SECOND)) receive(frame);
  const { user, system } = process.cpuUsage(before);
  client.close();
  if (told < FRAMES * CALLS) throw new Error("not every frame was told of");
  const us = (user + system) / (FRAMES - FRAMES_A_SECOND);
  const measured = (us * FRAMES_A_SECOND) / 1e4;
  return [{ what: "600 calls, 1,000 frames a second, of a core", measured, unit: "%", goal: 5 }];
}

const STARTED_AT = Date.now() * 1000;

/** The n-th call as it stands in that version; one of two has ended. */
function call(n, version) {
  return {
    ...CALL,
    leg_id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
    extension: String(200 + n),
    version,
    state: n % 2 === 0 ? "ended" : "active",
    remote: { number: `+322899${String(n).padStart(4, "0")}`, name: `Caller ${n}` },
    local: { number: String(200 + n), name: "John Doe" },
    started_at: STARTED_AT - n * 1e6,
    answered_at: STARTED_AT,
    since: STARTED_AT,
    updated_at: STARTED_AT + version,
  };
}

function opening() {
  return {
    type: "snapshot",
    epoch: "e",
    seq: 1,
    stream: "s",
    server_time: STARTED_AT,
    session_id: "1",
    heartbeat_ms: 15_000,
    token_expires_at: Math.floor(Date.now() / 1000) + 3600,
    calls: Array.from({ length: CALLS }, (_, n) => call(n, 1)),
    notices: [],
    extensions: [],
    dispositions: [],
  };
}

/** The next version of one call after the other. */
function changed(n) {
  const version = 2 + Math.floor(n / CALLS);
  return JSON.stringify({ type: "call", seq: 2 + n, call: call(n % CALLS, version) });
}
