// --- Header

function verdict() {
  const failed = data.checkpoints.filter((point) => point.state === "failed");
  const waiting = data.checkpoints.filter((point) => ["out of date", "not built"].includes(point.state));
  const pinned = data.checkpoints.filter((point) => point.state === "pinned");
  const tests = data.tests.filter((test) => test.result && test.result.outcome !== "passed");
  const word = (tone, sign, text) =>
    el("span", {class: `pill ${tone}`}, el("span", {"aria-hidden": "true"}, sign), text);
  return [
    failed.length > 0 && word("bad", "✕", `failed: ${failed.map((point) => point.name).join(", ")}`),
    tests.length > 0 && word("bad", "✕", `${count_of(tests.length, "test")} failed`),
    pinned.length > 0 && word("held", "◆", `pinned: ${pinned.map((point) => point.name).join(", ")}`),
    failed.length === 0 && waiting.length > 0 &&
      word("warn", "◐", `${waiting.length} of ${data.checkpoints.length} to build`),
    failed.length + waiting.length === 0 && word("good", "✓", "all checkpoints are there"),
  ];
}

function tiles() {
  const built = data.checkpoints.filter((point) => point.image);
  const runs = data.checkpoints.filter((point) => point.run);
  const results = data.tests.filter((test) => test.result);
  const passed = results.filter((test) => test.result.outcome === "passed");
  const largest = Math.max(0, ...built.map((point) => point.size_bytes));
  const memory = [...runs].sort((a, b) => b.run.peak_memory_bytes - a.run.peak_memory_bytes)[0];
  const phases = data.timeline.flatMap((entry) => entry.phases);
  const start_of = (phase) => Date.parse(phase.start) / 1000;
  const span = phases.length === 0 ? null
    : Math.max(...phases.map((phase) => start_of(phase) + phase.duration_s)) - Math.min(...phases.map(start_of));
  const tile = (name, value, detail) =>
    el("div", {class: "tile"}, el("dt", {}, name), el("dd", {}, value), el("dd", {}, detail));
  return el("dl", {class: "tiles"},
    tile("Last build", duration(span), phases.length > 0 ? ago(phases[0].start)
      : data.history.length === 0 ? "none yet" : "none since the last rollback"),
    tile("Checkpoints", `${built.length} of ${data.checkpoints.length}`, "have an image"),
    tile("Tests", data.tests.length === 0 ? "none" : `${passed.length} of ${data.tests.length}`,
      data.tests.length === 0 ? "" : "passed when they ran last"),
    tile("Largest image", built.length > 0 ? size(largest) : "–", "all layers, on disk"),
    tile("Peak memory", memory ? size(memory.run.peak_memory_bytes) : "–", memory ? memory.name : ""));
}

function draw_header() {
  fill(document.getElementById("top"), [
    el("div", {class: "title"}, el("h1", {}, data.title), verdict()),
    el("p", {class: "where soft small"}, "Built in ", el("code", {}, data.build_dir), " from ",
      el("code", {}, data.source), " on base ", el("code", {}, data.base)),
    tiles(),
  ]);
  fill(document.getElementById("bottom"), [
    el("p", {}, "Written by mstage at ", el("time", {datetime: data.generated}, shown_time(data.generated)),
      ". Times and sizes are those of that moment."),
  ]);
}

// --- Stages

const k_listed_changes = {added: ["+", "good"], changed: ["±", "warn"], removed: ["−", "bad"]};

function changes_view(point) {
  const changes = point.changes;
  if (!changes) {
    return null;
  }
  if (changes.total === 0) {
    return el("p", {class: "soft small inset"}, "The stage changed no file.");
  }
  const counts = Object.keys(k_listed_changes).filter((kind) => changes[kind] > 0)
    .map((kind) => `${changes[kind]} ${kind}`).join(", ");
  const item = (file) => {
    const [sign, tone] = k_listed_changes[file.change];
    return el("li", {}, el("span", {class: `sign ${tone}`, title: file.change}, sign),
      el("span", {class: "path"}, file.path),
      el("span", {class: "number soft"}, file.size_bytes === null ? "" : size(file.size_bytes)));
  };
  return el("details", {class: "inset"},
    el("summary", {}, "Changed files ", el("span", {class: "soft small"}, counts)),
    el("ul", {class: "changes", tabindex: "0", "aria-label": `Files that ${point.name} changed`},
      ...changes.files.map(item)),
    changes.files.length < changes.total &&
      [el("p", {class: "soft small"}, `${changes.total - changes.files.length} more: `),
        command_line(point.commands.diff)]);
}

function inner_view(point) {
  return point.inner_builds.map((build) => el("details", {class: "inset"},
    el("summary", {}, "Slowest steps of the build inside ",
      el("span", {class: "soft small"}, `${build.log}, ${count_of(build.steps, "step")}`)),
    el("ul", {class: "changes"}, ...build.slowest.map((step) => el("li", {},
      el("span", {class: "path"}, step.output), el("span", {class: "number"}, duration(step.duration_s)))))));
}

function failure_view(point) {
  const failure = point.failure;
  const nearest = failure && failure.rollback_points[0];
  return failure && el("div", {class: "failure"},
    el("p", {}, failure.what),
    failure.note && el("div", {}, failure.note),
    failure.failed_state && [el("h4", {}, "Look at what it left"), command_line(point.commands.look)],
    nearest && [el("h4", {}, `Mend the cause, then resume from ${nearest.checkpoint}`), command_line(point.commands.build)]);
}

const k_run_facts = (run) => [
  ["Time", duration(run.wall_s)],
  ["CPU, user", duration(run.user_s)],
  ["CPU, system", duration(run.system_s)],
  ["Peak memory", size(run.peak_memory_bytes)],
  ["Read from disk", size(run.read_bytes)],
  ["Written to disk", size(run.written_bytes)],
];

const list_of = (items) => items.map((item) => el("div", {}, el("code", {}, item)));

function stage_view(point) {
  const run = point.run;
  const environment = Object.entries(point.environment).map(([name, value]) => `${name}=${value}`);
  const summary = [run && duration(run.wall_s), point.size_bytes !== null && size(point.size_bytes),
    point.created && ago(point.created)];
  const attributes = {class: `stage ${tone_of(point.state)}`, id: `stage-${point.name}`, open: point.state === "failed"};
  return el("details", attributes,
    el("summary", {}, el("h3", {}, point.name), pill(point.state),
      el("span", {class: "facts"}, summary.filter(Boolean).flatMap((item, i) => i > 0 ? [" · ", item] : [item]))),
    el("div", {class: "body"},
      failure_view(point),
      el("h4", {}, point.from ? `Command of stage ${point.stage}, on ${point.from}` : "Base"),
      el("pre", {class: "code", tabindex: "0"}, point.command),
      facts([
        ...(run ? k_run_facts(run) : []),
        ["Image size", point.size_bytes !== null && size(point.size_bytes)],
        ["Network", point.from && (point.network ? "on" : "off")],
        ["Time-out", point.timeout_s > 0 && duration(point.timeout_s)],
        ["User", point.user],
        ["Working directory", point.workdir && el("code", {}, point.workdir)],
        ["Image", point.image && el("code", {}, point.image), true],
        ["Failed state", point.failure && point.failure.failed_state &&
          el("code", {}, point.failure.failed_state), true],
        ["Inputs", point.from && (point.inputs === null ? "all of the source"
          : point.inputs.length === 0 ? "none of the source" : list_of(point.inputs)), true],
        ["Copies", point.copies.length > 0 &&
          list_of(point.copies.map((copy) => `${copy.checkpoint}:${copy.path}`)), true],
        ["Environment", environment.length > 0 && list_of(environment), true],
        ["Caches", point.caches.length > 0 && list_of(point.caches), true],
      ].filter((pair) => pair[1] !== false)),
      changes_view(point),
      inner_view(point),
      log_view(point.name, point.log, point.state === "failed"),
      point.image && [el("h4", {}, "Look inside"), command_line(point.commands.shell)]));
}

// --- Tests, rollback points, history

function tests_section() {
  if (data.tests.length === 0) {
    return null;
  }
  const of_result = (get) => (test) => test.result ? get(test.result) : "–";
  return section("tests", "Tests", el("div", {class: "card"}, table("Tests and how they ended last", [
    ["Test", (test) => [el("strong", {}, test.name), el("div", {class: "soft small"}, `on ${test.from}`),
      el("details", {class: "inset"}, el("summary", {}, "Command"),
        el("pre", {class: "code", tabindex: "0"}, test.command)),
      test.result && log_view(test.name, test.result.log, test.result.outcome !== "passed")]],
    ["Result", (test) => [pill(state_of_test(test)),
      test.result && test.result.outcome !== "passed" && el("div", {class: "small"}, test.result.outcome),
      test.result && test.result.runs > 1 && test.result.failed_runs > 0 && el("div", {class: "small"},
        `${test.result.failed_runs} of ${test.result.runs} runs failed`),
      test.result && !test.result.current && el("div", {class: "soft small"}, "on an earlier image")]],
    ["Time", of_result((result) => duration(result.wall_s)), "number"],
    ["CPU", of_result((result) => duration(result.user_s + result.system_s)), "number"],
    ["Memory", of_result((result) => size(result.peak_memory_bytes)), "number"],
    ["Ran", of_result((result) => ago(result.time))],
  ], data.tests)));
}

function rollback_section() {
  const points = data.checkpoints.filter((point) => point.image);
  return section("rollback", "Rollback points",
    el("p", {class: "soft small", style: "margin-bottom:.6rem"},
      "A rollback drops the checkpoints behind the one it names, and the next build makes them again. ",
      "Images stay in the store, and mstage rollback --undo takes it back."),
    points.length === 0 ? el("p", {class: "card soft"}, "There are none yet.")
      : el("div", {class: "card"}, table("Checkpoints to go back to, and the commands for that", [
        ["Checkpoint", (point) => [el("a", {href: `#stage-${point.name}`}, point.name), " ", pill(point.state)]],
        ["Image", (point) => short_id(point.image)],
        ["Made", (point) => ago(point.created)],
        ["Size", (point) => size(point.size_bytes), "number"],
        ["Commands", (point) => [command_line(point.commands.rollback), command_line(point.commands.shell),
          ...point.generations.map((generation) => command_line(generation.command))], "commands"],
      ], points)));
}

const k_event_tones = {
  imported: "info", ran: "good", restored: "good", failed: "bad",
  "rolled-back": "held", dropped: "warn", unpinned: "none", undone: "none",
};

function history_section() {
  if (data.history.length === 0) {
    return null;
  }
  return section("history", "History", el("div", {class: "card"},
    table("What became of the checkpoints, newest first", [
      ["When", (entry) => el("time", {datetime: entry.time}, shown_time(entry.time))],
      ["Checkpoint", (entry) => entry.checkpoint],
      ["Event", (entry) => [el("span", {class: `pill ${k_event_tones[entry.event] || "none"}`}, entry.event),
        entry.pinned && " pinned"]],
      ["Image", (entry) => short_id(entry.image)],
      ["Time", (entry) => duration(entry.duration_s), "number"],
    ], data.history),
    data.history_left_out > 0 &&
      [el("p", {class: "soft small"}, `${data.history_left_out} older lines: `), command_line(data.history_command)]));
}
