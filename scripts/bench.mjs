// Speed and memory beside the floor and nchan, in one run: A B C A B C, medians, ratios.
//
//     node scripts/bench.mjs [PAIRS] [COLUMNS] [TABLES]
//
// COLUMNS, comma separated, names some of floor, memory, fsync and nchan, or is empty; TABLES some of closed, rate,
// shared and idle. Builds the load generator (benches/popbench) and the gateway, installs Debian's nginx with nchan where
// they are missing and wanted, starts every server on a free port of loopback, and prints the tables of
// docs/performance.md. POPBENCH and BENCH_GATEWAY name other binaries; BENCH_SECS shortens the runs.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as harness from "./bench/harness.mjs";

const { JWT_SECRET, WEBHOOK_SECRET, freePort, median, popbench, round, seconds, start, stop, tenth, tools } = harness;
const [pairs = "3", only, tables = "closed,rate,shared,idle"] = process.argv.slice(2);
const NCHAN = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/** The servers that are compared: how each starts, and how popbench speaks to it. */
const servers = {
  async floor(port) {
    return { child: await start(join(tools, "floor"), [`127.0.0.1:${port}`], port), target: "callpop" };
  },
  memory: (port) => callpop(port, "memory"),
  fsync: (port) => callpop(port, "fsync"),
  async nchan(port) {
    const folder = harness.folder(`nchan-${port}`);
    const config = join(folder, "nginx.conf");
    writeFileSync(config, nchanConfig(folder, port));
    return { child: await start("nginx", ["-c", config, "-p", folder], port), target: "nchan" };
  },
};

async function callpop(port, durability) {
  const folder = harness.folder(`callpop-${port}`);
  const config = join(folder, "callpop.toml");
  const admin = await freePort();
  writeFileSync(
    config,
    `listen = "127.0.0.1:${port}"\nadmin_listen = "127.0.0.1:${admin}"
operator_listen = "127.0.0.1:0"
[engine]\ndata_dir = "${folder}/data"\ndurability = "${durability}"
[auth]\nhs256_secret = "${JWT_SECRET}"
[sources.telsmart]\nsecrets = ["${WEBHOOK_SECRET}"]
[log]\nfilter = "warn"\n`,
  );
  return { child: await start(harness.gateway, ["serve", "--config", config], port), target: "callpop" };
}

function nchanConfig(folder, port) {
  return `load_module ${NCHAN};
worker_processes 2; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
worker_rlimit_nofile 20000;
events { worker_connections 19000; }
http { access_log off; client_body_temp_path ${folder}/body; keepalive_requests 100000000;
  proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port} backlog=4096; tcp_nodelay on;
    location ~ ^/pub/(.+)$ { nchan_publisher; nchan_channel_id $1; nchan_message_buffer_length 1; }
    location ~ ^/sub/(.+)$ { nchan_subscriber websocket; nchan_channel_id $1; nchan_subscriber_first_message newest; }
  } }\n`;
}

/** One fresh server, one run. */
async function run(name, options) {
  const port = await freePort();
  const { child, target } = await servers[name](port);
  try {
    const args = [target, "--addr", `127.0.0.1:${port}`, "--secret", JWT_SECRET, "--webhook-secret", WEBHOOK_SECRET, ...options];
    const result = await popbench(args, { server: [child.pid] });
    harness.complain(name, result);
    return result;
  } finally {
    await stop(child);
  }
}

async function compare(table, title, all, options, figures) {
  const names = tables.split(",").includes(table) ? all.filter(wanted) : [];
  if (!names.length) return;
  const results = Object.fromEntries(names.map((name) => [name, []]));
  for (let pair = 0; pair < Number(pairs); pair++)
    for (const name of names) results[name].push(await run(name, options));
  const rows = {};
  for (const [figure, show] of Object.entries(figures)) {
    const medians = names.map((name) => median(results[name].map((result) => result[figure])));
    rows[figure] = medians.map((value) => `${show(value)} (${(value / medians[0]).toFixed(2)})`);
  }
  harness.table(`${title}: \`popbench ${options.join(" ")}\``, names, rows);
}

const wanted = (name) => !only || only.split(",").includes(name);
const all = Object.keys(servers);
const bare = ["floor", "memory"];
harness.build(wanted("nchan") ? ["nchan"] : [], ["memory", "fsync"].some(wanted));
console.log(`Medians of ${pairs}; in brackets the ratio to the first column.`);
await compare("closed", "Closed loop", all, ["--rate", "0", ...seconds(6)], { events_per_s: round, server_cpu_us_per_event: tenth, p99_us: round });
await compare("rate", "4,000 events/s", all, ["--rate", "4000", ...seconds(8)], { p50_us: round, p99_us: round, server_cpu_us_per_event: tenth });
await compare("shared", "Everyone on one extension", bare, ["--shape", "shared", "--rate", "20", ...seconds(6)], { p99_us: round, server_cpu_us_per_delivery: tenth });
await compare("idle", "Idle", bare, ["--conns", "5000", "--idle"], { bytes_per_conn: round });
