// What is one WebSocket frame, bit by bit?
//
// A list of the frames that crossed, newest selected, and under it the selected one taken apart: the header as RFC 6455
// section 5.2 draws it, the same as a table in words, and the payload byte by byte under the mask. What the bytes mean
// is worked out in dissect.js; this file only puts it on the page.
//
// The list is a listbox: one stop for the Tab key, arrows, Home and End inside. That is what people who never touch a
// mouse expect of a list (WAI-ARIA Authoring Practices, "Listbox").

"use strict";

const MAX_FRAMES = 100;

/** So many bytes of payload are shown at once; a button adds as many again. */
const PAYLOAD_ROWS = 16;

class FrameView {
  /** `names` says what to call the two ends: { client: "browser", server: "server" }. */
  constructor(container, names) {
    this.names = names;
    this.frames = []; // { number, step, sender, seen, option }, oldest first
    this.selected = null;
    this.counted = 0;

    const id = container.id;
    this.stem = id;
    this.list = make("ul", { id: id + "-list", role: "listbox", tabindex: "0", "aria-label": "Frames, oldest first" });
    this.empty = make("p", { class: "hint", id: id + "-empty" }, "No frame has crossed yet.");
    this.follow = make("input", { type: "checkbox", checked: true, id: id + "-follow" });
    this.detail = make("div", { id: id + "-detail", class: "dissection" });
    container.append(this.empty, this.list,
      make("label", { class: "check" }, this.follow, " select each new frame as it comes"), this.detail);

    this.list.addEventListener("keydown", (event) => this.onKey(event));
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.choose(this.frames.find((frame) => frame.option === option));
    });
  }

  startOver() {
    this.frames = [];
    this.counted = 0;
    this.selected = null;
    this.list.replaceChildren();
    this.list.removeAttribute("aria-activedescendant");
    this.detail.replaceChildren();
    this.empty.hidden = false;
    // A reader who stopped to look at one old frame wanted that frame, not to miss the next connection's.
    this.follow.checked = true;
  }

  /**
   * Where both ends are traced, each frame is told twice: once sent, once received, in either order, for the two
   * threads do not wait for each other. It is still one frame.
   */
  add(step) {
    const sender = dissect.senderOf(step);
    const twin = this.frames.find((frame) => frame.seen.length === 1 && frame.seen[0] !== step.role &&
      frame.sender === sender && frame.step.header === step.header && frame.step.key === step.key &&
      // One end may have refused to read the payload, so it is not compared beyond what both have.
      (frame.step.payload.startsWith(step.payload) || step.payload.startsWith(frame.step.payload)));
    if (twin) {
      twin.seen.push(step.role);
      if (step.payload.length > twin.step.payload.length) twin.step = step;
      if (twin === this.selected) this.show();
      return;
    }

    this.counted++;
    const frame = { number: this.counted, step, sender, seen: [step.role] };
    frame.option = make("li", { role: "option", id: `${this.stem}-option-${frame.number}`, "aria-selected": "false" }, this.title(frame));
    this.frames.push(frame);
    this.list.append(frame.option);
    this.empty.hidden = true;
    if (this.frames.length > MAX_FRAMES) {
      const dropped = this.frames.shift();
      dropped.option.remove();
      if (dropped === this.selected) this.select(this.frames[0]);
    }
    if (this.follow.checked || !this.selected) this.select(frame);
  }

  title({ number, step, sender }) {
    const receiver = sender === "client" ? "server" : "client";
    return `${number}. ${this.names[sender]} → ${this.names[receiver]}: ${dissect.opcodeName(step.opcode)}, ${count(step.length, "byte")}${step.fin ? "" : ", more follow"}`;
  }

  // ------------------------------------------------------------------ selection

  onKey(event) {
    const at = this.frames.indexOf(this.selected);
    const target = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.frames.length - 1 }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.choose(this.frames[Math.min(Math.max(target, 0), this.frames.length - 1)]);
  }

  /** A person chose, so the next frame to arrive must not take it away: unless they chose the newest anyway. */
  choose(frame) {
    if (!frame) return;
    this.follow.checked = frame === this.frames[this.frames.length - 1];
    this.select(frame);
  }

  /** After an experiment that breaks a rule, the frame to look at is the one that broke it, not the last one. */
  selectIllegal() {
    const frame = this.frames.find(({ step, sender }) => dissect.frame(dissect.wireBytes(step), sender)?.problems.length);
    if (frame) this.choose(frame);
  }

  select(frame) {
    if (this.selected) this.selected.option.setAttribute("aria-selected", "false");
    this.selected = frame;
    frame.option.setAttribute("aria-selected", "true");
    this.list.setAttribute("aria-activedescendant", frame.option.id);
    // Only the list scrolls. scrollIntoView would pull the whole page here whenever a frame comes.
    const { offsetTop, offsetHeight } = frame.option;
    if (offsetTop < this.list.scrollTop) this.list.scrollTop = offsetTop;
    else if (offsetTop + offsetHeight > this.list.scrollTop + this.list.clientHeight) {
      this.list.scrollTop = offsetTop + offsetHeight - this.list.clientHeight;
    }
    this.show();
  }

  // ------------------------------------------------------------------ one frame taken apart

  show() {
    const { step, sender, seen } = this.selected;
    const frame = dissect.frame(dissect.wireBytes(step), sender);
    if (!frame) {
      this.detail.replaceChildren(make("p", {}, "The trace holds less than a whole header of this frame."));
      return;
    }
    this.detail.replaceChildren(
      make("h3", {}, this.title(this.selected)),
      this.verdict(frame, seen),
      this.drawing(frame),
      make("div", { class: "halves" }, this.fieldTable(frame), this.payloadPart(frame)));
  }

  verdict(frame, seen) {
    const box = make("div", { class: frame.problems.length ? "verdict broken" : "verdict kept" });
    if (frame.problems.length === 0) {
      box.append(make("p", {}, "✓ Legal: by itself, this frame breaks no rule."));
    } else {
      box.append(make("p", {}, "✗ Illegal:"), make("ul", {}, ...frame.problems.map((problem) =>
        make("li", {}, `${problem.text} (section ${problem.section})`))));
    }
    const traced = seen.map((role) => this.names[role]).sort().join(" and the ");
    box.append(make("p", { class: "hint" }, `Seen in the trace of the ${traced}.`));
    return box;
  }

  /** For the eyes only: the table below says the same in words. */
  drawing(frame) {
    const cls = (field) => "field-" + field.toLowerCase().replace(/\d/, "").replace(" ", "-");
    return make("div", { class: "drawing", "aria-hidden": "true" }, ...frame.head.map((byte) =>
      make("div", { class: "octet" },
        make("p", { class: "octet-name" }, `byte ${byte.byte} = ${byte.hex}`),
        ...byte.runs.map((run) => make("div", { class: `run bits-${run.bits.length} ${cls(run.field)}` },
          make("code", {}, run.bits), make("small", {}, run.field))))));
  }

  fieldTable(frame) {
    const rows = frame.fields.map((field) => {
      const row = tableRow(field.name, make("code", {}, field.bits), make("span", {}, make("b", {}, field.value), ": ", field.meaning));
      row.title = field.where;
      return row;
    });
    return make("div", { class: "wide" }, make("table", { class: "fields", id: this.stem + "-fields" },
      make("caption", {}, "The header, field by field"),
      make("thead", {}, make("tr", {}, ...["Field", "Bits", "Value and meaning"].map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...rows)));
  }

  payloadPart(frame) {
    const part = make("div", { class: "payload" });
    if (frame.length === 0) {
      part.append(make("p", {}, make("b", {}, "Payload: "), "none. The frame ends with its header."));
      return part;
    }
    part.append(make("p", { id: this.stem + "-meaning" }, make("b", {}, "Payload: "), this.meaning(frame)));
    if (frame.onWire.length) part.append(this.payloadTable(frame));
    if (frame.missing > 0) {
      part.append(make("p", { class: "hint" }, `The trace keeps the beginning only: ${count(frame.missing, "more byte")} crossed, or should have.`));
    }
    return part;
  }

  meaning(frame) {
    if (frame.close && frame.close.code !== null) {
      const reason = frame.close.reason === null ? "not UTF-8" : frame.close.reason ? `“${dissect.printable(frame.close.reason)}”` : "none";
      return `close code ${frame.close.code} (${frame.close.meaning}), reason: ${reason}`;
    }
    if (frame.close) return "one byte, which is half a close code";
    if (frame.text !== null) return `as text: “${dissect.printable(frame.text)}”${frame.missing > 0 ? "…" : ""}`;
    if (frame.opcode === 2) return "bytes, whatever they mean to the two programs";
    return "not UTF-8 text by itself";
  }

  /** One row for each byte, so that the three numbers of an XOR stand under one another, bit over bit. */
  payloadTable(frame) {
    const byte = (value) => [make("code", {}, dissect.toBits(value)), " ", make("code", { class: "hex" }, dissect.toHex([value]))];
    const body = make("tbody");
    const heads = frame.masked ? ["Byte", "On the wire", "XOR key", "= Payload", "Text"] : ["Byte", "On the wire = payload", "Text"];
    const table = make("table", { class: "xor", id: this.stem + "-payload" },
      make("caption", {}, frame.masked
        ? "Byte i on the wire XOR byte i mod 4 of the key is byte i of the payload (section 5.3)"
        : "Payload bytes, not masked"),
      make("thead", {}, make("tr", {}, ...heads.map((name) => make("th", { scope: "col" }, name)))), body);

    const more = make("button", { type: "button" });
    const showMore = () => {
      const from = body.rows.length;
      for (let i = from; i < Math.min(from + PAYLOAD_ROWS, frame.onWire.length); i++) {
        const cell = (value) => make("span", {}, ...byte(value));
        const text = make("code", {}, dissect.character(frame.payload[i]).replace(" ", "␣"));
        body.append(frame.masked
          ? tableRow(String(i), cell(frame.onWire[i]), make("span", {}, ...byte(frame.key[i % 4]), make("small", {}, ` ${i % 4}`)), cell(frame.payload[i]), text)
          : tableRow(String(i), cell(frame.payload[i]), text));
      }
      const left = frame.onWire.length - body.rows.length;
      more.hidden = left === 0;
      more.textContent = `Show ${Math.min(left, PAYLOAD_ROWS)} of ${count(left, "more byte")}`;
    };
    more.addEventListener("click", showMore);
    showMore();
    return make("div", { class: "wide" }, table, more);
  }
}
