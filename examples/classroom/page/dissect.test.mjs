// Run with: node --test examples/classroom/page/
//
// The examples of RFC 6455 section 5.7, byte for byte, then one frame for each rule that can be broken, then the
// handshake of section 1.3. No packages: node brings the test runner with it.

import test from "node:test";
import assert from "node:assert/strict";
import dissect from "./dissect.js";

const bytes = (hex) => dissect.fromHex(hex);
const frame = (hex, sender) => dissect.frame(bytes(hex), sender);
const sections = (hex, sender) => frame(hex, sender).problems.map((problem) => problem.section);

test("section 5.7: an unmasked text message", () => {
  const f = frame("81 05 48 65 6c 6c 6f", "server");
  assert.equal(f.fin, true);
  assert.equal(f.name, "Text");
  assert.equal(f.masked, false);
  assert.equal(f.length, 5);
  assert.equal(f.text, "Hello");
  assert.deepEqual(f.problems, []);
});

test("section 5.7: the same, masked", () => {
  const f = frame("81 85 37 fa 21 3d 7f 9f 4d 51 58", "client");
  assert.equal(f.masked, true);
  assert.equal(dissect.toHex(f.key), "37fa213d");
  assert.equal(dissect.toHex(f.onWire), "7f9f4d5158");
  assert.equal(f.text, "Hello");
  assert.deepEqual(f.problems, []);
});

test("section 5.7: a fragmented message", () => {
  const first = frame("01 03 48 65 6c", "server");
  const last = frame("80 02 6c 6f", "server");
  assert.deepEqual([first.fin, first.name, first.text], [false, "Text", "Hel"]);
  assert.deepEqual([last.fin, last.name, last.text], [true, "Continuation", "lo"]);
});

test("section 5.7: a ping and its masked pong", () => {
  assert.equal(frame("89 05 48 65 6c 6c 6f", "server").name, "Ping");
  const pong = frame("8a 85 37 fa 21 3d 7f 9f 4d 51 58", "client");
  assert.deepEqual([pong.name, pong.text], ["Pong", "Hello"]);
});

test("section 5.7: 256 bytes need a 16-bit length, 64 KiB a 64-bit one", () => {
  const medium = frame("82 7e 01 00" + "ab".repeat(256), "server");
  assert.deepEqual([medium.shortLength, medium.extended, medium.length, medium.missing], [126, 2, 256, 0]);
  const large = frame("82 7f 00 00 00 00 00 01 00 00" + "ab".repeat(65536), "server");
  assert.deepEqual([large.shortLength, large.extended, large.length, large.missing], [127, 8, 65536, 0]);
  assert.deepEqual(large.problems, []);
});

test("the drawing and the table say the same bits", () => {
  const f = frame("82 fe 01 00 01 02 03 04", "client");
  const drawn = f.head.flatMap((byte) => byte.runs).map((run) => run.bits).join("");
  const listed = f.fields.map((field) => field.bits.replaceAll(" ", "")).join("");
  assert.equal(drawn, listed);
  assert.equal(drawn.length, 8 * 8);
});

test("a cut payload says how much is missing, and a character cut in two is no error", () => {
  const f = frame("81 7e 04 00 e2 82", "server");
  assert.equal(f.missing, 1022);
  assert.deepEqual(f.problems, []);
});

test("a header that has not arrived is not a frame", () => {
  for (const hex of ["", "81", "81 7e 01", "81 85 37 fa 21"]) assert.equal(frame(hex), null);
});

test("each broken rule is named by its section", () => {
  assert.deepEqual(sections("81 05 48 65 6c 6c 6f", "client"), ["5.1"]);
  assert.deepEqual(sections("81 80 01 02 03 04", "server"), ["5.1"]);
  assert.deepEqual(sections("c1 80 01 02 03 04", "client"), ["5.2"]);
  assert.deepEqual(sections("83 80 01 02 03 04", "client"), ["5.2"]);
  assert.deepEqual(sections("82 7e 00 01 aa", "server"), ["5.2"]);
  assert.deepEqual(sections("82 7f 00 00 00 00 00 00 ff ff", "server"), ["5.2"]);
  assert.deepEqual(sections("82 7f 80 00 00 00 00 00 00 00", "server"), ["5.2"]);
  assert.deepEqual(sections("09 00", "server"), ["5.5"]);
  assert.deepEqual(sections("89 7e 00 7e" + "00".repeat(126), "server"), ["5.5"]);
  assert.deepEqual(sections("81 02 c3 28", "server"), ["8.1"]);
  assert.deepEqual(sections("88 01 03", "server"), ["5.5.1"]);
  assert.deepEqual(sections("88 02 03 ed", "server"), ["7.4"]);
  assert.deepEqual(sections("88 04 03 e8 c3 28", "server"), ["5.5.1"]);
});

test("a close carries a code and a reason, or nothing", () => {
  assert.deepEqual(frame("88 05 03 ea 62 61 64", "server").close,
    { code: 1002, reason: "bad", meaning: "protocol error: a rule of RFC 6455 was broken" });
  assert.equal(frame("88 00", "server").close.code, null);
  assert.deepEqual(frame("88 00", "server").problems, []);
});

test("a step of the trace becomes the bytes that crossed the wire", () => {
  const step = { role: "server", direction: "in", header: "8185", key: "37fa213d", payload: "48656c6c6f", length: 5 };
  assert.equal(dissect.toHex(dissect.wireBytes(step)), "818537fa213d7f9f4d5158");
  assert.equal(dissect.senderOf(step), "client");
  assert.equal(dissect.senderOf({ role: "client", direction: "in" }), "server");
});

test("hex as people type it", () => {
  assert.deepEqual([...bytes("0x48 65:6C")], [0x48, 0x65, 0x6c]);
  assert.deepEqual([...bytes("")], []);
  assert.equal(bytes("4"), null);
  assert.equal(bytes("zz"), null);
});

test("what a stranger sent is printed, not obeyed", () => {
  assert.equal(dissect.printable("a\r\nb\u202ec\u0007"), "a\\r\\nb\\u{202e}c\\u{7}");
  assert.equal(dissect.printable("Grüße 👋"), "Grüße 👋");
});

test("section 1.3: the accept key", async () => {
  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  const computed = await dissect.acceptKey(key, crypto.subtle);
  assert.equal(computed.joined, "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  assert.equal(computed.sha1, "b37a4f2cc0624f1690f64606cf385945b2bec4ea");
  assert.equal(computed.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  assert.equal((await dissect.acceptKey(key, undefined)).accept, null);
});

test("each line of a head is explained", () => {
  const request = dissect.head("GET /exhibit HTTP/1.1\r\nHost: a:1\r\nsec-websocket-KEY:  x \r\nOdd\r\nX-Mine: 1\r\n\r\n");
  assert.match(request.start.explanation, /ordinary HTTP GET/);
  assert.deepEqual(request.headers.map((h) => h.name), ["Host", "sec-websocket-KEY", "Odd", "X-Mine"]);
  assert.equal(request.headers[1].value, "x");
  assert.match(request.headers[1].explanation, /16 random bytes/);
  assert.match(request.headers[2].explanation, /Not a header line/);
  assert.match(dissect.head("HTTP/1.1 101 Switching Protocols\r\n\r\n").start.explanation, /no longer HTTP/);
});

test("RFC 8446 section 5.1: what a record says of itself", () => {
  assert.equal(dissect.recordName({ type: 22, handshake: 1 }), "handshake: ClientHello");
  assert.equal(dissect.recordName({ type: 22, handshake: 99 }), "handshake: message 99");
  assert.equal(dissect.recordName({ type: 22, handshake: null }), "handshake, encrypted");
  assert.equal(dissect.recordName({ type: 20, handshake: null }), "change_cipher_spec");
  assert.equal(dissect.recordName({ type: 23 }), "application_data");
  assert.equal(dissect.recordName({ type: 99 }), "unknown type 99");
});
