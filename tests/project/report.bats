#!/usr/bin/env bats
# The report page and the trace, opened in a real browser that reaches no network.

load ../support.bash
load project.bash

setup() {
    command -v chromium >/dev/null || unavailable "no chromium"
    make_project
    export work
    page="$work/build/app-report.html"
}

# ask [OPTION...] EXPRESSION: what it is in the page, as JSON.
ask() {
    python3 "$BATS_TEST_DIRNAME/browser.py" "${@:1:$#-1}" "$page" "${@: -1}"
}

# shows [JSON EXPRESSION]...: that is what the expressions are in the page, one after the other.
shows() {
    local expected=() expressions=()
    while [[ $# -gt 0 ]]; do
        expected+=("$1")
        expressions+=("$2")
        shift 2
    done
    same "$(printf '%s\n' "${expected[@]}")" "$(python3 "$BATS_TEST_DIRNAME/browser.py" "$page" "${expressions[@]}")"
}

# A branch, a join and two more tests.
more_stages() {
    cat >project/more.cmake <<'END'
multi_stage_add_stage(app docs FROM deps-installed CHECKPOINT docs-built INPUTS NONE COMMAND "echo docs >/docs")
multi_stage_add_stage(app pack FROM build-complete CHECKPOINT packed INPUTS NONE COPY docs-built:/docs
  COMMAND "cat /docs /result >/packed" ENVIRONMENT LEVEL=9)
multi_stage_add_test(app NAME bad FROM packed COMMAND "echo what went wrong; exit 9")
multi_stage_add_test(app NAME slow FROM packed COMMAND "sleep 1000" TIMEOUT 1)
END
}

report() {
    call ninja -C build "${@:-report}"
    [[ $code == 0 ]] || blame "no report"
    has "$out" "$page"
}

@test "before anything was built" {
    configure
    report
    same '["app", "not built not built not built", "Nothing was built yet."]' \
        "$(ask '[document.title, data.checkpoints.map(c => c.state).join(" "), document.querySelector("#timeline p").textContent]')"
}

@test "stages, last build, tests, rollback points and history" {
    more_stages
    configure
    build app.checkpoints
    call ctest --test-dir build
    report app.report
    nothing_to_do app.checkpoints
    # Three edges of the chain, one to the branch, one that joins, and to the tests on two checkpoints.
    shows '["setup-base", "deps-installed", "build-complete", "docs-built", "packed"]' \
        '[...document.querySelectorAll(".stage h3")].map(e => e.textContent)' \
        '[7, 1, 2]' '["path.edge", "path.edge.copy", "a.tests"].map(s => document.querySelectorAll(".graph " + s).length)' \
        '["import", "key mount run commit", "key mount run commit", "key mount run commit", "key mount run commit"]' \
        '[...document.querySelectorAll("#timeline .lane")].map(lane =>
            [...lane.querySelectorAll(".bar")].map(bar => bar.classList[1]).join(" "))' \
        '["cat src/* >/result; find . | sort >/listing", true, true, true]' \
        '(body => [body.querySelector("pre.code").textContent, /Peak memory\s*[1-9]/.test(body.textContent),
            /[2-9] added/.test(body.textContent), body.textContent.includes("/result")])(document.getElementById("stage-build-complete"))' \
        '["LEVEL=9", "docs-built:/docs"]' \
        '["LEVEL=9", "docs-built:/docs"].filter(word => document.getElementById("stage-packed").textContent.includes(word))' \
        '["app.test passed", "app.bad failed exit code 9", "app.slow failed time-out"]' \
        '[...document.querySelectorAll("#tests tbody tr")].map(row => [row.querySelector("strong").textContent,
            ...[...row.children[1].firstChild.children].map(e => e.lastChild.textContent)].join(" "))' \
        true 'document.getElementById("tests").textContent.includes("what went wrong")' \
        5 'document.querySelectorAll("#history tbody tr").length'
    has "$(ask '[...document.querySelectorAll("#rollback code")].map(e => e.textContent)')" \
        "\"$MSTAGE_EXECUTABLE -C $work/build rollback deps-installed\""
}

@test "the commands that it names work" {
    more_stages
    configure
    build app.checkpoints
    report
    local commands
    commands=$(json "$(ask '[...document.querySelectorAll("#rollback tbody tr:nth-child(2) code")].map(e => e.textContent).slice(1)')" \
        '"\n".join(d)')
    has "$commands" "rollback deps-installed"
    eval "$(grep -F rollback <<<"$commands" | head -n 1)"
    report
    shows '["current", "current", "not built", "not built", "not built"]' 'data.checkpoints.map(c => c.state)' \
        true '[...document.querySelectorAll("#history .pill")].some(e => e.textContent === "dropped")'
}

@test "nothing that a command, a file or a log is called can act in the page" {
    cat >project/src/hostile.sh <<'END'
printf '</script><script>window.acted = 1</script><img src=x onerror="window.acted = 2">\n'
printf '<!-- <script> {{data}} &lt; \033[31mred\033[0m \033]0;title\007 \001\177\n'
printf '\342\200\256gnp.exe \377\376 \302\205\n'
: >'/<img src=x onerror=window.acted=3>'
END
    configure -D SAMPLE_BUILD="sh src/hostile.sh; : '</script><script>window.acted = 4</script>'"
    build
    report
    same '[true, true, 1]' "$(ask '[window.acted === undefined, document.images.length === 0,
        document.querySelectorAll("script:not([type])").length - 2]')"
    local texts
    texts=$(ask '(details => { details.forEach(d => { d.open = true; }); return new Promise(done => setTimeout(() =>
        done(document.getElementById("stage-build-complete").textContent), 200)); })([...document.querySelectorAll("details")])')
    for text in '</script><script>window.acted = 1</script>' '<!-- <script> {{data}} &lt; red ' '␁␡' \
        '/<img src=x onerror=window.acted=3>' 'window.acted = 4'; do
        python3 -c 'import json, sys; sys.exit(sys.argv[2] not in json.loads(sys.argv[1]))' "$texts" "$text" ||
            blame "not shown: $text"
    done
    has_not "$texts" $'\u202e'
    # Nor is there anything that the page would get from elsewhere.
    shows '["fg1", "red"]' '(stage => { stage.open = true; [...stage.querySelectorAll("details")].forEach(d => { d.open = true; });
        return new Promise(done => setTimeout(() => done((e => [e.className, e.textContent])(stage.querySelector(".log .fg1"))), 200));
        })(document.getElementById("stage-build-complete"))' \
        '[]' '[...document.querySelectorAll("[src], [href]")].flatMap(e => [e.getAttribute("src"), e.getAttribute("href")])
        .filter(url => url && !url.startsWith("#") && url !== "data:,")'
}

@test "a stage that failed is open, with its log's end and how to go on" {
    configure -D SAMPLE_BUILD="i=0; while [ \$i -lt 30000 ]; do i=\$((i + 1)); echo line \$i of many; done; exit 3"
    build_fails
    report
    shows '[true, "failed", "It failed with exit code 3", true]' \
        '(stage => [stage.open, stage.querySelector(".pill").lastChild.textContent, stage.querySelector(".failure p").textContent,
            stage.querySelector(".log").textContent.includes("line 30000 of many")])(document.getElementById("stage-build-complete"))' \
        '["1 of 1", "line 29999 of many"]' '(input => { input.value = "NE 29999"; input.dispatchEvent(new Event("input"));
        return [document.querySelector("[role=status]").textContent, document.querySelector("mark").parentNode.textContent]; })(
        document.querySelector("input[type=search]"))' \
        '"no match"' '(input => { input.value = "<nowhere>"; input.dispatchEvent(new Event("input"));
        return document.querySelector("[role=status]").textContent; })(document.querySelector("input[type=search]"))'
    # What is left out is said, with the path of all.
    local texts
    texts=$(ask '[...document.querySelectorAll(".failure code, .log .cut")].map(e => e.textContent)')
    has "$texts" "ninja -C $work/build build-complete"
    matches "$texts" "KiB are left out here; all of it is in $MSTAGE_STORE/runs/"
}

# The least contrast of a text with what is behind it, when everything is open.
CONTRAST='(() => {
  document.querySelectorAll("details").forEach(d => { d.open = true; });
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = (c) => { const [r, g, b] = c.slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = numbers(getComputedStyle(e).backgroundColor); if (c[3] !== 0) return c; } };
  let least = [99, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || e.closest("svg, script, style, noscript, .hidden, .skip")) continue;
    const [a, b] = [luminance(numbers(getComputedStyle(e).color)), luminance(behind(e))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < least[0]) least = [contrast, e.className + ": " + walker.currentNode.data.slice(0, 40)];
  }
  return least;
})()'

@test "light and dark, on a phone and wide, on paper and by keyboard" {
    more_stages
    configure -D SAMPLE_BUILD="echo built >/result"
    build app.checkpoints
    call ctest --test-dir build
    configure -D SAMPLE_BUILD="echo an/extraordinarily/long/path/$(printf 'x%.0s' {1..300}); exit 3"
    build_fails
    report
    same '[375, 375]' "$(ask --width 375 '(document.querySelectorAll("details").forEach(d => { d.open = true; }),
        [innerWidth, Math.max(document.documentElement.scrollWidth, innerWidth)])')"
    local scheme least
    for scheme in "" --dark; do
        # shellcheck disable=SC2086  # none or one option
        least=$(ask $scheme "$CONTRAST")
        [[ $(json "$least" 'd[0] >= 4.5') == true ]] || blame "contrast $least ($scheme)"
    done
    # All that can be operated can be reached, and has a name.
    shows '[true, true]' '[document.documentElement.clientWidth === document.documentElement.scrollWidth, matchMedia("(prefers-color-scheme: light)").matches]' \
        '[]' '[...document.querySelectorAll("a, button, input, summary")].filter(e => e.tabIndex < 0 ||
        !(e.textContent.trim() || e.getAttribute("aria-label") || e.closest("label"))).map(e => e.outerHTML)' \
        '["en", 1, true]' '[document.documentElement.lang, document.querySelectorAll("h1").length,
        [...document.querySelectorAll("nav a")].every(a => document.querySelector(a.getAttribute("href")))]' \
        '[true, true]' '(dispatchEvent(new Event("beforeprint")),
        [[...document.querySelectorAll("details.stage")].every(d => d.open), [...document.styleSheets[0].cssRules].some(r => r.conditionText === "print")])'
}

@test "the same state gives the same page, but for the time" {
    configure
    build
    report
    cp "$page" before.html
    report
    diff <(sed -E 's/"generated":"[^"]*"//' before.html) <(sed -E 's/"generated":"[^"]*"//' "$page")
}

# --- The trace --------------------------------------------------------------------------------------------------

# What must be so for chrome://tracing and Perfetto; the names of the threads and what is on them.
TRACE='(() => {
  const events = trace.traceEvents;
  const threads = {};
  for (const e of events.filter(e => e.ph === "M" && e.name === "thread_name")) threads[`${e.pid}/${e.tid}`] = e.args.name;
  const spans = events.filter(e => e.ph === "X");
  for (const e of events) if (!["M", "X"].includes(e.ph)) throw Error("ph " + e.ph);
  for (const e of spans) {
    if (![e.ts, e.dur, e.pid, e.tid].every(n => Number.isInteger(n) && n >= 0)) throw Error(JSON.stringify(e));
    if (!(`${e.pid}/${e.tid}` in threads)) throw Error("no thread " + JSON.stringify(e));
    const others = spans.filter(o => o !== e && o.pid === e.pid && o.tid === e.tid);
    for (const o of others) if (o.ts < e.ts && e.ts < o.ts + o.dur && o.ts + o.dur + 1 < e.ts + e.dur) throw Error("overlap " + e.name + " " + o.name);
  }
  const by_thread = {};
  for (const e of spans) (by_thread[threads[`${e.pid}/${e.tid}`]] ??= []).push(e.name);
  return by_thread;
})()'

@test "a trace that the browser takes, with stages, phases and tests" {
    more_stages
    configure
    build app.checkpoints
    call ctest --test-dir build
    succeeds mstage -C build report --trace trace.json
    same "$work/trace.json" "$out"
    absent "$page"
    report
    same '{"setup-base": ["setup-base", "import"], "deps-installed": ["deps-installed", "key", "mount", "run", "commit"]}' \
        "$(ask --json trace=trace.json "(t => ({'setup-base': t['setup-base'], 'deps-installed': t['deps-installed']}))($TRACE)")"
    same '[true, ["app"]]' "$(ask --json trace=trace.json "[JSON.stringify($TRACE).includes('\"app.bad\"'),
        trace.traceEvents.filter(e => e.name === 'process_name').map(e => e.args.name)]")"
}

@test "the commands of a Ninja inside of a stage lie where they ran" {
    command -v ninja >/dev/null || unavailable "no ninja"
    cat >project/src/build.ninja <<'END'
rule wait
  command = sleep $seconds && touch $out
build one: wait
  seconds = 0.3
build two: wait
  seconds = 0.5
build three: wait | one two
  seconds = 0.2
END
    configure -D SAMPLE_BASE=host -D SAMPLE_INSTALL="true" \
        -D SAMPLE_BUILD="sleep 0.4; mkdir /app/out && cp src/build.ninja /app/out && ninja -C /app/out; sleep 0.3"
    build
    succeeds mstage -C build report --trace trace.json
    report
    local ask_trace=(ask --json trace=trace.json)
    has "$("${ask_trace[@]}" "$TRACE")" '"three"'
    # After the first pause, within the run, in the order of the build, and each as long as it took.
    same '[true, true, true, true]' "$("${ask_trace[@]}" '(() => {
      const find = (name) => trace.traceEvents.find(e => e.ph === "X" && e.name === name);
      const run = trace.traceEvents.filter(e => e.name === "run").pop();
      const [one, two, three] = ["one", "two", "three"].map(find);
      return [one.ts >= run.ts + 400000, three.ts + three.dur <= run.ts + run.dur - 300000 + 20000,
        three.ts >= two.ts + two.dur - 5000, one.dur >= 300000 && two.dur >= 500000];
    })()')"
    has "$(ask 'document.getElementById("stage-build-complete").textContent')" "/app/out/.ninja_log, 3 steps"
}
