#!/usr/bin/env bats
# mstage rollback and history, on a build tree with a plan that nobody's CMake wrote.

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
    write_plan
}

write_plan() {
    python3 - "$work" "$MSTAGE_STORE" >"$plan" <<'END'
import json, sys
work, store = sys.argv[1:]
def stage(name, start, checkpoint, command):
    return {"name": name, "from": start, "command": command, "environment": {}, "workdir": "/app", "network": False,
            "timeout": 0, "checkpoint": checkpoint, "target": checkpoint, "inputs": None, "exclude": [], "copies": [],
            "live": False}
print(json.dumps({
    "version": 1, "pipeline": "app", "default": True, "source": work + "/source", "build_dir": work + "/build",
    "state_dir": work + "/build/.mstage/app", "store": store, "engine": "local", "base": "tag:base",
    "workdir": "/app", "exclude": [], "scan_every_build": False, "build_tool": "ninja -C " + work + "/build",
    "stages": [stage("one", "setup-base", "first", "cat file >/first"),
               stage("two", "first", "second", "cat /first file >/second")],
    "tests": []}))
END
}

build_all() {
    succeeds mstage scan "$plan"
    for stage in setup-base one two; do
        succeeds mstage stage "$plan" $stage
    done
}

image_of() {
    json "$(cat "$work/build/.mstage/app/$1.checkpoint")" 'd["image"]'
}

@test "outside of a build tree; words that are missing, too many or unknown" {
    cd source
    for verb in "rollback first" history; do
        # shellcheck disable=SC2086
        fails mstage $verb
        same "mstage: error: '.' is in no build tree with pipelines
  configure a project that uses MultiStageBuild, or name its build tree with -C" "$err"
    done
    cd ../build
    misused mstage rollback
    has "$err" "which checkpoint to go back to?"
    misused mstage rollback --undo first
    has "$err" "'first' is too much"
    misused mstage rollback --unpin
    misused mstage rollback first --to @-1 --unpin
    has "$err" "only one of '--to', '--undo' and '--unpin'"
    misused mstage rollback third
    has "$err" "'third' is no checkpoint of build tree '$work/build"
    misused mstage history third
    misused mstage rollback first --to @failed
}

@test "what there is not cannot be gone back to" {
    fails mstage -C build rollback first
    has "$err" "checkpoint 'first' of pipeline 'app' has not been built"
    fails mstage -C build rollback first --to @-1
    has "$err" "'app.first' has no generation @-1: known before the present one: 0"
    fails mstage -C build rollback first --to 2h
    has "$err" "'app.first' was not built yet at"
    fails mstage -C build rollback --undo
    has "$err" "there is no rollback to take back"
    fails mstage -C build rollback --unpin first
    has "$err" "'app.first' is not pinned"
    build_all
    fails mstage -C build rollback first --to 00000000-0000-4000-8000-000000000000
    has "$err" "is no generation of 'app.first'"
    local first
    first=$(image_of first)
    echo two >source/file
    build_all
    rm "$MSTAGE_STORE/images/$first.json"
    fails mstage -C build rollback first --to @-1
    same "mstage: error: 'app.first' cannot go back to image $first: the store has lost it
  'mstage history app.first' lists what it has been" "$err"
    absent build/.mstage/app/first.pin build/.mstage/.rollback
}

@test "a rollback, for people" {
    build_all
    succeeds mstage -C build rollback -n first
    same "drop      app.second  UUID
the next build would:
  keep     app.setup-base  UUID
  keep     app.first  UUID
  run      app.second  (was rolled back, so it is not restored)" "$(normalised "$out")"
    [[ -e build/.mstage/app/second.checkpoint ]]
    succeeds mstage -C build rollback first
    same "drop      app.second  UUID" "$(normalised "$out")"
    absent build/.mstage/app/second.checkpoint
    succeeds mstage -C build rollback --undo -n
    same "would take back: rollback app.first
put back  app.second  UUID
the next build would:
  keep     app.setup-base  UUID
  keep     app.first  UUID
  keep     app.second  UUID" "$(normalised "$out")"
    succeeds mstage -C build rollback --undo
    same "taken back: rollback app.first
put back  app.second  UUID" "$(normalised "$out")"
    succeeds mstage -C build rollback second
    same "nothing is built behind it" "$out"
    succeeds mstage -C build rollback second --to "$(image_of second)"
    same "put back  app.second  UUID  (pinned)" "$(normalised "$out")"
    succeeds mstage stage "$plan" two
    same "mstage: app.second is UUID (pinned TIME ago; to let go: MSTAGE -C WORK/build rollback --unpin app.second)" \
        "$(normalised "$out" | sed "s|$MSTAGE_EXECUTABLE|MSTAGE|")"
    succeeds mstage -C build rollback --unpin second
    same "unpin     app.second  UUID" "$(normalised "$out")"
    succeeds mstage stage "$plan" two
    has "$out" "(unchanged)"
}

@test "rollback --json has every field" {
    build_all
    succeeds mstage -C build rollback --json -n first
    same '["changes", "dry_run", "next_build", "title"]' "$(json "$out" 'sorted(d)')"
    same '["checkpoint", "event", "image", "pinned", "was"]' "$(json "$out" 'sorted(d["changes"][0])')"
    same '["action", "checkpoint", "image", "image_lost", "key", "pinned", "retired"]' \
        "$(json "$out" 'sorted(d["next_build"][0])')"
    same '["app.second", "dropped", null, false, true]' \
        "$(json "$out" '[*(d["changes"][0][f] for f in ("checkpoint", "event", "image", "pinned")), d["dry_run"]]')"
    same '[["app.setup-base", "keep", false], ["app.first", "keep", false], ["app.second", "run", true]]' \
        "$(json "$out" '[[c["checkpoint"], c["action"], c["retired"]] for c in d["next_build"]]')"
    same "$(image_of second)" "$(json "$out" 'd["changes"][0]["was"]')"
    succeeds mstage -C build rollback --json first
    same '[false, null]' "$(json "$out" '[d["dry_run"], d["next_build"]]')"
}

@test "generations are images, by number" {
    build_all
    local first second
    first=$(image_of second)
    echo two >source/file
    build_all
    second=$(image_of second)
    same "one
one" "$(mstage -C build cat second@-1:/second)"
    same "two
two" "$(mstage -C build cat app.second:/second)"
    succeeds mstage -C build run app.second@-1 -- cat /first
    same one "$out"
    succeeds mstage -C build tag second@-1 before
    same "$first" "$(mstage import tag:before)"
    fails mstage -C build ls second@-2
    has "$err" "'app.second' has no generation @-2: known before the present one: 1"
    misused mstage -C build ls second@-x
    misused mstage -C build ls second@2
    has "$err" "'@-1', '@-2', …, '@failed' or '@failed-1' may follow a checkpoint"
    succeeds mstage -C build rollback second --to @-1
    same "$first" "$(image_of second)"
    # That was a change too: what it was before is the other one again.
    same "two
two" "$(mstage -C build cat second@-1:/second)"
    succeeds mstage -C build rollback second --to "${second:0:8}"
    same "$second" "$(image_of second)"
    succeeds mstage -C build rollback second --to "$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)"
    same "$second" "$(image_of second)"
    succeeds mstage -C build rollback --undo
    succeeds mstage -C build rollback --undo
    same "$first" "$(image_of second)"
    succeeds mstage -C build rollback --undo
    same "$second" "$(image_of second)"
    absent build/.mstage/app/second.pin
}

@test "history, for people and as JSON" {
    succeeds mstage -C build history
    same "" "$out"
    echo "not yet in the store: $work" >source/file
    build_all
    echo "nor this: $work" >source/file
    build_all
    succeeds mstage -C build rollback first --to @-1
    succeeds mstage -C build history
    same "app.setup-base  now   restored     ID      TIME ago
app.first       @-2   ran          ID      TIME ago  TIME
app.second      @-1   ran          ID      TIME ago  TIME
app.first       @-1   ran          ID      TIME ago  TIME
app.second      now   ran          ID      TIME ago  TIME
app.first       now   rolled-back  ID      TIME ago  pinned" \
        "$(normalised "$out" | sed -E 's/\b[0-9a-f]{8}\b/ID/; s/ID +TIME/ID      TIME/')"
    succeeds mstage -C build history second
    same 2 "$(wc -l <<<"$out")"
    succeeds mstage -C build rollback setup-base
    succeeds mstage -C build history second
    same "app.second  @-2   ran
app.second  @-1   ran
app.second        dropped" "$(cut -c 1-25 <<<"$out" | sed 's/ *$//')"
    succeeds mstage -C build history --json
    same '["build_dir", "history"]' "$(json "$out" 'sorted(d)')"
    for i in 0 1 6; do
        same '["checkpoint", "config", "duration_s", "end", "event", "generation", "image", "key", "parent", "phases", "pinned", "pipeline", "present", "run", "time", "version"]' \
            "$(json "$out" "sorted(d['history'][$i])")"
    done
    same '[["first", "ran", 3, false], ["first", "ran", 2, false], ["first", "rolled-back", 1, false], ["first", "dropped", null, false]]' \
        "$(json "$out" '[[e["checkpoint"], e["event"], e["generation"], e["present"]] for e in d["history"] if e["checkpoint"] == "first"]')"
}

@test "a rollback that was killed in the middle is brought to its end by the next verb" {
    build_all
    local second
    second=$(image_of second)
    # By hand what a kill right after the journal was written leaves.
    succeeds mstage -C build rollback first
    succeeds mstage -C build rollback --undo
    python3 - "$work" "$second" >build/.mstage/.rollback <<'END'
import json, sys
work, image = sys.argv[1:]
state = work + "/build/.mstage/app"
marker = json.load(open(state + "/second.checkpoint"))
def change(marker, event):
    return {"time": "2026-01-31T12:00:00.000000Z", "title": "rollback app.first", "keys": [
                {"state_dir": state, "checkpoint": "second", "key": marker_key, "retired": event == "dropped"}],
            "checkpoints": [{"state_dir": state, "checkpoint": "second", "marker": marker, "pin": None,
                             "event": event, "was": image}]}
marker_key = marker["key"]
back = {name: marker[name] for name in ("image", "parent", "key")}
print(json.dumps({"version": 1, "number": 1, "change": change(None, "dropped"), "undo": change(back, "undone")}))
END
    cp -r build before
    for verb in "-C build status" "-C build history" "-C build rollback -n first" "-C build ls first" \
        "stage $plan one"; do
        rm -r build
        cp -r before build
        # shellcheck disable=SC2086
        call mstage $verb
        [[ $code == 0 ]] || blame "it failed"
        absent build/.mstage/.rollback build/.mstage/app/second.checkpoint
        succeeds mstage -C build rollback --undo
        same "$second" "$(image_of second)"
    done
    # One that a power cut tore was never begun.
    : >build/.mstage/.rollback
    succeeds mstage -C build rollback first
    absent build/.mstage/.rollback
}

@test "a file system that is full: nothing is lost, and it goes on when there is room" {
    local namespace=(--mount)
    is_root || namespace+=(--map-auto --map-root-user)
    # shellcheck disable=SC2016  # the inner shell's variables
    unshare "${namespace[@]}" bash -c '
        set -e
        mount -t tmpfs -o size=256k none "$1/build"
        mkdir -p "$1/build/.mstage/app"
        exec bash -c "$2" bash "$1"
    ' bash "$work" "$(declare -f full_story write_plan); set -e; plan=\$1/build/.mstage/app/plan.json; work=\$1
        write_plan; full_story"
}

full_story() {
    for stage in setup-base one two; do
        "$MSTAGE_EXECUTABLE" scan "$plan"
        "$MSTAGE_EXECUTABLE" stage "$plan" $stage
    done
    before=$(cat "$work"/build/.mstage/app/*.checkpoint)
    dd if=/dev/zero of="$work/build/fill" bs=4k 2>/dev/null || true
    if "$MSTAGE_EXECUTABLE" -C "$work/build" rollback first 2>err; then
        echo "expected a failure"
        exit 1
    fi
    cat err
    grep -q "No space left" err
    rm "$work/build/fill"
    if [[ -e $work/build/.mstage/.rollback ]]; then
        "$MSTAGE_EXECUTABLE" -C "$work/build" status
        [[ ! -e $work/build/.mstage/app/second.checkpoint ]]
    else
        [[ $before == "$(cat "$work"/build/.mstage/app/*.checkpoint)" ]]
        "$MSTAGE_EXECUTABLE" -C "$work/build" rollback first
        [[ ! -e $work/build/.mstage/app/second.checkpoint ]]
    fi
}

@test "a journal of another version is an error that names it, a torn one is none" {
    build_all
    echo '{"version": 2}' >build/.mstage/.rollback
    cd build
    for verb in "stage $plan two" "rollback first" status; do
        # shellcheck disable=SC2086
        fails timeout 60 "$MSTAGE_EXECUTABLE" $verb
        has "$err" "/build/.mstage/.rollback', which tells of a rollback that was interrupted, is of another mstage"
    done
    : >.mstage/.rollback
    succeeds mstage stage "$plan" two
    absent .mstage/.rollback
}

@test "without a present one, '@-1' is the last that was" {
    build_all
    first=$(image_of second)
    sed -i 's|cat /first file >/second|exit 3|' "$plan"
    exits 1 mstage stage "$plan" two
    cd build
    same "$first" "$(json "$(mstage history second --json)" \
        '[e["image"] for e in d["history"] if e["generation"] == 1][0]')"
    succeeds mstage cat second@-1:/second
    same $'one\none' "$out"
}

@test "times to go back to, as tables print them" {
    build_all
    cd build
    for time in "0s" "0 s ago" "0 min ago" "0 days"; do
        succeeds mstage rollback second --to "$time" -n
    done
    for time in 200000000d 106751992d -1h "3 weeks"; do
        fails mstage rollback second --to "$time" -n
        has "$err" "'$time' is no generation of 'app.second'"
    done
}
