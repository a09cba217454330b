// Node's `ws` in a room of the chat: joins, says one line, and waits until it has heard every line it is given.
//
//     node chat.js URL NICK ROOM SAYS HEARS...
"use strict";

const { WebSocket } = require("ws");

const [url, nick, room, says, ...hears] = process.argv.slice(2);
const missing = new Set(hears);
let told = false;
const socket = new WebSocket(url);
const deadline = setTimeout(() => {
  console.error("not heard:", [...missing]);
  process.exit(1);
}, 30_000);

const done = () => told && missing.size === 0;
const end = () => {
  console.log("heard all");
  clearTimeout(deadline);
  socket.close();
  process.stdin.destroy();
};

socket.on("open", () => { socket.send(`/nick ${nick}`); socket.send(`/room ${room}`); });
socket.on("error", (error) => { console.error(error.message); process.exit(1); });
socket.on("message", (data) => {
  const line = data.toString();
  missing.delete(line);
  // It speaks once it is in the room and is told to, so that everybody is there to hear it.
  if (line.endsWith("comes in") && line.includes(nick)) {
    console.log("in");
    process.stdin.once("data", () => { socket.send(says); told = true; if (done()) end(); });
  }
  if (done()) end();
});
