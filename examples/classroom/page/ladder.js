// Who did what when, and who waited for whom?
//
// The ladder has two rails, one for each end of the connection, and a rung for everything that crosses between them.
// Steps arrive from the trace, one at a time and from two threads, and are put where they belong in time. What a row
// says is worked out in story.js; this file draws the rows, keeps them in order and bounded in number, and says who
// waits now.

"use strict";

/** A page that keeps every step of an hour grows until the tab dies. This many rows stay; the ladder says so. */
const MAX_ROWS = 600;

/** A dump of more bytes than this is folded away behind a line that can be opened. */
const SHORT_DUMP = 16;

/** A wait shorter than this is told by its call alone: two rows for a few microseconds hide more than they show. */
const WORTH_A_ROW_US = 1000;

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
      row.element.querySelector(".end:not(.guess) .remark").append(`, for ${duration(step.took_us)}`);
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
