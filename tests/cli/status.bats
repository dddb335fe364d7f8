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

# Like "good outdated missing".
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
    fails mstage status
    same "mstage: error: '.' is in no build tree with pipelines
  configure a project that uses MultiStageBuild, or name its build tree with -C" "$err"
}

@test "checkpoints are missing, good, outdated, failed" {
    same "missing missing missing" "$(states)"
    build_all
    same "good good good" "$(states)"
    # The first is another image: what is made from it is out of date.
    echo two >source/file
    succeeds mstage scan "$plan"
    succeeds mstage stage "$plan" one
    same "good good outdated" "$(states)"
    write_plan 'cat file >/first' 'exit 3'
    exits 1 mstage stage "$plan" two
    same "good good failed" "$(states)"
    write_plan 'cat file >/first' 'cat /first file >/second'
    succeeds mstage stage "$plan" two
    same "good good good" "$(states)"
}

@test "status for people" {
    succeeds mstage -C build status
    same "app.setup-base  missing 
app.first       missing 
app.second      missing " "$out"
    build_all
    mkdir build/sub
    succeeds mstage -C build/sub status
    same "app.setup-base  good      UUID  TIME ago, SIZE
app.first       good      UUID  TIME ago, SIZE
app.second      good      UUID  TIME ago, SIZE" "$(normalised "$out")"
    write_plan 'cat file >/first' 'exit 3'
    exits 1 mstage stage "$plan" two
    succeeds mstage -C build status
    same "app.second      failed    UUID  left by the failure" "$(normalised "$out" | tail -n 1)"
}

@test "status --json has every field" {
    build_all
    succeeds mstage -C build status --json
    same '["build_dir", "checkpoints"]' "$(json "$out" 'sorted(d)')"
    same "$work/build" "$(json "$out" 'd["build_dir"]')"
    for i in 0 1 2; do
        same '["checkpoint", "config", "created", "failed_state", "from", "image", "pipeline", "size_bytes", "state"]' \
            "$(json "$out" "sorted(d['checkpoints'][$i])")"
    done
    same '[null, "setup-base", "first"]' "$(json "$out" '[c["from"] for c in d["checkpoints"]]')"
    same '["setup-base", "first", "second"]' "$(json "$out" '[c["checkpoint"] for c in d["checkpoints"]]')"
    same "$(mstage import tag:base)" "$(json "$out" 'd["checkpoints"][0]["image"]')"
}

@test "an image that the store has lost counts as missing" {
    build_all
    local image
    image=$(json "$(mstage -C build status --json)" 'd["checkpoints"][2]["image"]')
    rm "$MSTAGE_STORE/images/$image.json"
    same "good good missing" "$(states)"
    succeeds mstage stage "$plan" two
    same "good good good" "$(states)"
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
    same "good good missing" "$(states)"
    : >build/.mstage/app/second.checkpoint
    succeeds mstage stage "$plan" two
    same "good good good" "$(states)"
    has "$out$(cat build/.mstage/app/second.checkpoint)" '"checkpoint": "second"'
}
