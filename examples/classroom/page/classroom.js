// The classroom's page: one WebSocket on show, and another that explains it.
//
// The *exhibit* is an ordinary WebSocket that this browser opens. All that a browser tells a script about it is open,
// message, error, close. Everything else on the page (system calls, heads, masks, pings) comes from the server's trace
// of the same connection, over the *commentary*, which is not traced.
//
// Read dissect.js first, then dom.js, story.js, ladder.js, frames.js, tls.js, handshake.js, commentary.js; this file joins them.
//
// # The commentary: one JSON object in each text message
//
// GET /commentary                       a visitor
// GET /exhibit?visitor=7&key=TOKEN      that visitor's exhibit; the token is the one from `welcome`
//
// Server -> page
//
//   {"type":"welcome","visitor":7,"token":"...","address":"127.0.0.1:40000","server":"127.0.0.1:7000",
//    "thread":"client 12","join":"http://192.0.2.7:7000/","version":"0.1.0",
//    "tls":null|{"fingerprints":["SHA-256 in hex", ...]}}
//       once, first. `tls`: the server’s own certificates, its own first; null without TLS. `address`, `thread`: of the commentary itself. A new commentary is a new visitor.
//   {"type":"step","exhibit":"browser"|"second","step":{...}}
//       one step of the trace, just as src/trace/json.rs writes it. Sent first, right after `welcome`: the listener's
//       "socket, bind, listen" and its newest "wait" for "accept", with exhibit "browser".
//   {"type":"accept_key","exhibit":"browser"|"second","key":"dGhl...","joined":"dGhl...258EAFA5-...",
//    "sha1":"b37a... (hex)","accept":"s3pP..."}
//       after the answer was sent. Shown for the browser's exhibit only.
//   {"type":"outcome","exhibit":"second","experiment":"unmasked","text":"The server answered Close 1002 ...","ok":true}
//       exactly one for each experiment. `ok`: it came out as RFC 6455 asks.
//   {"type":"room","clients":[{"visitor":7,"you":true,"thread":"client 12","address":"127.0.0.1:40000","since_ms":1234,
//    "exhibits":2,"frames":10,"bytes":1234,"exhibit_open":true,"exhibit_thread":"client 13"},
//    {"visitor":8,"thread":"client 14","exhibit_open":false}]}
//       the whole room, whenever it changes, at most a few times a second. Two threads must not overtake each other
//       between taking and sending it, or a visitor who has left comes back to the page for good. Other visitors' lines
//       may leave out all but these three, and `exhibit_thread` is there only where an exhibit is open.
//   {"type":"problem","text":"..."}
//       a sentence for the visitor: what is not possible now, and what to do. A full classroom accepts the commentary,
//       says so in a problem, and closes: a refused handshake would reach this script without its reason.
//
// Page -> server
//
//   {"do":"ping","text":"..."}                      ping the exhibit; text: at most 125 bytes
//   {"do":"fragments","count":3,"text":"..."}       send the exhibit this text in `count` frames
//   {"do":"large","count":65536}                    send the exhibit one text message of `count` bytes
//   {"do":"experiment","name":"unmasked"}           the names are the `data-experiment` of the buttons in index.html
//
// The projector's part of the format is at the head of projector.js.

"use strict";

const MAX_SEEN = 50;

const NOT_CONNECTED = "The exhibit is not connected: press “Connect the exhibit” first.";

// -------------------------------------------------------------------- data

const ladder = new Ladder(byId("ladder-view"), { left: "browser", right: "server", inferred: true });
const frames = new FrameView(byId("frames-view"), { client: "browser", server: "server" });
const tls = new TlsView(byId("tls-agreed"), byId("tls-records"));
const handshake = new HandshakeView(byId("handshake"), byId("accept-key-view"));
const secondLadder = new Ladder(byId("second-ladder"), { left: "second client", right: "server", inferred: false });
const secondFrames = new FrameView(byId("second-frames"), { client: "second client", server: "server" });

let welcome = null; // who we are, once the server has said so
let exhibit = null; // the WebSocket on show
let running = null; // the name of the experiment under way

// -------------------------------------------------------------------- the commentary

const commentary = new Commentary("commentary", {
  open() {
    byId("lost").hidden = true;
    say("commentary-state", "open");
  },
  message: receive,
  end(event) {
    // 1006 never crosses a wire: the browser says with it that no Close frame came.
    say("lost-why", event.code === 1006 ? "The server has stopped, or the network between you and it is gone."
      : `The server ended it with code ${event.code}: “${dissect.printable(event.reason)}”.`);
    welcome = null;
    running = null;
    say("commentary-state", "closed");
    byId("lost").hidden = false;
  },
});

function receive(message) {
  switch (message.type) {
    case "welcome": return greet(message);
    case "step": return message.exhibit === "second" ? secondStep(message.step) : browserStep(message.step);
    case "accept_key": return message.exhibit === "second" ? undefined : handshake.showKey(message);
    case "outcome": return showOutcome(message);
    case "room": return showRoom(message.clients);
    case "problem": return showProblem(message.text);
    default: console.warn("the commentary sent a type this page does not know:", message.type);
  }
}

function greet(message) {
  welcome = message;
  // The exhibit of an earlier visitor number would go on with nobody to comment on it.
  if (exhibit) exhibit.close(1000, "the commentary was lost");
  exhibit = null;
  byId("tls").hidden = byId("tls-link").hidden = !message.tls;
  tls.present(message.tls);
  startOver();
  say("visitor", String(message.visitor));
  say("commentary-you", message.address);
  say("commentary-server", message.server);
  say("commentary-thread", message.thread);
  say("version", message.version);
  say("join", message.join);
  showExhibitState("not connected");
}

function ask(request) {
  if (!commentary.send(request)) {
    showProblem("The commentary is not open, so the server cannot be asked. Press “Reconnect”.");
    return false;
  }
  return true;
}

// -------------------------------------------------------------------- the exhibit: what the server saw

function browserStep(step) {
  if (!ladder.add(step)) return;
  tls.add(step);
  if (step.step === "head") handshake.addHead(step);
  if (step.step === "frame") frames.add(step);
  if (!isListener(step) && step.local && step.peer) {
    say("exhibit-you", step.peer);
    say("exhibit-server", step.local);
    say("exhibit-thread", step.thread);
  }
}

function startOver() {
  ladder.startOver();
  frames.startOver();
  tls.startOver();
  handshake.startOver();
  for (const id of ["exhibit-you", "exhibit-server", "exhibit-thread"]) say(id, "–");
}

// -------------------------------------------------------------------- the exhibit: what this browser tells a script

function connectExhibit() {
  if (!welcome) return showProblem("The server has not said who you are yet. If this lasts, press “Reconnect” or reload the page.");
  startOver();
  const query = new URLSearchParams({ visitor: welcome.visitor, key: welcome.token });
  const socket = new WebSocket(socketUrl("exhibit?" + query));
  socket.binaryType = "arraybuffer";
  exhibit = socket;
  let opened = false;
  showExhibitState("connecting");

  socket.addEventListener("open", () => {
    opened = true;
    if (exhibit !== socket) return;
    showExhibitState("open");
    seen("open", "The handshake is done.");
  });
  socket.addEventListener("message", (event) => {
    if (typeof event.data === "string") {
      seen("message", `text, ${count(event.data.length, "UTF-16 unit")}: “${shorten(event.data)}”`);
    } else {
      const bytes = new Uint8Array(event.data);
      seen("message", `binary, ${count(bytes.length, "byte")}: ${dissect.toHex(bytes.subarray(0, 32), " ")}${bytes.length > 32 ? " …" : ""}`);
    }
  });
  socket.addEventListener("close", (event) => {
    const why = event.reason ? `, reason “${dissect.printable(event.reason)}”` : "";
    seen("close", `code ${event.code} (${dissect.closeCode(event.code).meaning})${why}, ${event.wasClean ? "clean: both sides sent a Close" : "not clean"}`);
    if (exhibit !== socket) return;
    exhibit = null;
    showExhibitState(opened ? `closed with code ${event.code}`
      // The browser hides the reason from scripts on purpose. The server's trace does not.
      : "refused, or nobody answered: the ladder and the answer below say which");
  });
}

function toggleExhibit() {
  if (!exhibit) return connectExhibit();
  showExhibitState("closing");
  exhibit.close(1000, "the visitor pressed Close");
}

function showExhibitState(text) {
  say("exhibit-state", text);
  say("bar-state", "exhibit: " + text.split(/[:,]| with/)[0]);
  byId("bar-state").dataset.state = text.split(" ")[0];
  const label = { connecting: "Give up", open: "Close the exhibit", closing: "Closing…" }[text];
  say("exhibit-toggle", label || "Connect the exhibit");
  byId("controls-closed").hidden = text === "open";
}

/** The log of events: what a script sees. Compare it with the frames: no pings, no fragments, no masks. */
function seen(event, text) {
  const log = byId("seen");
  log.prepend(make("li", {}, make("b", {}, event), " ", text));
  while (log.children.length > MAX_SEEN) log.lastChild.remove();
  byId("seen-empty").hidden = true;
}

function shorten(text) {
  return dissect.printable(text.length > 120 ? text.slice(0, 120) + "…" : text);
}

// -------------------------------------------------------------------- what the visitor sends

function isOpen() {
  return exhibit !== null && exhibit.readyState === WebSocket.OPEN;
}

/** A form whose message goes out on the exhibit. `send` returns what to say about it. */
function onSend(formId, send) {
  byId(formId).addEventListener("submit", (event) => {
    event.preventDefault(); // or the browser would load the page anew
    answer(formId, isOpen() ? send() : NOT_CONNECTED);
  });
}

function answer(formId, text) {
  byId(formId).querySelector("output").textContent = text;
}

onSend("send-text", () => {
  const text = byId("text").value;
  exhibit.send(text);
  return `Sent ${count(new TextEncoder().encode(text).length, "byte")} of UTF-8. In section 5 you see it masked.`;
});

onSend("send-binary", () => {
  const bytes = dissect.fromHex(byId("hex").value);
  if (bytes === null) return "Not sent: this needs pairs of hex digits, such as 00 ff 10.";
  exhibit.send(bytes);
  return `Sent ${count(bytes.length, "byte")}.`;
});

onSend("send-close", () => {
  const code = Number(byId("close-code").value);
  const reason = byId("close-reason").value;
  try {
    exhibit.close(code, reason);
  } catch (error) {
    // A script may close with 1000 or 3000 to 4999, and with a reason of at most 123 bytes of UTF-8, so that code and
    // reason fit into the 125 bytes of a control frame. The other codes belong to the browser itself.
    return `Your browser refused: a script may close with 1000 or 3000 to 4999, and a reason of at most 123 bytes. (${error.message})`;
  }
  showExhibitState("closing");
  return `Sent Close ${code}.`;
});

/** A form whose wish goes to the server over the commentary, and comes back as frames on the exhibit. */
function onAsk(formId, request, said) {
  byId(formId).addEventListener("submit", (event) => {
    event.preventDefault();
    if (!isOpen()) return answer(formId, NOT_CONNECTED);
    if (ask(request())) answer(formId, said);
  });
}

onAsk("ask-ping", () => ({ do: "ping", text: byId("ping-text").value }),
  "Asked. Two frames will come, and no event: your browser answers by itself.");
onAsk("ask-fragments", () => ({ do: "fragments", count: Number(byId("fragment-count").value), text: byId("fragment-text").value }),
  "Asked. Several frames will come, but one message event.");
onAsk("ask-large", () => ({ do: "large", count: Number(byId("large-count").value) }),
  "Asked. Look at the length fields of the frame.");

// -------------------------------------------------------------------- the second client

byId("experiments").addEventListener("click", (event) => {
  const button = event.target.closest("[data-experiment]");
  if (!button) return;
  // Two experiments at once would draw one ladder of two stories.
  if (running) return say("outcome", `Still running: ${running}. Its outcome comes first.`);
  if (!ask({ do: "experiment", name: button.dataset.experiment })) return;
  running = button.textContent;
  secondLadder.startOver();
  secondFrames.startOver();
  byId("outcome").className = "outcome";
  say("outcome", `Running: ${running} …`);
  for (const other of byId("experiments").querySelectorAll("[data-experiment]")) {
    if (other === button) other.setAttribute("aria-current", "true");
    else other.removeAttribute("aria-current");
  }
});

function secondStep(step) {
  if (secondLadder.add(step) && step.step === "frame") secondFrames.add(step);
}

function showOutcome(message) {
  const name = running || message.experiment;
  running = null;
  secondFrames.selectIllegal();
  byId("outcome").className = "outcome " + (message.ok ? "kept" : "broken");
  say("outcome", `${message.ok ? "✓ As RFC 6455 asks." : "✗ Not what RFC 6455 asks."} ${name}: ${message.text}`);
}

// -------------------------------------------------------------------- the room

function exhibitState(client) {
  if (!client.exhibit_open) return "not open";
  return client.exhibit_thread ? `open, on ${client.exhibit_thread}` : "open";
}

function showRoom(clients) {
  const others = "–";
  const number = (value) => (value === undefined || value === null ? others : value.toLocaleString("en"));
  const rows = clients.map((client) => {
    const row = tableRow(client.you ? `${client.visitor} (you)` : String(client.visitor), client.thread,
      client.you ? client.address : others,
      client.since_ms === undefined ? others : `${Math.round(client.since_ms / 1000)} s`,
      exhibitState(client),
      number(client.exhibits), number(client.frames), number(client.bytes));
    if (client.you) row.className = "important";
    return row;
  });
  byId("room-clients").replaceChildren(...rows);
  say("room-count", `${count(clients.length, "visitor is", "visitors are")} here.`);
}

// -------------------------------------------------------------------- small things

function say(id, text) {
  const element = byId(id);
  // A live region speaks again when its text is set again, even to the same words.
  if (element.textContent !== text) element.textContent = text;
}

function showProblem(text) {
  if (running) say("outcome", `${running}: not finished. The message at the top of the page says why.`);
  running = null;
  say("problem-text", text);
  byId("problem").hidden = false;
}

byId("problem-close").addEventListener("click", () => { byId("problem").hidden = true; });
byId("reconnect").addEventListener("click", () => {
  say("commentary-state", "connecting");
  commentary.connect();
});
byId("exhibit-toggle").addEventListener("click", toggleExhibit);
byId("controls-connect").addEventListener("click", connectExhibit);

commentary.connect();
