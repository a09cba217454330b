// What does TLS put between the bytes that the program says and the bytes that cross?
//
// Records. Each begins with five bytes in the clear, and what follows only the two sides can read. So the table has two
// halves: what everybody on the way sees, and what it was. The server has the keys, so its trace knows both; a listener
// has the left half only, and this page's browser shows a script neither.
//
// Which bytes were in which record the trace does not say: it tells records as they cross, and bytes as they are
// encrypted or decrypted. `pair` puts them together again, in order, for no record overtakes another.

"use strict";

const MAX_RECORDS = 100;

const CIPHERS = [
  [/AES_128_GCM/, "AES with a key of 128 bits encrypts each record and seals it (GCM): a changed byte is noticed"],
  [/AES_256_GCM/, "AES with a key of 256 bits encrypts each record and seals it (GCM): a changed byte is noticed"],
  [/CHACHA20/, "ChaCha20 encrypts each record, Poly1305 seals it: a changed byte is noticed"],
];

class TlsView {
  /** `agreed` and `records` are the containers of the two parts. */
  constructor(agreed, records) {
    this.agreed = agreed;
    this.body = make("tbody");
    this.empty = make("p", { class: "hint" }, "The records appear here when the exhibit connects.");
    this.cut = make("p", { class: "hint", hidden: true }, `The table keeps the newest ${MAX_RECORDS} records.`);
    const heads = ["Direction", "In the clear", "What everybody on the way learns", "What only the two sides read"];
    this.table = make("table", { class: "records", id: "tls-records-table" },
      make("caption", {}, "Records, oldest first"),
      make("thead", {}, make("tr", {}, ...heads.map((name) => make("th", { scope: "col" }, name)))), this.body);
    records.append(this.empty, this.table, this.cut);
    this.startOver();
  }

  /** `certificate` is what the server says of its own, in the commentary's welcome. */
  present(certificate) {
    this.certificate = certificate;
  }

  startOver() {
    this.body.replaceChildren();
    this.table.hidden = true;
    this.empty.hidden = false;
    this.cut.hidden = true;
    this.agreed.replaceChildren(make("p", { class: "hint" }, "What was agreed appears here when the exhibit connects."));
    // For each direction: records that may still hold bytes, and bytes that no record was found for yet.
    this.open = { in: { records: [], texts: [] }, out: { records: [], texts: [] } };
    // What TLS adds to the program's bytes. Under 1.3: one that says what kind they are, and a seal of 16.
    this.overhead = 17;
    this.isOlder = false;
    this.finished = false;
  }

  add(step) {
    if (step.step === "record") this.addRecord(step);
    if (step.step === "plaintext") {
      this.open[step.direction].texts.push({ step, left: step.bytes, begun: false });
      this.pair(step.direction);
    }
    if (step.step === "secured") this.showAgreed(step);
  }

  // ------------------------------------------------------------------ the records

  addRecord(step) {
    const bytes = step.header.match(/../g);
    const clear = make("span", { class: "record-header" },
      ...[["kind", bytes[0]], ["version", bytes.slice(1, 3).join(" ")], ["length", bytes.slice(3).join(" ")]].map(([name, hex]) =>
        make("span", { class: "run field-" + name }, make("code", {}, hex), make("small", {}, name))));
    const inside = make("div", { class: "inside" }, make("p", {}, this.ownWords(step)));
    const row = tableRow(step.direction === "in" ? "browser → server" : "server → browser", clear,
      dissect.recordName(step) + ", " + count(step.length, "byte"), inside);
    if (step.type === 20 || (step.handshake !== null && step.handshake !== undefined)) row.className = "in-the-clear";
    this.body.append(row);
    this.table.hidden = false;
    this.empty.hidden = true;
    if (this.body.rows.length > MAX_RECORDS) {
      this.body.rows[0].remove();
      this.cut.hidden = false;
    }
    if (!this.isFinished(step) && step.type === 23) {
      this.open[step.direction].records.push({ length: step.length, used: 0, inside, begun: false });
      // What we send is told before it is encrypted: a record for which nothing waits is TLS's own.
      if (step.direction === "out" && this.open.out.texts.length === 0) this.open.out.records = [];
      this.pair(step.direction);
    }
  }

  /** In TLS 1.3 the browser's first encrypted record ends its handshake. In 1.2 that one has a type of its own. */
  isFinished(step) {
    if (step.type === 22 && step.direction === "in" && (step.handshake === null || step.handshake === undefined)) this.isOlder = true;
    const is = step.type === 23 && step.direction === "in" && !this.isOlder && !this.finished;
    this.finished = this.finished || is;
    return is;
  }

  /** What is in a record that holds no bytes of the program's. */
  ownWords(step) {
    if (step.type === 22 && step.handshake === 1) return "not secret: the versions and ciphers that the browser knows, half of a key exchange, and the name that it asks for";
    if (step.type === 22 && step.handshake === 2) return "not secret: what the server chose, and its half of the key exchange. From here on both can compute the keys, and a listener cannot";
    if (step.type === 22 && step.handshake) return "not secret: in TLS 1.2 more of the handshake is in the clear, even the certificate";
    if (step.type === 20) return "not secret: in TLS 1.2 it says “from here on I encrypt”; 1.3 sends it only to look the same to old boxes on the way (RFC 8446 appendix D.4)";
    if (step.type === 21) return "an alert: why TLS ends";
    if (step.type === 22) return `the ${step.direction === "in" ? "browser" : "server"}’s Finished: it has seen the same handshake as the other`;
    if (!this.finished) {
      return step.direction === "in" ? "the browser’s Finished: it has seen the same handshake as the server"
        : "the server’s certificate, a signature that proves that it has the key, and its Finished";
    }
    return "TLS’s own word: close_notify, its goodbye";
  }

  pair(direction) {
    const { records, texts } = this.open[direction];
    while (records.length && texts.length) {
      const [record, text] = [records[0], texts[0]];
      // Which version it is may be known only now: a browser's first bytes can come together with its Finished.
      const room = record.length - this.overhead;
      if (room <= 0) {
        records.shift(); // An empty record is allowed, and hides how much is said.
        continue;
      }
      const size = Math.min(room - record.used, text.left);
      if (!record.begun) record.inside.replaceChildren();
      record.inside.append(make("p", {}, text.begun ? `goes on: ${count(size, "byte")}` : count(text.step.bytes, "byte") + " of the program’s"));
      if (!text.begun) {
        const shown = dump(text.step.hex, text.step.bytes);
        if (shown) record.inside.append(shown);
      }
      record.begun = text.begun = true;
      record.used += size;
      text.left -= size;
      if (record.used >= room) records.shift();
      if (text.left <= 0) texts.shift();
    }
  }

  // ------------------------------------------------------------------ what was agreed

  showAgreed(step) {
    if (step.version !== "TLS 1.3") this.overhead = /CHACHA20/.test(step.cipher) ? 16 : 24;
    const value = (text) => make("code", { class: "value" }, dissect.printable(text));
    const none = () => make("b", {}, "none");
    const known = CIPHERS.find(([pattern]) => pattern.test(step.cipher));
    const prints = (this.certificate && this.certificate.fingerprints) || [];
    const rows = [
      tableRow("Version", value(step.version), step.version === "TLS 1.3"
        ? "The newest. Two messages are in the clear, and all that follows is encrypted, the certificate too (RFC 8446 section 2)."
        : "The older one: one more round trip, and the certificate crosses in the clear (RFC 5246)."),
      tableRow("Cipher suite", value(step.cipher), (known ? known[1] : "How each record is encrypted and sealed") + "."),
      tableRow("Name asked for", step.name ? value(step.name) : none(), step.name
        ? "In the ClientHello, in the clear (SNI): the server must know which certificate to show before there are any keys."
        : "Your browser went to an address, and addresses are not asked for (RFC 6066 section 3). It still looks for it in the certificate."),
      tableRow("Name verified", value(location.hostname), "By your browser, before this page could run: the certificate is for this name, a root that it trusts has signed it, and it is valid today."),
      tableRow("The server’s chain", make("span", {}, count(prints.length, "certificate")), make("span", {}, "SHA-256 of the first: ", value(prints[0] || "unknown"),
        ". Your browser’s certificate viewer shows it too (the sign in front of the address). Another number there, and somebody sits in between.")),
      tableRow("Your certificate", step.chain ? make("span", {}, count(step.chain, "certificate")) : none(), step.chain
        ? "The server knows who you are, and has verified it."
        : "The server has not asked. You know who it is; it does not know who you are."),
      tableRow("Above it (ALPN)", step.protocol ? value(step.protocol) : none(), "What will be spoken once the keys are there, agreed on within the handshake (RFC 7301). A WebSocket begins as HTTP/1.1."),
      tableRow("Session", make("span", {}, step.resumed ? "taken up again" : "new"),
        "Other servers hand out tickets, and with one the next connection needs no certificate (RFC 8446 section 2.2). This one does not, so that each exhibit shows the whole handshake."),
    ];
    this.agreed.replaceChildren(make("div", { class: "wide" }, make("table", { class: "headers", id: "tls-agreed-table" },
      make("caption", {}, "Browser and server, after the TLS handshake"),
      make("thead", {}, make("tr", {}, ...["What", "Agreed", "Why"].map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...rows))));
  }
}
