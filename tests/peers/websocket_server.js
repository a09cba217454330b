// Node's `ws` as the server of our clients. The same paths as in websocket_server.py, which describes them:
// /lines and /goodbye for `ws_client`; /getCaseCount, /runCase and /updateReports for `ws_echo_client`.
//
//     node websocket_server.js
//
// Prints `listening on ADDR:PORT` as its first line, ends by itself, with an error if the client did anything wrong.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const https = require("node:https");
const { once } = require("node:events");
const { WebSocketServer } = require("ws");

const SIZES = [0, 1, 125, 126, 65535, 65536, 1 << 20];
const CASES = SIZES.flatMap((size) => ["x".repeat(size), Buffer.alloc(size, 255)]).concat("grüße, 世界 🌍");
const passed = [];

// With PEER_TLS_DIR it speaks wss, in the one version that PEER_TLS_VERSION names.
function secure(folder, version) {
  const [cert, key] = ["server.pem", "server-key.pem"].map((name) => fs.readFileSync(`${folder}/${name}`));
  return https.createServer({ cert, key, minVersion: version, maxVersion: version }).listen(0, "127.0.0.1");
}

const { PEER_TLS_DIR: folder, PEER_TLS_VERSION: version } = process.env;
const server = new WebSocketServer(
  folder ? { server: secure(folder, `TLSv${version}`) } : { host: "127.0.0.1", port: 0 },
);
server.on("listening", () => console.log(`listening on 127.0.0.1:${server.address().port}`));
server.on("connection", (client, request) => {
  client.on("error", end);
  const url = new URL(request.url, "ws://localhost");
  serve(client, url).catch(end);
});
process.on("unhandledRejection", end);

function end(error) {
  if (error) console.error(error);
  process.exit(error ? 1 : 0);
}

async function serve(client, url) {
  switch (url.pathname) {
    case "/lines":
      client.send("ready");
      client.on("message", async (data) => {
        const pong = once(client, "pong");
        client.ping();
        await pong;
        const text = data.toString().toUpperCase();
        client.send(text.slice(0, 1), { fin: false });
        client.send(text.slice(1), { fin: true });
      });
      assert.strictEqual((await once(client, "close"))[0], 1000, "the code that the client closed with");
      return end();
    case "/goodbye":
      client.send("ready");
      client.close(1001, "the lecture is over");
      assert.strictEqual((await once(client, "close"))[0], 1001, "the code that our 1001 was answered with");
      return end();
    case "/getCaseCount":
      client.send(String(CASES.length));
      return client.close();
    case "/runCase": {
      const number = Number(url.searchParams.get("case"));
      const message = CASES[number - 1];
      client.send(message);
      const [data, isBinary] = await once(client, "message");
      assert.strictEqual(isBinary, typeof message !== "string", `case ${number}: text and binary are told apart`);
      assert.ok(Buffer.from(message).equals(data), `case ${number} came back changed`);
      const pong = once(client, "pong");
      client.ping("?");
      assert.strictEqual((await pong)[0].toString(), "?");
      passed.push(number);
      return client.close(1000);
    }
    case "/updateReports":
      client.close();
      await once(client, "close");
      assert.deepStrictEqual(passed, CASES.map((_, index) => index + 1), "each case once, in order");
      return end();
    default:
      return client.close(1008, "no such path");
  }
}
