// The peer: socket.io with its Redis adapter, as popbench's target `socketio` speaks to it.
//
//     NODE_ENV=production node server.js PORT REDIS_URL
//
// One process. A connection joins the room of its extension, `POST /pub/EXTENSION` emits the parsed
// event to that room, on this server and through Redis on all others. Nothing is stored: the 204
// says that the event was handed over, not that anyone has it. The client is redis 4, with which this
// server took less CPU than with redis 5, redis 6 or ioredis 5.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port, redis] = process.argv.slice(2);
const publisher = await createClient({ url: redis }).connect();
const subscriber = await publisher.duplicate().connect();

const http = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    if (request.method !== "POST") return response.writeHead(404).end();
    io.to(request.url.slice("/pub/".length)).emit("event", JSON.parse(Buffer.concat(parts)));
    response.writeHead(204).end();
  });
});
const io = new Server(http, { adapter: createAdapter(publisher, subscriber), transports: ["websocket"], serveClient: false });
io.on("connection", (socket) => socket.join(socket.handshake.auth.chan));
http.listen(Number(port), "127.0.0.1", 4096);
