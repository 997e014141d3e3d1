// The peer of the fan-out benchmark: a chat in the way that Bun's own guide shows, with publish to a
// topic per room. STORE says what happens before a message is published: nothing when it is not set,
// or an insert into the SQLite file STORE, with SYNCHRONOUS (FULL or NORMAL) as its setting.
// The last line that it prints when it is ready is `listening on http://ADDRESS:PORT`.
import { Database } from "bun:sqlite";

const store = open(process.env.STORE, process.env.SYNCHRONOUS ?? "FULL");
let id = 0;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env.PORT ?? 0),
  fetch(request, server) {
    const room = new URL(request.url).searchParams.get("room");
    if (server.upgrade(request, { data: { room: Number(room) } })) return undefined;
    return new Response("a WebSocket is wanted", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    sendPings: true,
    idleTimeout: 120,
    // Enough for a whole round of the chat shape: Bun drops silently what is more.
    backpressureLimit: 256 * 1024 * 1024,
    open(socket) {
      socket.subscribe(topic(socket.data.room));
    },
    message(socket, text) {
      const { room, text: said } = JSON.parse(text);
      if (room !== socket.data.room || typeof said !== "string") return;
      const created_at = new Date().toISOString();
      const event = { id: ++id, text: said, created_at, room, owner: 1, seq: id, sender: "somebody" };
      store?.run(room, said, created_at);
      server.publish(topic(room), JSON.stringify(event));
    },
  },
});

function topic(room) {
  return `room-${room}`;
}

function open(file, synchronous) {
  if (!file) return undefined;
  const database = new Database(file, { create: true });
  database.run("PRAGMA journal_mode = WAL");
  database.run(`PRAGMA synchronous = ${synchronous}`);
  database.run(
    "CREATE TABLE IF NOT EXISTS messages " +
      "(id INTEGER PRIMARY KEY, room INTEGER NOT NULL, text TEXT NOT NULL, created_at TEXT NOT NULL)",
  );
  return database.prepare("INSERT INTO messages (room, text, created_at) VALUES (?, ?, ?)");
}

console.log(`listening on http://127.0.0.1:${server.port}`);
