function open_target() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") {
    target.open = true;
  }
}

function draw_sections() {
  const sections = [
    graph_section(),
    timeline_section(),
    section("stages", "Stages", ...data.checkpoints.map(stage_view)),
    tests_section(),
    rollback_section(),
    history_section(),
  ].filter(Boolean);
  document.getElementById("content").replaceChildren(...sections);
  const link = (part) => el("li", {}, el("a", {href: `#${part.id}`}, part.querySelector("h2").textContent));
  document.getElementById("sections").append(el("ul", {}, ...sections.map(link)));
}

draw_header();
draw_sections();
addEventListener("hashchange", open_target);
open_target();
// On paper nothing can be opened. Logs stay as they are: theirs may be a thousand pages.
addEventListener("beforeprint", () => {
  document.querySelectorAll("details.stage").forEach((stage) => { stage.open = true; });
});
