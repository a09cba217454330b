// How does an HTTP request become a WebSocket?
//
// Two things are drawn here: the request and its answer, header by header (RFC 6455 sections 4.1 and 4.2.2), and the
// computation of the accept key, once as the server did it and once more by this page. The page does not take the
// server's word for it where it can compute.

"use strict";

class HandshakeView {
  /** `heads` and `key` are the containers of the two sections. */
  constructor(heads, key) {
    this.heads = { request: heads.querySelector("#request"), answer: heads.querySelector("#answer") };
    this.key = key;
    this.startOver();
  }

  startOver() {
    const wait = (what) => make("p", { class: "hint" }, `${what} appears here when the exhibit connects.`);
    this.heads.request.replaceChildren(wait("The request"));
    this.heads.answer.replaceChildren(wait("The answer"));
    this.key.replaceChildren(wait("The computation"));
    this.accepted = null;
  }

  // ------------------------------------------------------------------ the two heads

  addHead(step) {
    const fromClient = dissect.senderOf(step) === "client";
    const head = dissect.head(step.text);
    const printed = (text) => make("code", { class: "value" }, dissect.printable(text));
    const rows = head.headers.map((header) => {
      const row = tableRow(dissect.printable(header.name), printed(header.value), header.explanation);
      if (/^sec-websocket-(key|accept)$/i.test(header.name)) row.className = "important";
      return row;
    });
    const raw = make("details", {}, make("summary", {}, "The same as it crossed the wire"),
      // Each line ends with CR LF, and an empty line ends the head. Both are part of the protocol, so both are shown.
      make("pre", { tabindex: "0", role: "group", "aria-label": "the head as text" }, step.text.split("\n").map((line) => dissect.printable(line)).join("\\n\n").trimEnd()));
    const table = make("table", { class: "headers", id: fromClient ? "request-headers" : "answer-headers" },
      make("caption", {}, fromClient ? "Browser → server" : "Server → browser"),
      make("thead", {}, make("tr", {}, ...["Header", "Value", "Why"].map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...rows));
    (fromClient ? this.heads.request : this.heads.answer).replaceChildren(
      make("p", { class: "start-line" }, make("code", { class: "value" }, dissect.printable(head.start.text))),
      make("p", {}, head.start.explanation), make("div", { class: "wide" }, table), raw);

    const accept = head.headers.find((header) => header.name.toLowerCase() === "sec-websocket-accept");
    if (accept) this.accepted = accept.value;
  }

  // ------------------------------------------------------------------ the accept key

  /** `server` is the message accept_key: what the server computed, step by step. */
  async showKey(server) {
    // Browsers give `crypto.subtle` only to pages that nobody could have changed on the way: HTTPS, or this very
    // machine. In a lecture room over http:// it is missing, and then this page cannot check the hash.
    const subtle = globalThis.isSecureContext ? globalThis.crypto.subtle : undefined;
    const own = await dissect.acceptKey(server.key, subtle);
    const digest = dissect.fromHex(server.sha1) || new Uint8Array();
    // Even without the hash, its last step can be checked: base64 of the server's own twenty bytes.
    if (own.accept === null) own.accept = dissect.toBase64(digest);
    const random = this.randomBytes(server.key);

    const compare = (ours, theirs) => {
      if (ours === null) return make("b", {}, "– not computed");
      return ours === theirs ? make("b", {}, "✓ same") : make("span", {}, make("b", {}, "✗ different: "), make("code", { class: "value" }, ours));
    };
    const row = (name, value, verdict) => tableRow(name, make("code", { class: "value" }, value), verdict);
    const rows = [
      row("1. The browser’s key", server.key, random ? `base64 of 16 random bytes: ${random}` : "not 16 bytes in base64"),
      row("2. Append the GUID", server.joined, compare(own.joined, server.joined)),
      row("3. SHA-1: 20 bytes, in hex", server.sha1, compare(own.sha1, server.sha1)),
      row("4. Base64", server.accept, compare(own.accept, server.accept)),
    ];
    if (this.accepted !== null) {
      rows.push(row("5. In the answer", "Sec-WebSocket-Accept: " + this.accepted, compare(this.accepted, server.accept)));
    }
    const secure = subtle
      ? "This page computed every step again, with crypto.subtle, and compared."
      : "This page cannot compute SHA-1: your browser offers crypto.subtle only in a secure context, that is over HTTPS or on the server’s own machine (http://localhost). Step 4 is computed from the server’s hash.";
    this.key.replaceChildren(
      make("div", { class: "wide" }, make("table", { class: "steps", id: "accept-key-steps" },
        make("caption", {}, "From the key to the accept key"),
        make("thead", {}, make("tr", {}, ...["Step", "Value on the server", "Computed by this page"].map((name) => make("th", { scope: "col" }, name)))),
        make("tbody", {}, ...rows))),
      make("p", { class: "hint", id: "accept-key-check" }, secure));
  }

  randomBytes(key) {
    try {
      const bytes = Uint8Array.from(atob(key), (c) => c.charCodeAt(0));
      return bytes.length === 16 ? dissect.toHex(bytes, " ") : null;
    } catch {
      return null;
    }
  }
}
