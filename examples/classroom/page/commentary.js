// How does the page learn what the server did?
//
// Through a second WebSocket, /commentary, which the server does not trace: if it did, each explanation would be a
// step that had to be explained, and the page would watch itself watch.
//
// A browser's WebSocket does not reconnect by itself, and an `error` event says nothing about the cause (on purpose:
// a script must not learn what listens inside your network). So every end comes down to `close`, and the page offers
// to try again. It does not try by itself: thirty browsers that all come back in the same second are a bad way for a
// server to start.

"use strict";

class Commentary {
  /** `path` is relative to this page. `on` holds { message(object), open(), end() }. */
  constructor(path, on) {
    this.url = socketUrl(path);
    this.on = on;
  }

  connect() {
    const socket = new WebSocket(this.url);
    if (this.socket) this.socket.close();
    this.socket = socket;
    socket.addEventListener("open", () => this.on.open());
    socket.addEventListener("close", (event) => {
      // An old socket may take a minute to notice its end. By then there is another, and its end is no news.
      if (this.socket === socket) this.on.end(event);
    });
    socket.addEventListener("message", (event) => {
      if (this.socket !== socket) return;
      let message;
      try {
        message = JSON.parse(event.data);
      } catch {
        console.error("the commentary sent something that is not JSON:", event.data);
        return;
      }
      this.on.message(message);
    });
  }

  /** False if there is nobody to send it to. (`send` on a closed socket does not fail: it drops the message.) */
  send(request) {
    if (!this.socket || this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(request));
    return true;
  }
}

/** ws:// beside http://, wss:// beside https://, same host, same port. */
function socketUrl(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.hash = "";
  return url.href;
}
