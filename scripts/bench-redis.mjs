// Many nodes on one Redis, beside the floor, socket.io with its Redis adapter and Centrifugo, in one
// run: A B C A B C, each time on a fresh redis-server; medians.
//
//     node scripts/bench-redis.mjs [PAIRS] [COLUMNS] [TABLES]
//
// COLUMNS, comma separated, names some of the columns only, or is empty; TABLES names some of `closed`, `rate` and
// `nodes`. Builds the load generator (benches/popbench) and the gateway, and installs redis-server where it is missing;
// needs npm (socket.io) and Go (Centrifugo's library). POPBENCH and BENCH_GATEWAY name other binaries; BENCH_SECS
// shortens the runs. Centrifugo itself takes part where CENTRIFUGO names its binary:
// `go install github.com/centrifugal/centrifugo/v6@latest`.
// `apart`: webhooks go to one node, all sessions are on the other.
import * as harness from "./bench/harness.mjs";
import * as servers from "./bench/redis-servers.mjs";

const { JWT_SECRET, WEBHOOK_SECRET, median, round, seconds, tenth } = harness;
const [pairs = "3", only, tables = "closed,rate,nodes"] = process.argv.slice(2);

const peers = ["floor", "memory", "fsync", "socketio", process.env.CENTRIFUGO ? "centrifugo" : "centrifuge"];
const scaled = {
  "1 node": () => servers.nodes(1),
  "2 nodes": () => servers.nodes(2),
  "3 nodes": () => servers.nodes(3),
  apart: servers.apart,
  "2 socketio": () => servers.socketioProcesses(2),
};
const wanted = (name) => !only || only.split(",").includes(name);

/** A fresh Redis with fresh servers, one run. */
async function run(name, options) {
  const server = await (scaled[name] ?? servers[name])();
  try {
    const publish = server.webhooks ? ["--pub-addr", `127.0.0.1:${server.webhooks}`] : [];
    const secrets = ["--secret", JWT_SECRET, "--webhook-secret", WEBHOOK_SECRET];
    const args = [server.target, "--addr", `127.0.0.1:${server.port}`, ...publish, ...secrets, ...options];
    const result = await harness.popbench(args, server.groups);
    harness.complain(name, result);
    return result;
  } finally {
    await server.stop();
  }
}

/** What a column shows; the ratio is to the floor's server, which has no Redis. */
const figures = {
  "events per second": ({ events_per_s }) => [events_per_s, round],
  "p50, µs": ({ p50_us }) => [p50_us, round],
  "p99, µs": ({ p99_us }) => [p99_us, round],
  "CPU per event, server, µs": ({ cpu }) => [cpu.server, tenth],
  "CPU per event, Redis, µs": ({ cpu }) => [cpu.redis ?? 0, tenth],
  "CPU per event, both, µs": ({ server_cpu_us_per_event: both }) => [both, tenth],
  "events per second and core in use": ({ server_cpu_us_per_event: both }) => [1e6 / both, round],
};

async function compare(table, title, all, options) {
  const names = tables.split(",").includes(table) ? all.filter(wanted) : [];
  if (!names.length) return;
  const results = Object.fromEntries(names.map((name) => [name, []]));
  for (let pair = 0; pair < Number(pairs); pair++)
    for (const name of names) {
      const result = await run(name, options);
      results[name].push(result);
      process.stderr.write(`  ${name}: ${round(result.events_per_s)}/s, ${JSON.stringify(result.cpu)}\n`);
    }
  const rows = {};
  for (const [figure, of] of Object.entries(figures)) {
    const medians = names.map((name) => median(results[name].map((result) => of(result)[0])));
    const show = of(results[names[0]][0])[1];
    rows[figure] = medians.map((value) => (value && medians[0] ? `${show(value)} (${(value / medians[0]).toFixed(2)})` : show(value)));
  }
  harness.table(`${title}: \`popbench ${options.join(" ")}\``, names, rows);
}

harness.build(["redis"], [...peers.slice(1, 3), ...Object.keys(scaled).slice(0, 4)].some(wanted));
console.log(`Medians of ${pairs}; in brackets the ratio to the first column.`);
await compare("closed", "Closed loop", peers, ["--rate", "0", ...seconds(6)]);
await compare("rate", "4,000 events/s", peers, ["--rate", "4000", ...seconds(8)]);
await compare("nodes", "Nodes on one Redis, closed loop", Object.keys(scaled), ["--rate", "0", ...seconds(6)]);
