// How does one read a WebSocket connection byte by byte?
//
// Pure functions: bytes or text in, an explanation out. Nothing here touches the page or the network, so the same file
// runs in the browser as a plain <script> and under `node --test` (see dissect.test.mjs).
//
//   bytes          hex, masks, and how to print what a stranger sent
//   frame          the first two bytes bit by bit, the lengths, the key, the payload, and the rules that are broken
//   handshake      each header line, and the accept key
//   record         what the header of a TLS record says
//
// Section numbers are those of RFC 6455. In production nobody decodes frames in JavaScript: the browser has done it
// before `onmessage` is called, and shows neither pings, nor fragments, nor masks. That is why this page gets its
// frames from the server's trace.

"use strict";

const dissect = (() => {
  // ---------------------------------------------------------------- bytes

  /** "48 65 6c" or "48656c" -> bytes. Anything that is not pairs of hex digits is null, which is not "no bytes". */
  function fromHex(hex) {
    const digits = hex.replace(/[\s:,]|0x/gi, "");
    if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) return null;
    const bytes = new Uint8Array(digits.length / 2);
    for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(digits.slice(2 * i, 2 * i + 2), 16);
    return bytes;
  }

  function toHex(bytes, separator = "") {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(separator);
  }

  function toBits(byte) {
    return byte.toString(2).padStart(8, "0");
  }

  /** One byte as one character, so that text and hex stay aligned. A byte that is no printable ASCII is a dot. */
  function character(byte) {
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
  }

  /**
   * Text from the wire, made safe to look at. A control character would break the layout, and a bidirectional one
   * (U+202E) would show the text backwards: the reader must see what was sent, so these appear by their number.
   */
  function printable(text) {
    const invisible = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
    return text.replace(invisible, (c) => {
      if (c === "\r") return "\\r";
      if (c === "\n") return "\\n";
      if (c === "\t") return "\\t";
      return "\\u{" + c.codePointAt(0).toString(16) + "}";
    });
  }

  /** UTF-8 -> text, or null if the bytes are not UTF-8. With `cut`, a character that is not complete yet is no error. */
  function fromUtf8(bytes, cut = false) {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut });
    } catch {
      return null;
    }
  }

  /**
   * Section 5.3: byte i of the payload is combined by XOR with byte i mod 4 of the key. Twice XOR with the same key
   * gives the first bytes back, so this one function masks and unmasks.
   */
  function mask(bytes, key) {
    return bytes.map((byte, i) => byte ^ key[i % 4]);
  }

  // ---------------------------------------------------------------- frame

  const OPCODES = {
    0x0: ["Continuation", "the next fragment of the message that an earlier frame began"],
    0x1: ["Text", "the payload is UTF-8 text"],
    0x2: ["Binary", "the payload is bytes, to which the protocol gives no meaning"],
    0x8: ["Close", "the last frame that its sender sends: a code and a reason, or nothing"],
    0x9: ["Ping", "the other side must answer with a Pong that carries the same payload"],
    0xa: ["Pong", "the answer to a Ping, or a sign of life that nobody asked for"],
  };

  /** Section 7.4.1. `false`: the code has a meaning inside a program, but may never be sent in a Close frame. */
  const CLOSE_CODES = {
    1000: ["normal closure", true],
    1001: ["going away: a page is left, a server stops", true],
    1002: ["protocol error: a rule of RFC 6455 was broken", true],
    1003: ["a kind of data that this side cannot accept", true],
    1005: ["no code was given", false],
    1006: ["the connection ended without a Close frame", false],
    1007: ["data that does not fit its kind: text that is not UTF-8", true],
    1008: ["against this side’s policy", true],
    1009: ["a message too big for this side", true],
    1010: ["the client needed an extension that the server did not offer", true],
    1011: ["the server met a condition it did not expect", true],
    1012: ["the server restarts", true],
    1013: ["try again later", true],
    1014: ["a gateway got a bad answer from behind it", true],
    1015: ["the TLS handshake failed", false],
  };

  function closeCode(code) {
    if (CLOSE_CODES[code]) return { meaning: CLOSE_CODES[code][0], mayBeSent: CLOSE_CODES[code][1] };
    if (code >= 3000 && code <= 3999) return { meaning: "registered by a library or framework", mayBeSent: true };
    if (code >= 4000 && code <= 4999) return { meaning: "private: the two programs agreed on it", mayBeSent: true };
    return { meaning: "not defined", mayBeSent: false };
  }

  function opcodeName(opcode) {
    return OPCODES[opcode] ? OPCODES[opcode][0] : "reserved 0x" + opcode.toString(16);
  }

  /** Who sent it follows from whose trace it is: the server's "in" and the client's "out" are both the client's. */
  function senderOf(step) {
    if (step.direction === "out") return step.role;
    return step.role === "server" ? "client" : "server";
  }

  /**
   * A step of the trace -> the bytes as they crossed the wire. The trace gives the payload unmasked, and masking it
   * again with the same key is exactly what the sender did.
   */
  function wireBytes(step) {
    const header = fromHex(step.header || "") || new Uint8Array();
    const key = fromHex(step.key || "") || new Uint8Array();
    const payload = fromHex(step.payload || "") || new Uint8Array();
    return Uint8Array.from([...header, ...key, ...(key.length === 4 ? mask(payload, key) : payload)]);
  }

  /**
   * The bytes of one frame -> everything there is to say about it.
   *
   * `sender` is "client" or "server" (a client must mask, a server must not), or left out if nobody knows. The payload
   * may be cut: the header says how long it is, and `missing` how much of it is not here. Null if the bytes end
   * before the header does.
   */
  function frame(bytes, sender) {
    if (bytes.length < 2) return null;
    const [first, second] = bytes;
    const fin = (first & 0x80) !== 0;
    const rsv = (first >> 4) & 7;
    const opcode = first & 0x0f;
    const masked = (second & 0x80) !== 0;
    const shortLength = second & 0x7f;

    // Seven bits cannot count far. Two of their values are escapes: 126 says "the length is in the next 2 bytes",
    // 127 "in the next 8", most significant byte first, as all numbers on the network.
    const extended = shortLength === 126 ? 2 : shortLength === 127 ? 8 : 0;
    const headLength = 2 + extended + (masked ? 4 : 0);
    if (bytes.length < headLength) return null;

    // 64 bits are more than a JavaScript number holds exactly, so they are counted as BigInt and converted at the end.
    let wide = 0n;
    for (const byte of bytes.subarray(2, 2 + extended)) wide = (wide << 8n) | BigInt(byte);
    const length = extended ? Number(wide) : shortLength;

    const key = masked ? bytes.subarray(2 + extended, headLength) : null;
    const onWire = bytes.subarray(headLength, headLength + Math.min(length, bytes.length));
    const payload = masked ? mask(onWire, key) : onWire;
    const missing = length - onWire.length;

    const result = {
      fin, rsv, opcode, name: opcodeName(opcode), masked, shortLength, extended, length,
      key, onWire, payload, missing, control: opcode >= 8, sender,
      text: null, close: null,
    };
    if (opcode <= 1 || opcode === 9 || opcode === 10) result.text = fromUtf8(payload, !fin || missing > 0);
    if (opcode === 8) result.close = closePayload(payload);
    result.head = bitsOfHead(result, bytes.subarray(0, headLength));
    result.fields = fieldsOf(result, bytes);
    result.problems = problemsOf(result, bytes);
    return result;
  }

  /** Section 5.5.1: nothing at all, or a code in two bytes and then a reason in UTF-8. One byte is neither. */
  function closePayload(payload) {
    if (payload.length < 2) return { code: null, reason: "", meaning: "no code" };
    const code = payload[0] * 256 + payload[1];
    return { code, reason: fromUtf8(payload.subarray(2)), meaning: closeCode(code).meaning };
  }

  /** The header as the RFC draws it (section 5.2): for each byte, the runs of bits that belong together. */
  function bitsOfHead(frame, head) {
    return Array.from(head, (byte, i) => {
      const bits = toBits(byte);
      const run = (field, from, to) => ({ field, bits: bits.slice(from, to) });
      let runs;
      if (i === 0) {
        runs = [run("FIN", 0, 1), run("RSV1", 1, 2), run("RSV2", 2, 3), run("RSV3", 3, 4), run("opcode", 4, 8)];
      } else if (i === 1) {
        runs = [run("MASK", 0, 1), run("length", 1, 8)];
      } else if (i < 2 + frame.extended) {
        runs = [run("extended length", 0, 8)];
      } else {
        runs = [run("masking key", 0, 8)];
      }
      return { byte: i, hex: toHex([byte]), runs };
    });
  }

  /** The same once more in words: one row for each field, for the table and for those who cannot see the drawing. */
  function fieldsOf(frame, bytes) {
    const bit = (set) => (set ? "1" : "0");
    const fields = [];
    const add = (name, where, bits, value, meaning) => fields.push({ name, where, bits, value, meaning });

    add("FIN", "byte 0, bit 1", bit(frame.fin), frame.fin ? "yes" : "no",
      frame.fin ? "the message ends with this frame" : "more fragments of this message follow");
    for (const n of [1, 2, 3]) {
      const set = (frame.rsv & (8 >> n)) !== 0;
      add("RSV" + n, "byte 0, bit " + (1 + n), bit(set), set ? "set" : "clear",
        set ? "an extension would have to define it, and none was agreed" : "reserved for extensions");
    }
    add("opcode", "byte 0, bits 5 to 8", toBits(bytes[0]).slice(4), "0x" + frame.opcode.toString(16) + " " + frame.name,
      OPCODES[frame.opcode] ? OPCODES[frame.opcode][1] : "no meaning is defined for this number");
    add("MASK", "byte 1, bit 1", bit(frame.masked), frame.masked ? "yes" : "no",
      frame.masked ? "a masking key follows, and the payload is masked with it" : "the payload is sent as it is");
    add("length", "byte 1, bits 2 to 8", toBits(bytes[1]).slice(1), String(frame.shortLength),
      frame.extended ? `an escape: the length stands in the next ${frame.extended} bytes` : "bytes of payload");
    if (frame.extended) {
      const end = 2 + frame.extended;
      const octets = bytes.subarray(2, end);
      add("extended length", `bytes 2 to ${end - 1}`, Array.from(octets, toBits).join(" "), String(frame.length),
        `bytes of payload, as a ${8 * frame.extended}-bit number, most significant byte first`);
    }
    if (frame.masked) {
      const start = 2 + frame.extended;
      add("masking key", `bytes ${start} to ${start + 3}`, Array.from(frame.key, toBits).join(" "), toHex(frame.key, " "),
        "chosen at random by the sender for this one frame");
    }
    return fields;
  }

  /** Every rule that this frame breaks by itself. (Rules between frames, such as a lost fragment, need the history.) */
  function problemsOf(frame, bytes) {
    const problems = [];
    const broken = (section, text) => problems.push({ section, text });

    if (frame.rsv) broken("5.2", "A reserved bit is set, but no extension was agreed on.");
    if (!OPCODES[frame.opcode]) broken("5.2", "The opcode is reserved: nobody has defined what such a frame means.");
    if (frame.sender === "client" && !frame.masked) broken("5.1", "A client must mask every frame.");
    if (frame.sender === "server" && frame.masked) broken("5.1", "A server must not mask a frame.");
    if (frame.extended === 8 && bytes[2] & 0x80) broken("5.2", "The highest bit of a 64-bit length must be 0.");
    if ((frame.extended === 2 && frame.length < 126) || (frame.extended === 8 && frame.length < 65536)) {
      broken("5.2", "The length is not written in its shortest form.");
    }
    if (frame.control && !frame.fin) broken("5.5", "A control frame must not be fragmented.");
    if (frame.control && frame.length > 125) broken("5.5", "A control frame carries at most 125 bytes.");
    if (frame.opcode === 1 && frame.text === null) broken("8.1", "A text message must be valid UTF-8.");
    if (frame.close && frame.length === 1) {
      broken("5.5.1", "The payload of a Close is empty, or begins with a code of two bytes. One byte is neither.");
    }
    if (frame.close && frame.close.code !== null && !closeCode(frame.close.code).mayBeSent) {
      broken("7.4", `The close code ${frame.close.code} must not be sent.`);
    }
    if (frame.close && frame.close.reason === null) broken("5.5.1", "The reason of a Close must be valid UTF-8.");
    return problems;
  }

  // ---------------------------------------------------------------- handshake

  /** Section 1.3. Not a secret: it only proves that the server knows this protocol and did not merely echo. */
  const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

  const HEADERS = {
    "host": "Which server is meant, since one address may serve many names. Required (section 4.1).",
    "upgrade": "The protocol to change to. Must contain “websocket” (section 4.1).",
    "connection": "“Upgrade” concerns this hop only: a proxy that does not know it must not pass it on (section 4.1).",
    "sec-websocket-key": "16 random bytes in base64, new for each connection. The server must answer to exactly these (section 4.1).",
    "sec-websocket-version": "13 is the version that became RFC 6455, and the only one in use (section 4.1).",
    "sec-websocket-accept": "Computed from the key: the proof that this server understood the request (section 4.2.2). See the next section.",
    "sec-websocket-extensions": "Extensions, such as compression. Agreed only if they stand in the answer too (section 9.1).",
    "sec-websocket-protocol": "What the messages mean (a subprotocol). The client offers a list, the server picks one (section 1.9).",
    "origin": "Which page’s script opens this. The browser writes it and the script cannot change it, so a server can refuse strangers (section 10.2).",
    "user-agent": "Which program asks. The WebSocket protocol does not use it.",
    "cookie": "Cookies go with the handshake as with any HTTP request, and so does the session of who is logged in (section 10.5).",
    "cache-control": "Not to be answered from a cache.",
    "pragma": "Not to be answered from a cache, in the words of HTTP/1.0.",
    "accept": "Which media types may come back. Has no effect on a WebSocket.",
    "accept-encoding": "Which compressions of an HTTP body the browser can undo. A 101 answer has no body.",
    "accept-language": "Which human languages the user prefers.",
    "content-type": "What kind of body follows.",
    "content-length": "How many bytes of body follow: this is how HTTP says where a message ends.",
    "date": "When the answer was made.",
    "server": "Which program answers.",
  };

  const STATUS = {
    101: "Switching Protocols: from the byte after the empty line on, this connection speaks WebSocket, no longer HTTP.",
    400: "Bad Request: the handshake broke a rule.",
    403: "Forbidden: understood, but this visitor may not.",
    404: "Not Found: there is no WebSocket at this path.",
    405: "Method Not Allowed: a handshake must be a GET.",
    426: "Upgrade Required: the answer names the version or protocol that the server speaks.",
    431: "Request Header Fields Too Large: the head is over the server’s limit.",
    500: "Internal Server Error: a fault in the server, not in the request.",
    503: "Service Unavailable: as many clients as the server takes are here already.",
  };

  function explainStart(line) {
    const status = /^HTTP\/1\.\d (\d{3})/.exec(line);
    if (status) return STATUS[status[1]] || "The status line of an HTTP answer.";
    const request = /^(\S+) (\S+) HTTP\/(\d\.\d)$/.exec(line);
    if (!request) return "Not a request line of HTTP: method, path, version.";
    if (request[1] !== "GET") return "A handshake must be a GET (section 4.1); this is " + request[1] + ".";
    return "Method, path and version. A WebSocket begins as an ordinary HTTP GET (section 4.1), of version 1.1 or higher.";
  }

  /** An HTTP head -> its lines, each with a sentence. The order is kept: it is what crossed the wire. */
  function head(text) {
    const lines = text.split("\r\n").filter((line) => line !== "");
    const start = lines.shift() || "";
    return {
      start: { text: start, explanation: explainStart(start) },
      headers: lines.map((line) => {
        const colon = line.indexOf(":");
        if (colon < 1) return { name: line, value: "", explanation: "Not a header line: there is no name and colon." };
        const name = line.slice(0, colon);
        const known = HEADERS[name.toLowerCase()];
        const fetch = name.toLowerCase().startsWith("sec-fetch") && "The browser tells how its page came to ask. Not part of the handshake.";
        return {
          name,
          value: line.slice(colon + 1).trim(),
          explanation: known || fetch || "Not part of the WebSocket handshake: a receiver ignores what it does not know.",
        };
      }),
    };
  }

  // ---------------------------------------------------------------- TLS

  /** RFC 8446 section 4 and RFC 5246 section 7.4. */
  const MESSAGES = {
    0: "HelloRequest", 1: "ClientHello", 2: "ServerHello", 4: "NewSessionTicket", 11: "Certificate", 12: "ServerKeyExchange",
    13: "CertificateRequest", 14: "ServerHelloDone", 15: "CertificateVerify", 16: "ClientKeyExchange", 20: "Finished",
    22: "CertificateStatus",
  };

  /** What the header of a record says that it holds; and its first message, if that crosses in the clear. */
  function recordName({ type, handshake }) {
    if (type === 20) return "change_cipher_spec";
    if (type === 21) return "alert";
    if (type === 23) return "application_data";
    if (type !== 22) return "unknown type " + type;
    if (handshake === null || handshake === undefined) return "handshake, encrypted";
    return "handshake: " + (MESSAGES[handshake] || "message " + handshake);
  }

  function toBase64(bytes) {
    return btoa(String.fromCharCode(...bytes));
  }

  /**
   * Section 4.2.2: key + GUID -> SHA-1 -> base64. `subtle` is `crypto.subtle`, which a browser gives only to a page
   * in a secure context; without it `sha1` and `accept` are null, for "not computed" is not "wrong".
   */
  async function acceptKey(key, subtle) {
    const joined = key + GUID;
    if (!subtle) return { joined, sha1: null, accept: null };
    const digest = new Uint8Array(await subtle.digest("SHA-1", new TextEncoder().encode(joined)));
    return { joined, sha1: toHex(digest), accept: toBase64(digest) };
  }

  return {
    fromHex, toHex, toBits, character, printable, fromUtf8, mask,
    frame, wireBytes, senderOf, opcodeName, closeCode,
    head, acceptKey, recordName, toBase64, GUID,
  };
})();

// A browser has no `module`; node has, and hands this to dissect.test.mjs.
if (typeof module !== "undefined") module.exports = dissect;
