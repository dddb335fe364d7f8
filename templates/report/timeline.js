// The last build: what the time of each stage went into.

function nice_step(seconds) {
  const power = 10 ** Math.floor(Math.log10(seconds));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= seconds);
}

function timeline_row(entry, start, span) {
  const at = (time) => (Date.parse(time) / 1000 - start) / span * 100;
  const words = entry.phases.map((phase) => `${phase.name} ${duration(phase.duration_s)}`).join(", ");
  const bars = entry.phases.map((phase) => el("span", {
    class: `bar ${phase.name}${entry.event === "failed" && phase.name === "run" ? " failed" : ""}`,
    style: `left:${at(phase.start).toFixed(4)}%;width:${(phase.duration_s / span * 100).toFixed(4)}%`,
    title: `${entry.checkpoint}: ${phase.name}, ${duration(phase.duration_s)}`}));
  return el("li", {},
    el("a", {class: "label", href: `#stage-${entry.checkpoint}`}, entry.checkpoint),
    el("span", {class: "lane"}, el("span", {class: "hidden"}, `${entry.event}: ${words}`), bars),
    el("span", {class: "took number small"},
      `${entry.event} ${duration(entry.phases.reduce((sum, phase) => sum + phase.duration_s, 0))}`));
}

function timeline_section() {
  const entries = data.timeline;
  if (entries.length === 0) {
    const since = data.history.length === 0 ? "yet" : "since the last rollback";
    return section("timeline", "Last build", el("p", {class: "card soft"}, `Nothing was built ${since}.`));
  }
  const starts = entries.map((entry) => Date.parse(entry.phases[0].start) / 1000);
  const ends = entries.map((entry) => Math.max(...entry.phases.map(
    (phase) => Date.parse(phase.start) / 1000 + phase.duration_s)));
  const start = Math.min(...starts);
  const span = Math.max(0.001, Math.max(...ends) - start);
  const names = [...new Set(entries.flatMap((entry) => entry.phases.map((phase) => phase.name)))];
  const step = nice_step(span / (innerWidth < 700 ? 3 : 6));
  const ticks = [];
  for (let tick = 0; tick <= span * (innerWidth < 700 ? 0.7 : 0.86); tick += step) {
    ticks.push(el("span", {style: `left:${(tick / span * 100).toFixed(3)}%`},
      tick === 0 ? "0" : duration(tick).replace(".0 ", " ").replace(" min 0 s", " min")));
  }
  ticks.push(el("span", {style: "left:100%"}, duration(span)));
  return section("timeline", "Last build", el("div", {class: "card"},
    el("p", {class: "legend", "aria-hidden": "true"},
      ...names.map((name) => el("span", {class: name}, name)),
      el("span", {style: "--colour:transparent;margin-left:auto"}, shown_time(entries[0].phases[0].start))),
    el("ol", {class: "rows"},
      entries.map((entry) => timeline_row(entry, start, span)),
      el("li", {"aria-hidden": "true"}, el("span", {class: "label"}), el("span", {class: "axis"}, ticks),
        el("span", {class: "took"})))));
}
