// A log: its first and last part, line by line, with the colours that a terminal would show, and a search.

// SGR sequences of `line` become pieces [text, classes]; what else would steer a terminal is made visible.
function pieces_of(line, style) {
  const pieces = [];
  const visible = (text) => plain(text.replace(/\x1b\[[0-9;?]*[A-Za-ln-z]/g, ""));
  for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
    const sequence = /^\x1b\[([0-9;]*)m$/.exec(part);
    if (!sequence) {
      if (part !== "") {
        pieces.push([visible(part), [style.bold && "bold", style.dim && "dim", style.fg].filter(Boolean).join(" ")]);
      }
      continue;
    }
    for (const code of sequence[1].split(";").map(Number)) {
      if (code === 0) {
        Object.assign(style, {bold: false, dim: false, fg: ""});
      } else if (code === 1 || code === 2) {
        style[code === 1 ? "bold" : "dim"] = true;
      } else if (code === 22) {
        Object.assign(style, {bold: false, dim: false});
      } else if (code === 39) {
        style.fg = "";
      } else if ((code >= 31 && code <= 37) || (code >= 91 && code <= 97)) {
        style.fg = `fg${code % 10}`;
      }
    }
  }
  return pieces;
}

// A line that was written over, as progress bars are, is what was seen of it last.
function last_writing(line) {
  const text = line.replace(/\r+$/, "");
  return text.slice(text.lastIndexOf("\r") + 1);
}

function paint(line, needle) {
  const text = line.pieces.map(([piece]) => piece).join("");
  const found = [];
  if (needle !== "") {
    const lower = text.toLowerCase();
    for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, at + needle.length)) {
      found.push(at);
    }
  }
  const marks = [];
  const nodes = [];
  let offset = 0;
  for (const [piece, style] of line.pieces) {
    const node = style ? el("span", {class: style}) : document.createDocumentFragment();
    let done = 0;
    for (const at of found) {
      const [from, to] = [Math.max(at - offset, done), Math.min(at + needle.length - offset, piece.length)];
      if (from < to) {
        const mark = el("mark", {}, piece.slice(from, to));
        node.append(piece.slice(done, from), mark);
        marks.push(mark);
        done = to;
      }
    }
    node.append(piece.slice(done));
    nodes.push(node);
    offset += piece.length;
  }
  line.content.replaceChildren(...nodes);
  line.row.classList.toggle("hit", found.length > 0);
  return marks;
}

function log_rows(log) {
  const lines = [];
  const nodes = [];
  const style = {bold: false, dim: false, fg: ""};
  const add = (text, number) => {
    for (const raw of text.replace(/\n$/, "").split("\n")) {
      const content = el("span");
      const row = el("div", {"data-n": number === null ? "" : number++}, content);
      const line = {row, content, pieces: pieces_of(last_writing(raw), style)};
      paint(line, "");
      lines.push(line);
      nodes.push(row);
    }
  };
  add(log.head, 1);
  if (log.cut_bytes > 0) {
    nodes.push(el("div", {class: "cut"}, el("span", {},
      `${size(log.cut_bytes)} are left out here; all of it is in ${log.path}`)));
    add(log.tail, null);
  }
  return [lines, nodes];
}

function search_tools(name, lines, frame) {
  const input = el("input", {type: "search", placeholder: "Search the log", "aria-label": `Search the log of ${name}`,
    autocomplete: "off", spellcheck: "false"});
  const status = el("span", {role: "status", class: "soft"});
  const only = el("input", {type: "checkbox"});
  const previous = el("button", {type: "button", "aria-label": "Previous match"}, "↑");
  const next = el("button", {type: "button", "aria-label": "Next match"}, "↓");
  let marks = [];
  let now = -1;
  const show = (step) => {
    marks[now]?.classList.remove("now");
    now = marks.length === 0 ? -1 : (now + step + marks.length) % marks.length;
    marks[now]?.classList.add("now");
    if (marks[now]) {
      const box = frame.getBoundingClientRect();
      const mark = marks[now].getBoundingClientRect();
      frame.scrollTop += mark.top - box.top - box.height / 2;
    }
    status.textContent = input.value === "" ? "" : marks.length === 0 ? "no match" : `${now + 1} of ${marks.length}`;
    previous.disabled = next.disabled = marks.length === 0;
  };
  const search = () => {
    const needle = input.value.toLowerCase();
    marks = lines.flatMap((line) => paint(line, needle));
    frame.classList.toggle("filtered", only.checked && needle !== "");
    now = -1;
    show(1);
  };
  show(0);
  input.addEventListener("input", search);
  only.addEventListener("change", search);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      show(event.shiftKey ? -1 : 1);
    }
  });
  previous.addEventListener("click", () => show(-1));
  next.addEventListener("click", () => show(1));
  return el("div", {class: "log-tools"}, input, previous, next,
    el("label", {}, only, " matching lines only"), status);
}

// Made when it is opened: there may be many, and long ones.
function log_view(name, log, open) {
  if (!log) {
    return null;
  }
  if (log.size_bytes === 0) {
    return el("p", {class: "soft small inset"}, "The command printed nothing.");
  }
  const view = el("details", {class: "inset"},
    el("summary", {}, "Log ", el("span", {class: "soft small"}, size(log.size_bytes))));
  const make = () => {
    if (view.open && view.childElementCount === 1) {
      const [lines, nodes] = log_rows(log);
      const frame = el("div", {class: "log", tabindex: "0", role: "region", "aria-label": `Log of ${name}`}, ...nodes);
      view.append(search_tools(name, lines, frame), frame,
        el("p", {class: "soft small"}, "All bytes: ", el("code", {}, log.path)));
    }
  };
  view.addEventListener("toggle", make);
  if (open) {
    view.open = true;
    make();
    // The end of a log says what went wrong; it can only be scrolled to once it is part of the page.
    requestAnimationFrame(() => { view.querySelector(".log").scrollTop = 1e9; });
  }
  return view;
}
