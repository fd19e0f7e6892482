// The SDK where there is no page: in Node, with the `ws` package, whose sockets end the process by an
// error that nobody listens to.

import { createServer, type Server } from "node:net";
import { CallpopClient } from "callpop";
import { afterEach, expect, test } from "vitest";
import WebSocket from "ws";

const servers: Server[] = [];
const clients: CallpopClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) {
    await new Promise((closed) => server.close(closed));
  }
});

/** A port where `greet` happens to whoever comes. */
async function listening(greet: (end: () => void) => void): Promise<number> {
  const server = createServer((socket) => greet(() => socket.destroy()));
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function clientOf(port: number): CallpopClient {
  const url = `http://127.0.0.1:${port}`;
  const client = new CallpopClient({ url, token: () => "a.b.c", webSocket: WebSocket });
  clients.push(client);
  return client;
}

/** When the client has tried so often in vain. */
async function attempted(client: CallpopClient, times: number): Promise<void> {
  await new Promise<void>((done) => {
    client.on("state", (state) => {
      if ("attempt" in state && state.attempt >= times) done();
    });
  });
}

test("a connection that is refused is tried again", async () => {
  const port = await listening(() => undefined);
  const [server] = servers.splice(0);
  await new Promise((closed) => server?.close(closed));
  const client = clientOf(port);
  client.connect();
  await attempted(client, 2);
  expect(client.state.phase).toBe("connecting");
});

test("a connection that ends in its handshake is tried again", async () => {
  const client = clientOf(await listening((end) => end()));
  client.connect();
  await attempted(client, 2);
  expect(client.state.phase).toBe("connecting");
});

test("close() while it connects ends it without a word", async () => {
  let end: () => void = () => undefined;
  const came = new Promise<void>((resolve) => {
    void listening((destroy) => {
      end = destroy;
      resolve();
    }).then((port) => {
      const client = clientOf(port);
      client.connect();
    });
  });
  await came;
  clients[0]?.close();
  expect(clients[0]?.state).toEqual({ phase: "closed" });
  end();
  // What the socket says of its end comes with the next turns.
  for (let turn = 0; turn < 10; turn += 1) await new Promise((next) => setImmediate(next));
});
