// How much the page's memory grows over a working day. Eight hours of a busy agent, 30 calls an
// hour with a summary each, in minutes: the page's clock and timers are run by the test, and its
// WebSocket is a feed on that clock, which answers every tick. The element, the SDK and the drawing
// are the real ones. Collected before both looks.
import { CALL } from "./call.mjs";
import { connected } from "./stage.mjs";

const HOURS = 8;
const MINUTE_MS = 60_000;
/** Everything is loaded and drawn once before the first look. */
const WARM_UP_MINUTES = 20;

export async function heap(stage) {
  const page = await stage.browser.newPage();
  await page.clock.install();
  await page.addInitScript(feed, { everyMs: 2 * MINUTE_MS, template: CALL });
  await page.goto(stage.page(`data-token="${stage.token}"`));
  await connected(page);
  await pass(page, WARM_UP_MINUTES);
  const before = await look(page);
  await pass(page, HOURS * 60);
  const after = await look(page);
  const { calls, ticks } = await page.evaluate("fed");
  console.error(`heap: ${calls} calls, ${ticks} ticks, ${before.nodes} to ${after.nodes} nodes`);
  await page.close();
  return [
    { what: "heap after 20 minutes", measured: before.bytes / 1e6, unit: "MB" },
    { what: "its growth over 8 hours", measured: (after.bytes - before.bytes) / 1e6, unit: "MB", goal: 2 },
  ];
}

async function pass(page, minutes) {
  for (let minute = 0; minute < minutes; minute += 1) await page.clock.runFor(MINUTE_MS);
}

async function look(page) {
  const devtools = await page.context().newCDPSession(page);
  // Twice: what the first run finalises, the second takes.
  for (let run = 0; run < 2; run += 1) await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  const { nodes } = await devtools.send("Memory.getDOMCounters");
  await devtools.detach();
  return { bytes: usedSize, nodes };
}

function feed({ everyMs, template }) {
  const fed = { calls: 0, ticks: 0 };
  const us = () => Date.now() * 1000;
  const text = (n, words) => `Call ${n}: ${"what was said about the invoice and the refund. ".repeat(words)}`;
  const summary = (n) => ({
    language: "en-GB",
    reported_at: us(),
    seen: false,
    content: {
      meeting_title: text(n, 1),
      quick_summary: [text(n, 3), text(n, 2)],
      action_items: [text(n, 1), text(n, 1)],
      meeting_notes_sections: [
        { section_title: text(n, 0), topics: [{ topic_title: "Refund", points: [text(n, 4)] }] },
      ],
    },
  });
  class Feed extends EventTarget {
    readyState = 0;
    onmessage = null;
    onclose = null;
    #seq = 1;
    constructor(url) {
      super();
      this.url = url;
      setTimeout(() => this.#open(), 5);
    }
    send(data) {
      const frame = JSON.parse(data);
      if (frame.type !== "tick") return;
      fed.ticks += 1;
      setTimeout(() => this.#tell({ type: "tock", t0: frame.t0, t1: us(), t2: us() }), 1);
    }
    close() {
      this.readyState = 3;
    }
    #open() {
      this.readyState = 1;
      this.#tell({
        type: "snapshot",
        epoch: "e",
        seq: this.#seq,
        stream: "s",
        server_time: us(),
        session_id: "1",
        heartbeat_ms: 15_000,
        token_expires_at: Math.floor(Date.now() / 1000) + 100 * 3600,
        calls: [],
        dispositions: ["Resolved", "Call back"],
      });
      this.#next();
    }
    #next() {
      this.#call((fed.calls += 1));
      setTimeout(() => this.#next(), everyMs);
    }
    #tell(frame) {
      if (this.readyState !== 1) return;
      const event = new MessageEvent("message", { data: JSON.stringify(frame) });
      this.dispatchEvent(event);
      this.onmessage?.(event);
    }
    /** Rings 5 s, is talked, held, talked, and ends after a minute; its summary comes later. */
    #call(n) {
      let call = {
        ...template,
        leg_id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
        remote: { number: `+322899${String(n).padStart(4, "0")}`, name: `Caller ${n}` },
        started_at: us(),
        since: us(),
        updated_at: us(),
      };
      const become = (afterMs, change) =>
        setTimeout(() => {
          const now = us();
          call = { ...call, version: call.version + 1, updated_at: now, ...change(now) };
          this.#tell({ type: "call", seq: (this.#seq += 1), call });
        }, afterMs);
      become(0, () => ({}));
      become(5_000, (now) => ({ state: "active", answered_at: now, since: now }));
      become(25_000, (now) => ({ state: "held", since: now, talk_ms: 20_000 }));
      become(35_000, (now) => ({ state: "active", since: now, hold_ms: 10_000 }));
      become(60_000, (now) => ({ state: "ended", since: now, ended_at: now, outcome: "answered" }));
      become(100_000, () => ({ summary: summary(n) }));
    }
  }
  Object.assign(Feed, { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 });
  Object.assign(globalThis, { WebSocket: Feed, fed });
}
