// The stage graph: each checkpoint one rank behind what it is made from; from left to right where there is room, else
// from top to bottom.

function graph_nodes() {
  const nodes = data.checkpoints.map((point) => ({
    id: `stage-${point.name}`, name: point.name, state: point.state, tone: tone_of(point.state),
    detail: point.run ? duration(point.run.wall_s) : "",
    parents: [...(point.from ? [[point.from, false]] : []),
      ...point.copies.filter((copy) => !copy.foreign).map((copy) => [copy.checkpoint, true])],
  }));
  for (const point of data.checkpoints) {
    const tests = data.tests.filter((test) => test.from === point.name);
    const results = tests.filter((test) => test.result);
    const passed = results.filter((test) => test.result.outcome === "passed").length;
    if (tests.length > 0) {
      const state = results.length === 0 ? "not run" : passed < results.length ? "failed" : "passed";
      nodes.push({id: "tests", name: count_of(tests.length, "test"), tests: true, tone: tone_of(state), state,
        detail: results.length > 0 ? `${passed} of ${results.length} passed` : "", parents: [[point.name, false]]});
    }
  }
  return nodes;
}

function rank_nodes(nodes) {
  const by_name = new Map(nodes.filter((node) => !node.tests).map((node) => [node.name, node]));
  const ranks = [];
  for (const node of nodes) {
    node.from = node.parents.filter(([name]) => by_name.has(name)).map(([name, copy]) => [by_name.get(name), copy]);
    node.rank = Math.max(-1, ...node.from.map(([parent]) => parent.rank)) + 1;
    (ranks[node.rank] ??= []).push(node);
  }
  for (const rank of ranks) {
    const place = (node) => node.from.reduce((sum, [parent]) => sum + parent.place, 0) / (node.from.length || 1);
    rank.forEach((node) => { node.wish = place(node) || 0; });
    rank.sort((a, b) => a.wish - b.wish);
    rank.forEach((node, i) => { node.place = i - (rank.length - 1) / 2; });
  }
  return ranks;
}

function draw_graph() {
  const nodes = graph_nodes();
  const ranks = rank_nodes(nodes);
  const longest = Math.max(...nodes.map(
    (node) => Math.max(node.name.length * 8, (node.state.length + node.detail.length + 5) * 6.6)));
  const columns = Math.max(...ranks.map((rank) => rank.length));
  const room = document.documentElement.clientWidth - 66;
  const wanted = Math.min(260, Math.max(130, longest + 34));
  const across = ranks.length * (wanted + 44) <= Math.max(room, 560) && innerWidth > 700;
  const [gap_along, gap_beside] = across ? [44, 18] : [34, 14];
  const fitting = Math.max(116, (room - 4 + gap_beside) / columns - gap_beside);
  const [width, height] = [Math.round(across ? wanted : Math.min(wanted, fitting)), 56];
  const along = (node) => node.rank * ((across ? width : height) + gap_along) + 2;
  const beside = (node) => (node.place + (columns - 1) / 2) * ((across ? height : width) + gap_beside) + 2;
  const at = (node) => across ? [along(node), beside(node)] : [beside(node), along(node)];
  const extent = (count, each, gap) => count * (each + gap) - gap + 4;
  const full = across
    ? [extent(ranks.length, width, gap_along), extent(columns, height, gap_beside)]
    : [extent(columns, width, gap_beside), extent(ranks.length, height, gap_along)];

  const edge = (parent, node, copy) => {
    const [x1, y1] = at(parent);
    const [x2, y2] = at(node);
    const [ax, ay, bx, by] = across
      ? [x1 + width, y1 + height / 2, x2 - 3, y2 + height / 2] : [x1 + width / 2, y1 + height, x2 + width / 2, y2 - 3];
    const bend = Math.max(16, (across ? bx - ax : by - ay) / 2);
    const path = across
      ? `M${ax},${ay} C${ax + bend},${ay} ${bx - bend},${by} ${bx},${by}`
      : `M${ax},${ay} C${ax},${ay + bend} ${bx},${by - bend} ${bx},${by}`;
    return svg("path", {class: copy ? "edge copy" : "edge", d: path, "marker-end": "url(#arrow)"});
  };
  const node_box = (node) => {
    const [x, y] = at(node);
    const cut = Math.floor((width - 28) / 8);
    const name = node.name.length > cut ? `${node.name.slice(0, cut - 1)}…` : node.name;
    const short_state = `${sign_of(node.state)} ${node.state}`;
    const whole_state = node.detail ? `${short_state} · ${node.detail}` : short_state;
    const state = whole_state.length * 6.6 + 24 <= width ? whole_state : short_state;
    return svg("a", {href: `#${node.id}`, class: `${node.tone}${node.tests ? " tests" : ""}`,
      "aria-label": `${node.name}: ${node.state} ${node.detail}`},
    svg("title", {}, node.name),
    svg("rect", {class: "box", x, y, width, height, rx: 9}),
    svg("rect", {class: "stripe", x: x + 9, y: y + 12, width: 3, height: height - 24, rx: 1.5}),
    svg("text", {class: "name", x: x + 21, y: y + 24}, name),
    svg("text", {class: "state", x: x + 21, y: y + 42}, state));
  };
  return svg("svg", {viewBox: `0 0 ${full[0]} ${full[1]}`, width: full[0], height: full[1], role: "group",
    "aria-label": "Stage graph"},
  svg("defs", {}, svg("marker",
    {id: "arrow", viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto"},
    svg("path", {d: "M0,0.5 L7,4 L0,7.5 z"}))),
  nodes.flatMap((node) => node.from.map(([parent, copy]) => edge(parent, node, copy))),
  nodes.map(node_box));
}

function graph_section() {
  const frame = el("div", {class: "graph"});
  const redraw = () => frame.replaceChildren(draw_graph());
  redraw();
  let pending = 0;
  addEventListener("resize", () => {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(redraw);
  });
  const joins = data.checkpoints.some((point) => point.copies.length > 0);
  return section("graph", "Stages and checkpoints", el("div", {class: "card"}, frame,
    joins && el("p", {class: "soft small"}, "Dashed arrows: files copied from another checkpoint.")));
}
