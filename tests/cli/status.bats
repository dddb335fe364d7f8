#!/usr/bin/env bats
# mstage status, and scan and stage as a build tool calls them: on a build tree with a plan that nobody's CMake wrote.

load ../support.bash

setup_file() {
    make_base
}

setup() {
    require_sandbox
    make_work_dir
    mkdir -p source build/.mstage/app
    echo one >source/file
    # The tests share the store: what one of them has built, another need not find there.
    echo "$work" >source/test
    plan="$work/build/.mstage/app/plan.json"
    write_plan 'cat file >/first' 'cat /first file >/second'
}

# write_plan FIRST SECOND: two stages with these commands, and a test.
write_plan() {
    python3 - "$work" "$MSTAGE_STORE" "$@" >"$plan" <<'END'
import json, sys
work, store, first, second = sys.argv[1:]
def task(name, start, command):
    return {"name": name, "from": start, "command": command, "environment": {}, "workdir": "/app", "network": False,
            "timeout": 0}
def stage(name, start, checkpoint, command):
    return task(name, start, command) | {"checkpoint": checkpoint, "target": checkpoint, "inputs": None,
                                         "exclude": [], "copies": [], "live": False}
print(json.dumps({
    "version": 1, "pipeline": "app", "default": True, "source": work + "/source", "build_dir": work + "/build",
    "state_dir": work + "/build/.mstage/app", "store": store, "engine": "local", "base": "tag:base",
    "workdir": "/app", "exclude": [], "scan_every_build": False, "build_tool": "ninja -C " + work + "/build",
    "stages": [stage("one", "setup-base", "first", first), stage("two", "first", "second", second)],
    "tests": [task("app.test", "second", "cat /second; echo x >/x; exit 7")]}))
END
}

# Like "current out-of-date not-built".
states() {
    json "$(mstage -C "$work/build" status --json)" '" ".join(c["state"] for c in d["checkpoints"])'
}

build_all() {
    succeeds mstage scan "$plan"
    succeeds mstage stage "$plan" setup-base
    succeeds mstage stage "$plan" one
    succeeds mstage stage "$plan" two
}

@test "outside of a build tree" {
    cd source
    fails mstage status
    same "mstage: error: '.' is in no build tree with pipelines
  configure a project that uses MultiStageBuild, or name its build tree with -C" "$err"
}

@test "in the source directory of a build tree: which one it is" {
    fails mstage status
    same "mstage: error: '.' is in no build tree with pipelines
  one is 'build': $MSTAGE_EXECUTABLE -C build …" "$err"
    cd source
    fails mstage -C "$work" history
    has "$err" "one is '$work/build': $MSTAGE_EXECUTABLE -C $work/build …"
}

@test "checkpoints are not built, current, out of date, failed, restored" {
    same "not-built not-built not-built" "$(states)"
    build_all
    same "current current current" "$(states)"
    # By what the source is now, whether a build has seen it or not.
    echo two >source/file
    same "current out-of-date out-of-date" "$(states)"
    same "keep run run" "$(nexts)"
    succeeds mstage scan "$plan"
    succeeds mstage stage "$plan" one
    # The first is another image: what is made from it is out of date.
    same "current current out-of-date" "$(states)"
    write_plan 'cat file >/first' 'exit 3'
    exits 1 mstage stage "$plan" two
    same "current current failed" "$(states)"
    write_plan 'cat file >/first' 'cat /first file >/second'
    succeeds mstage stage "$plan" two
    same "current current current" "$(states)"
    echo one >source/file
    same "current out-of-date out-of-date" "$(states)"
    same "keep restore restore" "$(nexts)"
    build_all
    same "current restored restored" "$(states)"
}

# Like states: what the next build does.
nexts() {
    json "$(mstage -C "$work/build" status --json)" '" ".join(c["next"] for c in d["checkpoints"])'
}

@test "a look changes nothing" {
    build_all
    echo two >source/file
    local before
    before=$(find build store source -printf '%p %T@ %s\n' 2>/dev/null | sort)
    succeeds mstage -C build status
    same "$before" "$(find build store source -printf '%p %T@ %s\n' 2>/dev/null | sort)"
}

# What status prints, with one blank between columns and SHORT for the images.
status_text() {
    succeeds mstage -C build status
    normalised "$out" | sed -E -e 's/  +/  /g' -e 's/\b[0-9a-f]{8}\b/SHORT/g' -e "s|$MSTAGE_EXECUTABLE|mstage|g"
}

@test "status for people" {
    same "app
setup-base  not built
└─ first  not built
  └─ second  not built" "$(status_text)"
    build_all
    mkdir build/sub
    succeeds mstage -C build/sub status
    same "app
setup-base  current  SHORT  TIME ago  SIZE
└─ first  current  SHORT  TIME ago  SIZE  TIME
  └─ second  current  SHORT  TIME ago  SIZE  TIME" "$(status_text)"
    write_plan 'cat file >/first' 'exit 3'
    exits 1 mstage stage "$plan" two
    same "  └─ second  failed
  failed after TIME, TIME ago; to look at what it left:  mstage -C WORK/build shell app.second@failed" \
        "$(status_text | tail -n 2)"
    # Who stands there needs no -C; who reads no UTF-8 gets other lines.
    cd build
    has "$(mstage status)" "left:  $MSTAGE_EXECUTABLE shell app.second@failed"
    same '   `- second  failed' "$(LC_ALL=C mstage status | tail -n 2 | head -n 1)"
}

@test "branches are drawn, and what is copied from others" {
    python3 - "$plan" <<'END'
import json, sys
plan = json.load(open(sys.argv[1]))
first, second = plan["stages"]
docs = dict(first, name="docs", checkpoint="docs-built", target="docs-built", **{"from": "first"})
pack = dict(second, name="pack", checkpoint="packed", target="packed", **{"from": "second"},
            copies=[{"plan": None, "checkpoint": "docs-built", "path": "/first", "destination": "/docs"}])
plan["stages"] = [first, second, docs, pack]
json.dump(plan, open(sys.argv[1], "w"))
END
    succeeds mstage -C build status
    same "app
setup-base                    not built
└─ first                      not built
   ├─ second                  not built
   │  └─ packed + docs-built  not built
   └─ docs-built              not built" "$out"
    same '["app.docs-built"]' "$(json "$(mstage -C build status --json)" \
        '[c["copies_from"] for c in d["checkpoints"] if c["checkpoint"] == "packed"][0]')"
}

@test "an image that the store has lost: which one, and what may be the cause" {
    build_all
    local image
    image=$(json "$(mstage -C build status --json)" 'd["checkpoints"][2]["image"]')
    mv "$MSTAGE_STORE/images/$image.json" lost
    has "$(mstage -C build status)" "its image ${image:0:8} is not in the store: was it built with another MSTAGE_STORE?"
    mv lost "$MSTAGE_STORE/images/$image.json"
    has_not "$(mstage -C build status)" "is not in the store"
}

@test "what was put back is pinned" {
    build_all
    echo two >source/file
    build_all
    succeeds mstage -C build rollback first --to @-1
    has "$(states)" "current pinned "
    matches "$(status_text)" "pinned TIME ago; to let go:  mstage -C WORK/build rollback --unpin app.first"
    matches "$(json "$(mstage -C build status --json)" 'd["checkpoints"][1]["pinned_since"]')" '^20[0-9-]+T'
}

# on_terminal COLUMNS [VARIABLE=VALUE...]: what status shows there, escape characters as "^[".
on_terminal() {
    local columns=$1
    shift
    script -qec "stty cols $columns; env TERM=xterm $* '$MSTAGE_EXECUTABLE' -C build status" /dev/null </dev/null |
        sed -e 's/\r$//' -e 's/\x1b/^[/g'
}

@test "on a terminal: colours, and no line that is too wide" {
    build_all
    has "$(on_terminal 100)" "^[[32mcurrent    ^[[0m"
    has_not "$(on_terminal 100 NO_COLOR=1)" "^["
    has_not "$(on_terminal 100 TERM=dumb)" "^["
    has_not "$(mstage -C build status)" $'\e'
    local columns line
    for columns in 100 60 45 32 20; do
        while IFS= read -r line; do
            ((${#line} <= columns)) || { echo "wider than $columns: '$line'"; false; }
        done < <(on_terminal "$columns" NO_COLOR=1)
    done
    # The image stays longest.
    matches "$(on_terminal 45 NO_COLOR=1 | tail -n 1)" 'second +current +[0-9a-f]{8}'
    has_not "$(on_terminal 45 NO_COLOR=1)" "KiB"
}

@test "status --json has every field" {
    build_all
    succeeds mstage -C build status --json
    same '["build_dir", "checkpoints"]' "$(json "$out" 'sorted(d)')"
    same "$work/build" "$(json "$out" 'd["build_dir"]')"
    for i in 0 1 2; do
        same '["checkpoint", "config", "copies_from", "created", "duration_s", "end", "failed", "from", "image", "next", "pinned_since", "pipeline", "running", "size_bytes", "state"]' \
            "$(json "$out" "sorted(d['checkpoints'][$i])")"
    done
    same '[null, "setup-base", "first"]' "$(json "$out" '[c["from"] for c in d["checkpoints"]]')"
    same '["setup-base", "first", "second"]' "$(json "$out" '[c["checkpoint"] for c in d["checkpoints"]]')"
    same "$(mstage import tag:base)" "$(json "$out" 'd["checkpoints"][0]["image"]')"
    matches "$(json "$out" 'd["checkpoints"][2]["duration_s"]')" '^[0-9.]+$'
    write_plan 'cat file >/first' 'exit 3'
    exits 1 mstage stage "$plan" two
    succeeds mstage -C build status --json
    same '["duration_s", "image", "time"]' "$(json "$out" 'sorted(d["checkpoints"][2]["failed"])')"
}

@test "an image that the store has lost counts as not built" {
    build_all
    local image
    image=$(json "$(mstage -C build status --json)" 'd["checkpoints"][2]["image"]')
    rm "$MSTAGE_STORE/images/$image.json"
    same "current current not-built" "$(states)"
    succeeds mstage stage "$plan" two
    same "current current current" "$(states)"
}

@test "checkpoints are names of images in their build tree" {
    build_all
    succeeds mstage -C build cat second:/second
    same "one
one" "$out"
    succeeds mstage -C build cat app.second:/second
    succeeds mstage -C build run first -c 'cat /first; [ ! -e /second ]'
    same one "$out"
    fails mstage -C build ls frobnicate
    same "mstage: error: 'frobnicate' is no image: neither a checkpoint of build tree 'WORK/build' nor a UUID nor tag:NAME
  'mstage status' lists the checkpoints, 'mstage images' the images" "$(normalised "$err")"
    rm build/.mstage/app/second.checkpoint
    fails mstage -C build ls second
    same "mstage: error: checkpoint 'second' of pipeline 'app' has not been built
  ninja -C WORK/build second" "$(normalised "$err")"
    fails mstage -C build ls second@failed
    same "mstage: error: of checkpoint 'app.second' there are no states left by failed attempts" "$err"
    misused mstage -C build ls second@frobnicate
}

@test "a failed state is named checkpoint@failed" {
    write_plan 'cat file >/first' 'echo half >/half; exit 3'
    succeeds mstage scan "$plan"
    succeeds mstage stage "$plan" setup-base
    succeeds mstage stage "$plan" one
    fails mstage stage "$plan" two
    succeeds mstage -C build cat second@failed:/half
    same half "$out"
    succeeds mstage -C build run app.second@failed -- cat /half /first
}

@test "a test of the plan runs on its checkpoint, and keeps nothing" {
    fails mstage run --plan "$plan" --test app.test
    has "$err" "has not been built"
    build_all
    exits 7 mstage run --plan "$plan" --test app.test
    same "one
one" "$out"
    fails mstage -C build ls second:/x
    misused mstage run --plan "$plan" --test app.frobnicate
    same "mstage: error: pipeline 'app' has no test 'app.frobnicate'" "$err"
}

@test "a stage that there is not, and stages out of order" {
    misused mstage stage "$plan" frobnicate
    same "mstage: error: pipeline 'app' has no stage 'frobnicate'" "$err"
    fails mstage stage "$plan" one
    same "mstage: error: checkpoint 'setup-base' of pipeline 'app' has not been built" "${err%%$'\n'*}"
    succeeds mstage stage "$plan" setup-base
    fails mstage stage "$plan" one
    same "mstage: error: digest file 'WORK/build/.mstage/app/one.inputs' is missing or not whole
  build the checkpoint through the build tool, which scans the source first" "$(normalised "$err")"
}

@test "a plan that is missing, garbage, cut off, or of another version" {
    for verb in "scan PLAN" "stage PLAN one" "run --plan PLAN --test app.test"; do
        # shellcheck disable=SC2206
        local words=(${verb//PLAN/$work/plan.json})
        rm -f plan.json
        fails mstage "${words[@]}"
        same "mstage: error: plan 'WORK/plan.json': opening 'WORK/plan.json': No such file or directory" \
            "$(normalised "$err")"
        echo garbage >plan.json
        fails mstage "${words[@]}"
        has "$err" "$work/plan.json"
        head -c 200 "$plan" >plan.json
        fails mstage "${words[@]}"
        has "$err" "$work/plan.json"
        sed 's/"version": 1/"version": 99/' "$plan" >plan.json
        fails mstage "${words[@]}"
        same "mstage: error: plan 'WORK/plan.json': version 99 is not known to this mstage" "$(normalised "$err")"
        sed 's/"command": "cat file[^"]*"/"command": 5/' "$plan" >plan.json
        fails mstage "${words[@]}"
        has "$err" command
        echo '[]' >plan.json
        fails mstage "${words[@]}"
        : >plan.json
        fails mstage "${words[@]}"
    done
}

@test "a source that is not there" {
    rm -r source
    fails mstage scan "$plan"
    same "mstage: error: source 'WORK/source' is not a directory" "$(normalised "$err")"
}

@test "a marker that is garbage counts as none" {
    build_all
    echo garbage >build/.mstage/app/second.checkpoint
    same "current current not-built" "$(states)"
    : >build/.mstage/app/second.checkpoint
    succeeds mstage stage "$plan" two
    same "current current restored" "$(states)"
    has "$out$(cat build/.mstage/app/second.checkpoint)" '"checkpoint": "second"'
}
