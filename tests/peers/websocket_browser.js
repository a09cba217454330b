// A browser's own WebSocket as the client of our `ws_echo_server`: the test puts this into a page and calls
//
//     talkTo(URL)    a promise of "content", or of what was wrong
//
// A page can send neither fragments nor pings, and of the close codes only 1000 and 3000 to 4999.
"use strict";

const DEADLINE = 20_000;
const SIZES = [0, 1, 125, 126, 65535, 65536, 1 << 20];

async function talkTo(url) {
  try {
    const client = await open(url);
    check(client.extensions === "", "it was granted an extension: " + client.extensions);
    check(client.protocol === "", "it was granted a subprotocol: " + client.protocol);
    for (const size of SIZES) {
      check((await echo(client, "x".repeat(size))) === "x".repeat(size), `text of ${size}`);
      const bytes = Uint8Array.from({ length: size }, (_, number) => number % 251);
      for (const message of [bytes, new Blob([bytes])]) {
        const got = new Uint8Array(await echo(client, message));
        check(got.length === size && got.every((byte, index) => byte === bytes[index]), `binary of ${size}`);
      }
    }
    check((await echo(client, "grüße, 世界 🌍")) === "grüße, 世界 🌍", "text beyond ASCII");

    // Many before the first answer: they come back in their order.
    const batch = Array.from({ length: 200 }, (_, number) => `message ${number}`);
    const answers = new Promise((done) => {
      const got = [];
      client.onmessage = (event) => got.push(event.data) === batch.length && done(got);
    });
    batch.forEach((message) => client.send(message));
    check((await inTime(answers, "the batch")).join() === batch.join(), "the order of a batch");
    await closes(client, undefined, "", 1005);

    for (const [code, reason] of [[1000, ""], [3000, "é".repeat(61)], [4999, "x".repeat(123)]]) {
      const client = await open(url);
      await echo(client, "before the end");
      await closes(client, code, reason, code);
    }
    return "content";
  } catch (error) {
    return String(error);
  }
}

function check(condition, what) {
  if (!condition) throw new Error(what);
}

function inTime(promise, what) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`${what}: not in time`)), DEADLINE));
  return Promise.race([promise, late]);
}

function open(url) {
  const client = new WebSocket(url);
  client.binaryType = "arraybuffer";
  return inTime(new Promise((done, reject) => {
    client.onopen = () => done(client);
    client.onclose = (event) => reject(new Error(`closed with ${event.code} before it was open`));
  }), "the opening");
}

function echo(client, message) {
  return inTime(new Promise((done, reject) => {
    client.onmessage = (event) => done(event.data);
    client.onclose = (event) => reject(new Error(`closed with ${event.code} instead of an echo`));
    client.send(message);
  }), "an echo");
}

async function closes(client, code, reason, expected) {
  const closed = new Promise((done) => { client.onclose = done; });
  if (code === undefined) client.close();
  else client.close(code, reason);
  const event = await inTime(closed, "the close");
  check(event.wasClean, `closing with ${code} was not clean: ${event.code}`);
  check(event.code === expected, `closing with ${code} was answered with ${event.code}`);
}
