// The room on the big screen: who is here, since when, on which thread; and the address at which to join.
//
// # The commentary, as the projector speaks it
//
// GET /commentary?projector=1&key=TOKEN     the lecturer's projector; without the key, or with a wrong one, to look at
//
// Server -> page
//
//   {"type":"welcome","lecturer":true,"server":"...","join":"http://192.0.2.7:7000/","version":"0.1.0"}
//       `lecturer`: the key was right, and Disconnect will be obeyed. The page shows or hides the buttons by it; the
//       server checks the key again with each request, for whoever can open a WebSocket can send what they like.
//   {"type":"room","clients":[{"visitor":7,"thread":"client 12","address":"127.0.0.1:40000","since_ms":1234,
//    "exhibits":2,"frames":10,"bytes":1234,"exhibit_open":true,"exhibit_thread":"client 13"}]}
//       every client in full. The projector itself is not a client.
//   {"type":"problem","text":"..."}
//
// Page -> server
//
//   {"do":"disconnect","visitor":7,"key":"TOKEN"}

"use strict";

/**
 * The lecturer's key comes in the address, and the address bar is about to be shown to a whole room. So it is
 * taken out of there at once, and kept for this tab only: a reload still knows it.
 */
function takeKey() {
  const url = new URL(location.href);
  const given = url.searchParams.get("key");
  if (given !== null) {
    sessionStorage.setItem("lecturer key", given);
    url.searchParams.delete("key");
    history.replaceState(null, "", url);
  }
  return sessionStorage.getItem("lecturer key") || "";
}

const key = takeKey();
const rows = new Map(); // visitor -> the row of the table
let lecturer = false;

const commentary = new Commentary("commentary?" + new URLSearchParams({ projector: 1, key }), {
  open() {
    byId("lost").hidden = true;
  },
  message(message) {
    switch (message.type) {
      case "welcome": return greet(message);
      case "room": return showRoom(message.clients);
      case "problem": return showProblem(message.text);
      default: console.warn("the commentary sent a type this page does not know:", message.type);
    }
  },
  end() {
    byId("lost").hidden = false;
  },
});

function greet(message) {
  lecturer = message.lecturer === true;
  byId("join").textContent = message.join;
  byId("mode").textContent = lecturer ? "" : "This projector only looks: without the lecturer’s key it cannot disconnect anyone.";
  byId("action-head").hidden = !lecturer;
  byId("version").textContent = message.version;
  for (const row of rows.values()) row.remove();
  rows.clear();
}

/**
 * Rows are changed, not replaced: the room changes many times a second, and a button that is replaced while someone
 * is about to press it loses the focus, or the click.
 */
function showRoom(clients) {
  const here = new Set(clients.map((client) => client.visitor));
  for (const [visitor, row] of rows) {
    if (here.has(visitor)) continue;
    row.remove();
    rows.delete(visitor);
  }
  for (const client of clients) {
    if (!rows.has(client.visitor)) {
      const row = newRow(client);
      rows.set(client.visitor, row);
      byId("clients").append(row);
    }
    update(rows.get(client.visitor), client);
  }
  byId("nobody").hidden = clients.length > 0;
  // Only this line is announced to a screen reader, and only when it changes.
  const text = `${count(clients.length, "visitor")}, ${count(clients.filter((client) => client.exhibit_open).length, "exhibit")} open`;
  if (byId("counts").textContent !== text) byId("counts").textContent = text;
}

function newRow(client) {
  const cells = ["address", "thread", "joined", "open", "exhibits", "frames", "bytes"].map((name) => make("td", { "data-cell": name }));
  const button = make("button", { type: "button", "data-disconnect": client.visitor }, "Disconnect", make("span", { class: "unseen" }, ` visitor ${client.visitor}`));
  button.addEventListener("click", () => {
    if (!commentary.send({ do: "disconnect", visitor: client.visitor, key })) {
      showProblem("The commentary is not open, so nobody can be disconnected. Press “Reconnect”.");
    }
  });
  return make("tr", { "data-visitor": client.visitor }, make("th", { scope: "row" }, String(client.visitor)), ...cells,
    lecturer ? make("td", {}, button) : null);
}

function update(row, client) {
  const values = {
    address: client.address,
    thread: client.thread,
    joined: new Date(Date.now() - client.since_ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
    open: client.exhibit_open ? (client.exhibit_thread ? "on " + client.exhibit_thread : "open") : "not open",
    exhibits: client.exhibits.toLocaleString("en"),
    frames: client.frames.toLocaleString("en"),
    bytes: client.bytes.toLocaleString("en"),
  };
  for (const cell of row.querySelectorAll("[data-cell]")) {
    const value = values[cell.dataset.cell];
    if (cell.textContent !== value) cell.textContent = value;
  }
}

function showProblem(text) {
  byId("problem-text").textContent = text;
  byId("problem").hidden = false;
}

byId("problem-close").addEventListener("click", () => { byId("problem").hidden = true; });
byId("reconnect").addEventListener("click", () => commentary.connect());

commentary.connect();
