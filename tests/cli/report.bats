#!/usr/bin/env bats
# mstage report: the page's and the trace's files, what goes wrong. What they look like: project/report.bats.

load ../support.bash

setup_file() {
    make_base
}

setup() {
    require_sandbox
    make_work_dir
    mkdir source
    for name in app lib; do
        write_plan "$name" "echo made by $name; exit \${code:-0}" >/dev/null
    done
}

# write_plan PIPELINE COMMAND: one stage with this command, and a test.
write_plan() {
    mkdir -p "build/.mstage/$1"
    python3 - "$work" "$MSTAGE_STORE" "$@" >"build/.mstage/$1/plan.json" <<'END'
import json, sys
work, store, pipeline, command = sys.argv[1:]
def task(name, start, command):
    return {"name": name, "from": start, "command": command, "environment": {}, "workdir": "/app", "network": False,
            "timeout": 0}
stage = task("one", "setup-base", command) | {"checkpoint": "first", "target": "first", "inputs": None, "exclude": [],
                                              "copies": [], "live": False}
print(json.dumps({
    "version": 1, "pipeline": pipeline, "default": pipeline == "app", "source": work + "/source",
    "build_dir": work + "/build", "state_dir": f"{work}/build/.mstage/{pipeline}", "store": store, "engine": "local",
    "base": "tag:base", "workdir": "/app", "exclude": [], "scan_every_build": False,
    "build_tool": "ninja -C " + work + "/build", "stages": [stage],
    "tests": [task(pipeline + ".test", "first", "exit 7")]}))
END
}

build_all() {
    local plan
    for plan in build/.mstage/*/plan.json; do
        succeeds mstage scan "$plan"
        succeeds mstage stage "$plan" setup-base
        succeeds mstage stage "$plan" one
    done
}

# page_data FILE EXPRESSION: of the document in the page, as `d`.
page_data() {
    json "$(python3 -c 'import re, sys; print(re.search("id=\"data\">(.*?)</script>", open(sys.argv[1]).read()).group(1))' "$1")" "$2"
}

@test "outside of a build tree" {
    mkdir elsewhere
    cd elsewhere
    fails mstage report
    same "mstage: error: '.' is in no build tree with pipelines
  configure a project that uses MultiStageBuild, or name its build tree with -C" "$err"
}

@test "the page is written into the build tree, for the first pipeline or the one that is named" {
    succeeds mstage -C build report
    same "$work/build/app-report.html" "$out"
    same '["app", ["not built", "not built"], []]' \
        "$(page_data build/app-report.html '[d["title"], [c["state"] for c in d["checkpoints"]], d["timeline"]]')"
    build_all
    succeeds mstage -C build/.mstage report lib
    same "$work/build/lib-report.html" "$out"
    same '["lib", ["current", "current"], "made by lib\n"]' \
        "$(page_data build/lib-report.html '[d["title"], [c["state"] for c in d["checkpoints"]], d["checkpoints"][1]["log"]["head"]]')"
    same '["import", "key mount run commit"]' \
        "$(page_data build/lib-report.html '[" ".join(p["name"] for p in e["phases"]) for e in d["timeline"]]')"
}

@test "the page and the trace go where one says" {
    build_all
    succeeds mstage -C build report -o new/directory/page.html --trace trace.json
    same "$work/trace.json
$work/new/directory/page.html" "$out"
    absent build/app-report.html
    same '["app", "lib"]' "$(json "$(cat trace.json)" '[e["args"]["name"] for e in d["traceEvents"] if e["name"] == "process_name"]')"
    succeeds mstage -C build report --trace - lib
    same '["lib"]' "$(json "$out" '[e["args"]["name"] for e in d["traceEvents"] if e["name"] == "process_name"]')"
    succeeds mstage -C build report -o - app
    has "$out" "<title>app</title>"
}

@test "how tests ended last is in the page" {
    build_all
    local plan=build/.mstage/app/plan.json
    exits 7 mstage run --plan "$plan" --test app.test
    succeeds mstage -C build report
    same '["exit code 7", true]' "$(page_data build/app-report.html '[d["tests"][0]["result"][k] for k in ("outcome", "current")]')"
}

@test "a failure, in words, with what to do" {
    build_all
    write_plan app 'echo bad; exit 3'
    exits 1 mstage stage build/.mstage/app/plan.json one
    succeeds mstage -C build report
    same '["failed", "It failed with exit code 3", "bad\n", "'"$MSTAGE_EXECUTABLE -C $work"'/build shell first@failed"]' \
        "$(page_data build/app-report.html '(lambda c: [c["state"], c["failure"]["what"], c["log"]["head"], c["commands"]["look"]])(d["checkpoints"][1])')"
}

@test "what cannot be" {
    misused mstage -C build report nowhere
    same "mstage: error: build tree '$work/build' has no pipeline 'nowhere'
  it has: app, lib" "$err"
    misused mstage -C build report app lib
    mkdir taken
    misused mstage -C build report -o taken
    has "$err" "taken"
}
