// Node's `ws` as the client of our `ws_echo_server`.
//
//     node websocket_client.js URL
//
// Ends with an error, and says which, if anything comes back that should not.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const { once } = require("node:events");
const WebSocket = require("ws");

const DEADLINE = 20_000;
const CLOSE_DEADLINE = 5_000;
const url = process.argv[2];

// Whatever hangs ends here.
setTimeout(() => fail(new Error(`not done within ${3 * DEADLINE} ms`)), 3 * DEADLINE).unref();
process.on("unhandledRejection", fail);

function fail(error) {
  console.error(error);
  process.exit(1);
}

// Around the borders of the three forms of a length (RFC 6455 section 5.2), and more than any buffer holds.
const SIZES = [0, 1, 125, 126, 65535, 65536, 1 << 20];

function* messages() {
  for (const size of SIZES) {
    yield "x".repeat(size);
    yield Buffer.from(Array.from({ length: size }, (_, number) => number % 251));
  }
  yield "grüße, 世界 🌍";
}

// For wss://: whom it believes, and the one version that it speaks.
const { PEER_TLS_DIR: folder, PEER_TLS_VERSION: number } = process.env;
const version = `TLSv${number}`;
const tls = folder ? { ca: fs.readFileSync(`${folder}/root.pem`), minVersion: version, maxVersion: version } : {};

async function open() {
  const client = new WebSocket(url, { handshakeTimeout: DEADLINE, ...tls });
  await once(client, "open");
  assert.strictEqual(client.extensions, "", "nobody here compresses");
  return client;
}

async function echo(client, message) {
  client.send(message);
  await expect(client, message);
}

async function expect(client, message) {
  const [data, isBinary] = await once(client, "message");
  assert.strictEqual(isBinary, typeof message !== "string", "text and binary are told apart");
  assert.ok(Buffer.from(message).equals(data), `${message.length} long, came back changed`);
}

// Gives the code of the answer. ws would be content with a server that never closes the TCP connection; section 7.1.1
// is not.
async function close(client, ...codeAndReason) {
  const started = Date.now();
  client.close(...codeAndReason);
  const [code] = await once(client, "close");
  assert.ok(Date.now() - started < CLOSE_DEADLINE, `closed with ${codeAndReason}, and the connection stayed open`);
  return code;
}

async function main() {
  const client = await open();
  for (const message of messages()) await echo(client, message);

  // Fragments, and a ping between them, which a control frame may be (section 5.4).
  const pong = once(client, "pong");
  client.send("one ", { fin: false });
  client.ping("in between");
  client.send("message", { fin: true });
  await expect(client, "one message");
  assert.strictEqual((await pong)[0].toString(), "in between");

  for (const payload of ["", "x".repeat(125)]) {
    const answer = once(client, "pong");
    client.ping(payload);
    assert.strictEqual((await answer)[0].toString(), payload);
  }
  // Without a code from us, the answer has none either: ws calls that 1005.
  assert.strictEqual(await close(client), 1005);

  // A server sends the code back that it got (section 7.1.5).
  for (const [code, reason] of [[1000, ""], [1001, "leaving"], [3000, "é".repeat(61)], [4999, "x".repeat(123)]]) {
    const client = await open();
    await echo(client, "before the end");
    assert.strictEqual(await close(client, code, reason), code);
  }
}

main().catch(fail);
