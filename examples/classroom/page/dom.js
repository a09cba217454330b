// How does one put a stranger's bytes on a page without obeying them?
//
// Whatever a student sends reaches the other students' screens: a text that reads `<img src=x onerror=...>` would run
// if it were put into innerHTML. So nothing on this page is ever built from text. `make` creates elements, and every
// string among its children becomes a text node, in which `<` is only a character.
//
// In production a framework does the same for you, until someone finds its door to innerHTML. A Content-Security-Policy
// that forbids inline scripts is the second lock, and this page works under one.

"use strict";

/** make("p", { class: "hint" }, "text", make("b", {}, "more")). An attribute that is null or false is left out. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The element with this id. A missing one is a mistake in our own HTML, so it should be loud. */
function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error("the page has no element #" + id);
  return element;
}

/** A row of a table. The first cell names the row, so that a screen reader can say it with every other cell. */
function tableRow(first, ...cells) {
  return make("tr", {}, make("th", { scope: "row" }, first), ...cells.map((cell) => make("td", {}, cell)));
}

/** count(1, "byte") is "1 byte", count(70000, "byte") is "70,000 bytes". */
function count(number, one, many = one + "s") {
  return number.toLocaleString("en") + " " + (number === 1 ? one : many);
}
