// Who did what when, and who waited for whom?
//
// The ladder has two rails, one for each end of the connection, and a rung for everything that crosses between them.
// Steps arrive from the trace, one at a time and from two threads, and are put where they belong in time.
//
//   data         a step of the trace (the format is at the head of classroom.js)
//   story        pure: step -> what the row says
//   Ladder       keeps the rows in order, bounded in number, and says who waits now
//
// A server cannot see into a browser. Where only the server is traced, the browser's column holds what it *must* have
// done for the server's step to come out as it did, and every such cell says that it is inferred.

"use strict";

/** A page that keeps every step of an hour grows until the tab dies. This many rows stay; the ladder says so. */
const MAX_ROWS = 300;

/** A dump of more bytes than this is folded away behind a line that can be opened. */
const SHORT_DUMP = 16;

/** A wait shorter than this is told by its call alone: two rows for a few microseconds hide more than they show. */
const WORTH_A_ROW_US = 1000;

// -------------------------------------------------------------------- story

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
  if (step.call === "accept" && step.result === "ok") return "called socket and connect; its kernel and the server's shook hands";
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

// -------------------------------------------------------------------- drawing

/** Hex and text in lines of sixteen bytes, as every tool since the 1970s prints them. */
function dumpLines(bytes) {
  const lines = [];
  for (let i = 0; i < bytes.length; i += 16) {
    const part = bytes.subarray(i, i + 16);
    lines.push(dissect.toHex(part, " ").padEnd(48) + " " + Array.from(part, dissect.character).join(""));
  }
  return lines.join("\n");
}

/** Hex that may break between bytes, and nowhere else. */
function hexCode(bytes) {
  return make("code", { class: "hex" }, dissect.toHex(bytes, " "));
}

function dump(hex, total) {
  const bytes = dissect.fromHex(hex || "");
  if (!bytes || bytes.length === 0) return null;
  const text = (part) => Array.from(part, dissect.character).join("");
  if (bytes.length <= SHORT_DUMP) {
    return make("p", { class: "bytes" }, hexCode(bytes), make("q", {}, text(bytes)));
  }
  const start = bytes.subarray(0, SHORT_DUMP);
  const whole = make("pre", { tabindex: "0", role: "group", "aria-label": "hex and text" });
  const fold = make("details", { class: "bytes" },
    make("summary", {}, hexCode(start), " … ", make("q", {}, text(start) + "…")), whole);
  // Most dumps are never opened, so their text is made only when one is.
  fold.addEventListener("toggle", () => {
    if (whole.textContent) return;
    const cut = total > bytes.length ? `\n… and ${count(total - bytes.length, "byte")} that the trace did not keep` : "";
    whole.textContent = dumpLines(bytes) + cut;
  });
  return fold;
}

// -------------------------------------------------------------------- the ladder itself

class Ladder {
  /**
   * `left` and `right` name the rails, `left` being the client's. `inferred`: only the server is traced, and the left
   * rail is filled by inference. The container's id is the stem of the ids within.
   */
  constructor(container, { left, right, inferred }) {
    Object.assign(this, { left, right, inferred });
    this.rows = []; // { step, key, element }, in order of `key`
    this.waiting = new Map(); // "role connection" -> the row of a wait that nothing has ended yet
    this.past = new Set(); // connections of an earlier story, whose last steps may still arrive
    this.cut = 0;
    this.zero = null;

    const id = container.id;
    this.list = make("ol", { id: id + "-steps" });
    this.scroller = make("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": `Steps of the ${left} and the ${right}` }, this.list);
    this.now = make("p", { class: "now", id: id + "-now" });
    this.follow = make("input", { type: "checkbox", checked: true, id: id + "-follow" });
    this.cutNote = make("p", { class: "hint", hidden: true, id: id + "-cut" });
    container.append(
      make("div", { class: "rails", "aria-hidden": "true" },
        make("span", {}, "time"),
        make("span", {}, left, make("small", {}, inferred ? "inferred" : "traced")),
        make("span", {}, "wire"),
        make("span", {}, right, make("small", {}, "traced"))),
      this.scroller, this.now, this.cutNote,
      make("label", { class: "check" }, this.follow, " keep the newest step in view"));
    this.sayNow();
  }

  /** A new story begins. How the server came to listen stays: that is where every visitor's story starts. */
  startOver() {
    for (const row of this.rows) {
      if (isListen(row.step)) continue;
      row.element.remove();
      if (!isListener(row.step)) this.past.add(row.step.connection);
    }
    this.rows = this.rows.filter((row) => isListen(row.step));
    this.waiting.clear();
    this.cut = 0;
    this.zero = null;
    this.cutNote.hidden = true;
    this.sayNow();
  }

  /** False if the step belongs to an earlier story. */
  add(step) {
    if (!isListener(step) && this.past.has(step.connection)) return false;
    if (isListen(step) && this.rows.some((row) => isListen(row.step))) return false;
    if (this.zero === null && !isListen(step) && step.step !== "wait") this.zero = moment(step);

    const who = `${step.role} ${step.connection}`;
    if (step.step === "call") this.endWait(who, step);
    const row = { step, key: moment(step), element: this.draw(step) };
    this.insert(row);
    if (step.step === "wait") {
      this.endWait(who, null);
      this.waiting.set(who, row);
    }

    this.trim();
    this.sayNow();
    this.scrollToEnd();
    return true;
  }

  /** The call that a wait announced has returned: say how long it was, or fold the wait into the call if short. */
  endWait(who, step) {
    const row = this.waiting.get(who);
    if (!row) return;
    this.waiting.delete(who);
    if (step && step.took_us >= WORTH_A_ROW_US) {
      row.element.querySelector(".remark").append(`, for ${duration(step.took_us)}`);
      row.element.classList.add("over");
    } else {
      row.element.remove();
      this.rows.splice(this.rows.indexOf(row), 1);
    }
  }

  /** Nearly every step is the newest, so the place is looked for from the end. */
  insert(row) {
    let i = this.rows.length;
    while (i > 0 && this.rows[i - 1].key > row.key) i--;
    const next = this.rows[i];
    this.rows.splice(i, 0, row);
    this.list.insertBefore(row.element, next ? next.element : null);
  }

  trim() {
    while (this.rows.length > MAX_ROWS) {
      // The server's beginning stays; the oldest step after it goes.
      const i = this.rows.findIndex((row) => !isListener(row.step));
      const [row] = this.rows.splice(i < 0 ? 0 : i, 1);
      row.element.remove();
      this.cut++;
    }
    if (this.cut) {
      this.cutNote.hidden = false;
      this.cutNote.textContent = `The ladder keeps ${MAX_ROWS} steps: ${count(this.cut, "older step")} of this connection ${this.cut === 1 ? "is" : "are"} no longer shown.`;
    }
  }

  /** One line on the state of things: whoever is asleep in a call, and who would have to wake it. */
  sayNow() {
    const name = (role) => (role === "client" ? this.left : this.right);
    const sentences = [...this.waiting.values()].map(({ step }) =>
      `The ${name(step.role)} ${waitsFor(step.call, name(step.role === "client" ? "server" : "client"))}: its thread sleeps in ${step.call}.`);
    this.now.textContent = "Now: " + (sentences.join(" ") || (this.rows.length ? "nobody waits." : "nothing has happened yet."));
  }

  /** Many steps may come in one go, and scrolling once for all of them is enough. */
  scrollToEnd() {
    if (!this.follow.checked || this.scrolling) return;
    this.scrolling = true;
    requestAnimationFrame(() => {
      this.scrolling = false;
      this.scroller.scrollTop = this.scroller.scrollHeight;
    });
  }

  // ------------------------------------------------------------------ one row

  draw(step) {
    const left = step.role === "client";
    const told = story(step, left ? this.right : this.left);
    const cross = crossing(step);
    const toTheRight = cross && cross.away === left;

    const own = make("div", { class: `end ${left ? "left" : "right"}` },
      make("p", {}, make("span", { class: "who" }, left ? this.left : this.right, " "),
        make("span", { class: "kind" }, told.kind), " ", told.title ? make("b", {}, told.title) : null),
      make("p", { class: "remark" }, told.remarks.filter(Boolean).join(" · ")),
      told.hex ? dump(told.hex, told.total) : null,
      told.text ? make("details", { class: "bytes" }, make("summary", {}, "the whole head"), make("pre", { tabindex: "0", role: "group", "aria-label": "the head" }, told.text)) : null);

    const guess = this.inferred && inference(step);
    const other = guess && make("div", { class: "end left guess" },
      make("p", {}, make("span", { class: "who" }, this.left, " "), make("span", { class: "kind" }, "inferred")),
      make("p", { class: "remark" }, guess));

    const wire = make("div", { class: "wire" }, cross &&
      make("p", { class: "rung " + (toTheRight ? "to-right" : "to-left") }, cross.text,
        make("span", { class: "unseen" }, toTheRight ? ` to the ${this.right}` : ` to the ${this.left}`)));

    return make("li", { class: `step-${step.step}${step.result === "error" ? " failed" : ""}`, "data-step": step.step, "data-call": step.call, "data-role": step.role },
      make("span", { class: "time" }, this.time(step)), left ? own : other || null, wire, left ? null : own);
  }

  /** The listener began long before anyone came, so its steps carry the time of day; the others count from zero. */
  time(step) {
    if (isListener(step) && (step.step === "wait" || isListen(step))) return new Date(step.at * 1000).toLocaleTimeString();
    const seconds = moment(step) - (this.zero ?? moment(step));
    return (seconds < 0 ? "−" : "+") + Math.abs(seconds).toFixed(6) + " s";
  }
}
