#!/usr/bin/env bats
# mstage run: time-outs, Ctrl-C and a violent death, none of which leaves anything running or half done.

load ../support.bash

setup_file() {
    make_base
}

setup() {
    require_sandbox
    make_work_dir
    duration=$(odd_duration)
}

image_count() {
    json "$(mstage images --json)" 'len(d["images"])'
}

# Starts mstage run in the background, in its own process group as a shell does; its pid in `pid`. Its input is `input`.
start_run() {
    set -m
    "$MSTAGE_EXECUTABLE" run "$@" <"${input:-/dev/null}" >out 2>err 3>&- &
    pid=$!
    set +m
    eventually is_running "$duration"
}

# Waits for it: its exit code in `code`, the milliseconds it took in `took`.
await_end() {
    local began
    began=$(now_ms)
    code=0
    wait "$pid" || code=$?
    took=$(($(now_ms) - began))
}

nothing_is_left() {
    eventually is_gone "$duration"
    succeeds mstage images
    same "" "$(ls "$MSTAGE_STORE/tmp")"
}

@test "--timeout ends the command, its children and those that ignore signals" {
    local began
    began=$(now_ms)
    exits 124 mstage run --timeout 0.5 tag:base -c "trap '' TERM INT HUP; sleep $duration & sleep $duration"
    (($(now_ms) - began < 60000))
    same "mstage: error: the command was ended by its time-out after TIME; its log: LOG" \
        "$(normalised "${err%log: *}log: LOG")"
    nothing_is_left
}

@test "--timeout: a command that is quicker is none of its business" {
    succeeds mstage run --timeout 1.5m tag:base -- true
    succeeds mstage run --timeout 0 tag:base -- true
    exits 0 mstage run --json --timeout 100 tag:base -- true
    same false "$(json "$out" 'd["timed_out"]')"
}

@test "--timeout keeps the output so far, and the state" {
    exits 124 mstage run --json --no-disposable --timeout 3 tag:base -c "echo so far; touch /x; sleep $duration"
    has "$err" "so far"
    same true "$(json "$out" 'd["timed_out"]')"
    same null "$(json "$out" 'd["result_image"]')"
    succeeds mstage ls "$(json "$out" 'd["failed_state"]'):/x"
}

@test "Ctrl-C ends everything at once" {
    start_run tag:base -c "trap '' INT; sleep $duration"
    # A terminal sends it to the whole process group.
    kill -INT -- "-$pid"
    await_end
    same 130 "$code"
    ((took < 60000))
    nothing_is_left
}

@test "Ctrl-C of a run that is kept makes no image of it" {
    start_run --tag kept tag:base -c "touch /x; sleep $duration"
    kill -INT "$pid"
    await_end
    same 130 "$code"
    nothing_is_left
    fails mstage ls tag:kept
    succeeds mstage images
    has "$out" "(failed state)"
}

@test "SIGTERM and SIGHUP" {
    start_run tag:base -- sleep "$duration"
    kill -TERM "$pid"
    await_end
    same 143 "$code"
    nothing_is_left
    start_run tag:base -- sleep "$duration"
    kill -HUP "$pid"
    await_end
    same 129 "$code"
    nothing_is_left
}

@test "kill -9 of mstage ends the command, and the store is good" {
    local before
    before=$(image_count)
    start_run --no-disposable tag:base -c "touch /x; trap '' TERM INT HUP; sleep $duration & sleep $duration"
    kill -KILL "$pid"
    await_end
    same 137 "$code"
    eventually is_gone "$duration"
    # The next command clears away what was left.
    succeeds mstage run tag:base -- true
    nothing_is_left
    same "$before" "$(image_count)"
}

@test "kill -9 during an import leaves nothing, and the import works afterwards" {
    mkdir tree
    head -c 64M /dev/zero >tree/big
    export MSTAGE_STORE="$work/store"
    local i
    for i in 1 2 3 4 5; do
        "$MSTAGE_EXECUTABLE" import "rootfs:$work/tree" >/dev/null 2>&1 3>&- &
        pid=$!
        sleep "0.0$((i * 2))"
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" || true
    done
    succeeds mstage import "rootfs:$work/tree"
    succeeds mstage ls "$out:/big"
    same "" "$(ls "$work/store/tmp")"
}

@test "a run that is stopped and continued goes on" {
    mkfifo go
    exec 8<>go
    input=go start_run tag:base -c "sleep $duration & read -r word; echo \$word"
    kill -STOP "$pid"
    echo "done" >&8
    sleep 0.5
    same "" "$(cat out)"
    kill -CONT "$pid"
    await_end
    exec 8>&-
    same 0 "$code"
    same "done" "$(cat out)"
}

@test "ignored signals of the caller do not become the command's" {
    succeeds env --ignore-signal=INT,QUIT,PIPE,CHLD "$MSTAGE_EXECUTABLE" run tag:base -c \
        "grep SigIgn /proc/self/status | tr -d 0; exit 0"
    same "SigIgn:" "$(tr -d '\t ' <<<"$out")"
}
