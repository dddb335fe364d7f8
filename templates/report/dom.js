// Texts of commands, logs and names come from anywhere. They enter the page as text nodes and attribute values only,
// never as markup.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);

// What would not be seen, or would turn the direction of what follows, is made visible.
const plain = (text) => text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (c) => {
  const code = c.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "␡"
    : `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
});

function fill(node, children) {
  for (const child of children.flat(2)) {
    if (child !== null && child !== undefined && child !== false) {
      node.append(typeof child === "string" ? plain(child) : child);
    }
  }
  return node;
}

function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) {
        node.addEventListener(event, handler);
      }
    } else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  return node;
}

const el = (tag, attributes = {}, ...children) =>
  fill(set(document.createElement(tag), attributes), children);
const svg = (tag, attributes = {}, ...children) =>
  fill(set(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes), children);

// --- Words

function size(bytes) {
  if (bytes === null || bytes === undefined) {
    return "–";
  }
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toPrecision(3)} ${units[unit]}`;
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) {
    return "–";
  }
  if (seconds < 0.9995) {
    const ms = seconds * 1000;
    return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  }
  if (seconds < 59.95) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

// All ages are those at the time of the report.
function age(time) {
  const seconds = Math.max(0, (Date.parse(data.generated) - Date.parse(time)) / 1000);
  for (const [unit, name] of [[86400, "day"], [3600, "hour"], [60, "minute"]]) {
    const count = Math.floor(seconds / unit);
    if (count > 0) {
      return `${count} ${name}${count === 1 ? "" : "s"} ago`;
    }
  }
  return `${Math.floor(seconds)} s ago`;
}

const shown_time = (time) => `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
const ago = (time) => time
  ? el("time", {datetime: time, title: shown_time(time)}, age(time)) : "–";
const short_id = (id) => id ? el("code", {class: "id", title: id}, id.slice(0, 8)) : "–";
const count_of = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

// --- States

const k_states = {
  "current": ["good", "✓"],
  "restored": ["good", "↺"],
  "out of date": ["warn", "◐"],
  "pinned": ["held", "◆"],
  "failed": ["bad", "✕"],
  "not built": ["none", "○"],
  "running": ["info", "▶"],
  "passed": ["good", "✓"],
  "flaky": ["warn", "◐"],
  "not run": ["none", "○"],
};
const tone_of = (state) => (k_states[state] || ["none", "○"])[0];
const sign_of = (state) => (k_states[state] || ["none", "○"])[1];
const state_of_test = ({result}) => !result ? "not run" : result.outcome !== "passed" ? "failed"
  : result.failed_runs > 0 ? "flaky" : "passed";
const pill = (state) => el("span", {class: `pill ${tone_of(state)}`},
  el("span", {"aria-hidden": "true"}, sign_of(state)), state);

// --- Pieces that several sections have

function copy_button(text) {
  const button = el("button", {type: "button", "aria-label": `Copy: ${text}`}, "Copy");
  button.addEventListener("click", async () => {
    let word = "Copied";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.previousSibling);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      word = "Selected";
    }
    button.textContent = word;
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return button;
}

const command_line = (text) => el("div", {class: "copyable"}, el("code", {}, text), copy_button(text));

const facts = (pairs) => el("dl", {class: "facts-grid"},
  ...pairs.filter((pair) => pair && pair[1] !== null && pair[1] !== undefined && pair[1] !== "").map(
    ([name, value, wide]) => el("div", {class: wide && "wide"}, el("dt", {}, name), el("dd", {}, value))));

// `columns`: [heading, cell of a row, class].
function table(caption, columns, rows) {
  const cell = ([heading, content, kind], row) =>
    el("td", {class: kind, "data-label": heading}, el("div", {}, content(row)));
  return el("div", {class: "scroll"}, el("table", {class: "blocks"},
    el("caption", {class: "hidden"}, caption),
    el("thead", {}, el("tr", {},
      ...columns.map(([heading, , kind]) => el("th", {scope: "col", class: kind}, heading)))),
    el("tbody", {}, ...rows.map((row) => el("tr", {}, ...columns.map((column) => cell(column, row)))))));
}

const section = (id, title, ...content) => el("section", {id, "aria-labelledby": `${id}-title`},
  el("h2", {id: `${id}-title`}, title), ...content);
