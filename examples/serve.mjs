// Serves one of the examples as a CRM would: its pages under its policy, and a token for the
// user who is signed in. Everybody who asks is that user, so this is for your own machine only.
//
//   node examples/serve.mjs plain|strict-csp|react [--port 5500] [--gateway http://127.0.0.1:8080]
//     [--config examples/callpop.toml] [--extension 200] [--tenant ID] [--folder FOLDER]
//     [--callpop BINARY]

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const here = fileURLToPath(new URL(".", import.meta.url));

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: "string", default: "5500" },
    gateway: { type: "string", default: "http://127.0.0.1:8080" },
    config: { type: "string", default: join(here, "callpop.toml") },
    extension: { type: "string", default: "200" },
    tenant: { type: "string", default: "b11d749b-8eb7-4236-a068-3d94ba3860d6" },
    folder: { type: "string" },
    callpop: { type: "string" },
  },
});

const gateway = new URL(options.gateway).origin;
const socket = gateway.replace(/^http/, "ws");

/** What each example needs: where it is, and the policy that its page has. */
const EXAMPLES = {
  plain: { folder: "plain", policy: null },
  "strict-csp": {
    folder: "strict-csp",
    policy: [
      "default-src 'none'",
      // The popup: its script and the modules that it imports, and its WebSocket.
      `script-src 'self' ${gateway}`,
      `connect-src 'self' ${socket}`,
      // The page's own; the popup needs neither.
      "style-src 'self'",
      "img-src 'self'",
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ],
  },
  react: {
    folder: "react/dist",
    // From npm, the popup is the application's own code: only its WebSocket is elsewhere.
    policy: [
      "default-src 'self'",
      "img-src data:",
      `connect-src 'self' ${socket}`,
      "base-uri 'none'",
    ],
  },
};

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

const [name = ""] = positionals;
const example = Object.hasOwn(EXAMPLES, name) ? EXAMPLES[name] : undefined;
if (example === undefined) fail(`which example? ${Object.keys(EXAMPLES).join(", ")}`);
const folder = options.folder ?? join(here, example.folder);
if (!existsSync(join(folder, "index.html"))) fail(`${folder} has no index.html: build it first`);

const builds = ["release", "debug"].map((kind) => join(here, `../target/${kind}/callpop`));
const callpop = options.callpop ?? builds.find((file) => existsSync(file)) ?? "callpop";

/** Your server signs one for its signed-in user; here, callpop itself does. */
async function mintToken() {
  const { config, tenant, extension } = options;
  const user = ["--tenant", tenant, "--extension", extension];
  const { stdout } = await promisify(execFile)(callpop, ["token", "--config", config, ...user]);
  return stdout.trim();
}

async function answer(request, response) {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  if (pathname === "/callpop-token") {
    const token = await mintToken();
    response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify({ token }));
    return;
  }
  const path = normalize(
    decodeURIComponent(pathname.endsWith("/") ? `${pathname}index.html` : pathname),
  );
  const file = join(folder, path);
  if (!file.startsWith(join(folder, sep))) throw new Error(`not within the example: ${pathname}`);
  const type = TYPES[extname(file)] ?? "application/octet-stream";
  let body = await readFile(file);
  // So that the pages can be used with any gateway.
  if (extname(file) === ".html") body = body.toString().replaceAll("{gateway}", gateway);
  response.setHeader("content-type", type);
  response.setHeader("cache-control", "no-cache");
  if (example.policy !== null) {
    response.setHeader("content-security-policy", example.policy.join("; "));
  }
  response.end(body);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    const isMissing = error.code === "ENOENT" && error.syscall === "open";
    if (!isMissing) console.error(String(error.stderr || error.message));
    response.writeHead(isMissing ? 404 : 500).end();
  });
});
server.listen(Number(options.port), "127.0.0.1", () => {
  const { port } = server.address();
  console.log(`${name}: http://127.0.0.1:${port}/ with the gateway at ${gateway}`);
});

function fail(why) {
  console.error(why);
  process.exit(2);
}
