// The peer of the fan-out benchmark on node with the package ws: a set of sockets per room, and one
// send to each. Prints `listening on http://ADDRESS:PORT` when it is ready.
import { WebSocketServer } from "ws";

const rooms = new Map();
let id = 0;

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.env.PORT ?? 0),
  perMessageDeflate: false,
});

server.on("connection", (socket, request) => {
  const room = Number(new URL(request.url, "http://peer").searchParams.get("room"));
  const members = rooms.get(room) ?? new Set();
  rooms.set(room, members.add(socket));
  socket.on("close", () => members.delete(socket));
  socket.on("message", (bytes) => {
    const message = JSON.parse(bytes);
    if (message.room !== room || typeof message.text !== "string") return;
    const created_at = new Date().toISOString();
    const event = { id: ++id, text: message.text, created_at, room, owner: 1, seq: id, sender: "somebody" };
    const text = Buffer.from(JSON.stringify(event));
    for (const member of members) member.send(text, { binary: false });
  });
});

server.on("listening", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
