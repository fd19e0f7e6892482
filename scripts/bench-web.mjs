// The web client in a real Chromium against a real gateway, with the figures of docs/performance.md.
//
//     node scripts/bench-web.mjs [--strict] [MEASURE...]
//
// MEASURE: paint, failover, timer, reconnect, silence, waits, told, feed, heap, sizes; none: all. With `--strict` a missed goal
// ends with 1. Uses web-client/node_modules, web-client/dist and target/release/callpop, which it
// builds when it is missing; BENCH_GATEWAY and CHROMIUM_BIN name others than these and /usr/bin/chromium.
import { failover } from "./bench-web/failover.mjs";
import { feed } from "./bench-web/feed.mjs";
import { heap } from "./bench-web/heap.mjs";
import { paint } from "./bench-web/paint.mjs";
import { reconnect } from "./bench-web/reconnect.mjs";
import { silence } from "./bench-web/silence.mjs";
import { sizes } from "./bench-web/sizes.mjs";
import { openStage } from "./bench-web/stage.mjs";
import { timer } from "./bench-web/timer.mjs";
import { told } from "./bench-web/told.mjs";
import { waits } from "./bench-web/waits.mjs";

/** Each answers rows of what, measured, its unit, and the goal: the most that is allowed. */
const MEASURES = { paint, failover, timer, reconnect, silence, waits, told, feed, heap, sizes };

const args = process.argv.slice(2);
const isStrict = args.includes("--strict");
const asked = args.filter((arg) => arg !== "--strict");
const unknown = asked.filter((name) => !Object.hasOwn(MEASURES, name));
if (unknown.length > 0) throw new Error(`unknown: ${unknown}; there are ${Object.keys(MEASURES)}`);

const rows = [];
for (const name of asked.length > 0 ? asked : Object.keys(MEASURES)) {
  console.error(`${name} …`);
  const stage = await openStage();
  try {
    rows.push(...(await MEASURES[name](stage)));
  } finally {
    await stage.close();
  }
}

const shown = (value, unit) => (value === undefined ? "" : `${Number(value.toFixed(1))} ${unit}`);
const isMissed = ({ measured, goal }) => goal !== undefined && !(measured <= goal);
console.log("| | measured | goal |\n| --- | --- | --- |");
for (const row of rows) {
  const { what, measured, unit, goal } = row;
  const verdict = isMissed(row) ? " (missed)" : "";
  console.log(`| ${what} | ${shown(measured, unit)}${verdict} | ${shown(goal, unit)} |`);
}
process.exit(isStrict && rows.some(isMissed) ? 1 : 0);
