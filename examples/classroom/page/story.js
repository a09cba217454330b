// What does one step of the trace say, and what does it say about the other side?
//
// Pure functions of a step (its format is at the head of classroom.js): what the row of the ladder says, where it
// belongs in time, what crossed the wire with it, and for whom it waits.
//
// A server cannot see into a browser. Where only the server is traced, the browser's column holds what it *must* have
// done for the server's step to come out as it did: `inference`. The page says of every such cell that it is inferred.

"use strict";

const isConnect = (step) => step.call === "connect" || step.call === "socket, connect";
const isListen = (step) => step.call === "socket, bind, listen";

/** The listening socket's own steps: they belong to no visitor in particular. */
const isListener = (step) => isListen(step) || step.call === "accept";

/**
 * Where a step stands in time. Something sent counts from when its call began, something received from when its call
 * returned. So a write always stands above the read that it woke, though the read began long before.
 */
function moment(step) {
  const receives = step.step === "call" && ["accept", "read", "peek"].includes(step.call);
  return step.at + (receives ? (step.took_us || 0) / 1e6 : 0);
}

function duration(microseconds) {
  if (microseconds < 1000) return microseconds + " µs";
  if (microseconds < 1e6) return (microseconds / 1000).toFixed(1) + " ms";
  return (microseconds / 1e6).toFixed(1) + " s";
}

/** For whom a call waits. `other` is the name of the other rail. */
function waitsFor(call, other) {
  if (call === "accept") return "waits for anyone to connect";
  if (call === "read" || call === "peek") return `waits for the ${other} to send`;
  if (call === "write") return `waits until its own kernel has room for the bytes`;
  if (call === "resolve") return "waits for the name to become an address";
  return `waits for the ${other}`;
}

/**
 * What crosses between the rails with this step, seen from the side that took it.
 * `away`: from this side to the other.
 */
function crossing(step) {
  if (step.step !== "call" || step.result === "error") return null;
  if (isConnect(step)) return { away: true, text: "SYN, SYN-ACK, ACK" };
  if (step.call === "accept" && step.result === "ok") return { away: false, text: "SYN, SYN-ACK, ACK" };
  if (step.call === "read" && step.result === "ok") return { away: false, text: count(step.bytes || 0, "byte") };
  if (step.call === "read" && step.result === "end") return { away: false, text: "FIN" };
  if (step.call === "write" && step.result === "ok") return { away: true, text: count(step.bytes || 0, "byte") };
  if (step.call === "shutdown") return { away: true, text: "FIN" };
  return null;
}

/** What the untraced side must have done, or null where the step says nothing about it. */
function inference(step) {
  if (step.step === "wait" && step.call === "accept") return "not here yet";
  if (step.step !== "call") return null;
  if (isListen(step)) return "not here yet";
  if (step.call === "accept" && step.result === "ok") return "called socket and connect; its kernel and the server’s shook hands";
  if (step.call === "read" && step.result === "ok") return `wrote these bytes, in one write or in several`;
  if (step.call === "read" && step.result === "end") return "closed, or shut down its sending direction";
  if (step.call === "read" && step.result === "error") return "vanished, or reset the connection";
  if (step.call === "write" && step.result === "ok") return "has read these bytes by now, or soon will";
  if (step.call === "shutdown" && step.result === "ok") return "its next read will return 0 bytes: the end";
  return null;
}

/** A step -> what its row says: a kind, a title, remarks, and perhaps bytes to show. */
function story(step, other) {
  switch (step.step) {
    case "wait":
      return { kind: "waits", title: step.call, remarks: [waitsFor(step.call, other)] };
    case "call":
      return { kind: "call", title: step.std || step.call, remarks: callRemarks(step), hex: step.hex, total: step.bytes };
    case "head": {
      const lines = step.text.split("\r\n").filter((line) => line !== "");
      return { kind: "HTTP", title: `head ${step.direction === "in" ? "received" : "sent"}`, remarks: [dissect.printable(lines[0] || ""), count(lines.length, "line")], text: lines.map(dissect.printable).join("\n") };
    }
    case "record":
      return { kind: "TLS", title: `record ${step.direction === "in" ? "received" : "sent"}`, remarks: [dissect.recordName(step), count(step.length, "byte"), "in the clear: " + step.header.match(/../g).join(" ")] };
    case "plaintext":
      return { kind: "TLS", title: step.direction === "in" ? "decrypted" : "to be encrypted", remarks: [count(step.bytes, "byte")], hex: step.hex, total: step.bytes };
    case "secured":
      return { kind: "TLS", title: "the handshake is done", remarks: agreement(step, other) };
    case "frame": {
      const parts = [step.fin ? "final" : "more follow", step.key ? "masked" : "not masked", count(step.length, "byte") + " of payload", glimpse(step)];
      return { kind: "frame", title: `${dissect.opcodeName(step.opcode)} ${step.direction === "in" ? "received" : "sent"}`, remarks: parts };
    }
    case "state":
      return { kind: "state", title: `${step.from} → ${step.to}`, remarks: [dissect.printable(step.why || "")] };
    default:
      return { kind: "note", title: "", remarks: [dissect.printable(step.text || "")] };
  }
}

/** What came of a TLS handshake. A client looks whether the server is who it should be; a server may not even ask. */
function agreement(step, other) {
  const name = step.name ? dissect.printable(step.name) : "";
  const certificates = step.chain ? count(step.chain, "certificate") : "no certificate";
  return [`${step.version} with ${step.cipher}`, step.role === "server" && name && `asked for ${name}`,
    `the ${other} has shown ${certificates}`,
    step.verified ? (step.role === "client" ? `verified: ${name}` : "verified") : `the ${other} is not verified`,
    step.protocol && `above it: ${dissect.printable(step.protocol)}`, step.resumed && "a session taken up again"];
}

/** The beginning of a frame's text, to find it again. The rest is in the frame's own section. */
function glimpse(step) {
  const text = [1, 9, 10].includes(step.opcode) && dissect.fromUtf8(dissect.fromHex(step.payload.slice(0, 80)), true);
  return text ? `“${dissect.printable(text)}${step.length > 40 ? "…" : ""}”` : "";
}

function callRemarks(step) {
  const remarks = [];
  if (step.system && step.system.length) {
    // One call of std, several of the system: if it failed, the trace cannot know which.
    remarks.push((step.result === "error" ? "one of " : "system: ") + step.system.join(", "));
  }
  if (step.accepted_peer) remarks.push("from " + step.accepted_peer + (Number.isInteger(step.accepted) ? `, as descriptor ${step.accepted}` : ""));
  else if (Number.isInteger(step.descriptor)) remarks.push("descriptor " + step.descriptor);
  if (step.result === "end") remarks.push("the end: 0 bytes");
  else if (step.result === "nothing") remarks.push("nothing within the time given");
  else if (step.result === "error") remarks.push("failed: " + dissect.printable(step.error || "no reason given"));
  else if (step.bytes !== undefined && step.bytes !== null) remarks.push(count(step.bytes, "byte"));
  if (step.took_us !== undefined) remarks.push("took " + duration(step.took_us));
  return remarks;
}
