// The peer of the fan-out benchmark on node with the package socket.io: a room per room, and one emit to
// it. Prints `listening on http://ADDRESS:PORT` when it is ready.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });
let id = 0;

io.on("connection", (socket) => {
  const room = Number(socket.handshake.query.room);
  socket.join(`room-${room}`);
  socket.on("message", (message) => {
    if (message?.room !== room || typeof message.text !== "string") return;
    const created_at = new Date().toISOString();
    const event = { id: ++id, text: message.text, created_at, room, owner: 1, seq: id, sender: "somebody" };
    io.to(`room-${room}`).emit("message", event);
  });
});

http.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`);
});
