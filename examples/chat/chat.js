// The browser's half of the chat: one WebSocket, one list, one field.
"use strict";

const socket = new WebSocket(location.href.replace(/^http/, "ws").replace(/[?#].*$/, "").replace(/\/[^/]*$/, "/chat"));
const said = document.getElementById("said");
const state = document.getElementById("state");
const field = document.getElementById("text");

socket.onopen = () => { state.textContent = "open"; };
socket.onclose = (event) => { state.textContent = `closed (${event.code} ${event.reason}): reload the page to come back`; };
socket.onmessage = (event) => {
  const line = document.createElement("li");
  // textContent, never innerHTML: what others say is text, even if it looks like a program.
  line.textContent = event.data;
  if (event.data.startsWith("* ")) line.className = "about";
  said.append(line);
  while (said.children.length > 500) said.firstChild.remove();
  line.scrollIntoView({ block: "nearest" });
};

document.getElementById("say").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(field.value);
  field.value = "";
});
