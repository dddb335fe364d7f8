#!/usr/bin/env bats
# mstage watch, and what a running stage tells others.

load ../support.bash
load plan.bash

setup_file() {
    make_base
}

setup() {
    require_sandbox
    make_work_dir
    plan="$work/build/.mstage/app/plan.json"
    cache_id="c${work##*.}"
    write_stages "$(blocking one)" 'echo two'
}

# With a cache at /c that is this test's alone.
write_stages() {
    write_plan "$@" "{\"caches\": [\"/c,id=$cache_id\"]}"
}

teardown() {
    # Commands that wait for a test that failed.
    touch "$work/go" 2>/dev/null || true
    for pid in $(jobs -p); do
        kill "$pid" 2>/dev/null || true
    done
    remove_tree "$work"
}

# A command that says so and waits in the cache /c until `release` is called.
blocking() {
    echo "echo begun $1; until [ -e /c/go ]; do sleep 0.02; done; echo over"
}

# The stages' cache on this machine.
cache_dir() {
    compgen -G "$MSTAGE_STORE/caches/$cache_id@*.0"
}

release() {
    touch "$(cache_dir)/go"
}

# stage NAME: in the background, its process in `pid`.
begin_stage() {
    "$MSTAGE_EXECUTABLE" stage "$plan" "$1" >stage.out 2>&1 3>&- &
    pid=$!
    eventually is_begun "$1"
}

is_begun() {
    mstage -C build watch --once | grep -q "begun"
}

prepare() {
    succeeds mstage scan "$plan"
    succeeds mstage stage "$plan" setup-base
}

@test "--once shows what runs, and its last line" {
    prepare
    succeeds mstage -C build watch --once
    same "nothing is running" "$out"
    begin_stage one
    succeeds mstage -C build watch --once
    matches "$out" "^app\.first: running, [0-9]+:[0-9]{2}: begun one$"
    local file=build/.mstage/app/first.running
    same '["expected_s", "log", "run", "started", "version"]' "$(json "$(cat $file)" 'sorted(d)')"
    same "begun one" "$(cat "$(json "$(cat $file)" 'd["log"]')")"
    release
    wait "$pid"
    succeeds mstage -C build watch --once
    same "nothing is running" "$out"
    absent $file
}

@test "how long it takes mostly is known from earlier runs" {
    prepare
    begin_stage one
    release
    wait "$pid"
    rm "$(cache_dir)/go"
    echo two >source/file
    succeeds mstage scan "$plan"
    begin_stage one
    succeeds mstage -C build watch --once
    matches "$out" "^app\.first: running, [0-9]+:[0-9]{2} of about [0-9]+:[0-9]{2}: begun one$"
    matches "$(json "$(cat build/.mstage/app/first.running)" 'd["expected_s"]')" '^[0-9]'
    release
    wait "$pid"
}

@test "what a killed helper left does not run" {
    prepare
    begin_stage one
    "$MSTAGE_EXECUTABLE" -C build watch >watched 3>&- &
    local watcher=$!
    eventually grep -q "begun one" watched
    kill -KILL "$pid"
    wait "$pid" || true
    eventually grep -q "app.first: ended without a result" watched
    succeeds mstage -C build watch --once
    same "nothing is running" "$out"
    # Nor is it in the way of the next one.
    release
    succeeds mstage stage "$plan" one
    eventually grep -q "app.first: ran in" watched
    kill "$watcher"
    wait "$watcher" || same 143 $?
}

@test "in a pipe: lines at the beginning and the end of stages, and no control sequences" {
    "$MSTAGE_EXECUTABLE" -C build watch >watched 2>&1 3>&- &
    local watcher=$!
    prepare
    begin_stage one
    eventually grep -q "running" watched
    release
    wait "$pid"
    succeeds mstage stage "$plan" two
    eventually grep -q "app.second: ran in" watched
    # From build to build, until a signal.
    echo two >source/file
    succeeds mstage scan "$plan"
    succeeds mstage stage "$plan" one
    eventually is_second
    kill -INT "$watcher"
    code=0
    wait "$watcher" || code=$?
    same 130 "$code"
    same "app.first: running, 0:00: begun one
app.first: ran in TIME
app.second: ran in TIME
app.first: ran in TIME" "$(normalised "$(grep -v -e setup-base -e "waiting for one" watched | sed 's/0:0[0-9]/0:00/')")"
    [[ $(cat watched) != *$'\e'* && $(cat watched) != *$'\r'* ]]
}

# The watcher has told of the second run of stage one.
is_second() {
    [[ $(grep -c "app.first: ran in" watched) == 2 ]]
}

@test "--until-idle ends when nothing runs any more" {
    prepare
    begin_stage one
    "$MSTAGE_EXECUTABLE" -C build watch --until-idle >watched 2>&1 3>&- &
    local watcher=$!
    eventually grep -q "running" watched
    release
    wait "$pid"
    wait "$watcher"
    matches "$(tail -n 1 watched)" "^app.first: ran in "
}

@test "a failure is told, and output that nobody reads ends it" {
    write_stages "$(blocking one); exit 3" 'echo two'
    prepare
    "$MSTAGE_EXECUTABLE" -C build watch 3>&- >watched &
    local watcher=$!
    begin_stage one
    release
    exits 1 wait "$pid"
    eventually grep -Eq "app.first: failed after [0-9.]+ (ms|s)" watched
    kill "$watcher"
    wait "$watcher" || true
    mkfifo pipe
    "$MSTAGE_EXECUTABLE" -C build watch >pipe 2>err 3>&- &
    watcher=$!
    : <pipe
    code=0
    wait "$watcher" || code=$?
    same 141 "$code"
    same "mstage: no stage is being made; waiting for one (Ctrl-C ends)" "$(cat err)"
}

@test "on a terminal: drawn anew in place, no wider than it, and gone at Ctrl-C" {
    write_stages "printf '\\033[31m%s\\033[0m\\tof a line that is longer than the terminal is wide\\n' begun
        until [ -e /c/go ]; do sleep 0.02; done" 'echo two'
    prepare
    TERM=xterm TERMINAL_COLUMNS=40 python3 "$BATS_TEST_DIRNAME/../terminal.py" "$MSTAGE_EXECUTABLE" -C build watch \
        >shown 2>&1 3>&- <<'END' &
expect app\.first  0:0\d \| .x1b\[31mbegun.*…
expect \x1b\[1A\x1b\[J.*app\.first  0:0\d
touch drawn
expect app\.first: ran in
expect nothing is running
send \x03
ends 130
END
    local terminal=$!
    begin_stage one
    eventually test -e drawn
    release
    wait "$pid"
    wait "$terminal" || { cat shown; false; }
    # What was drawn is gone: the shell's prompt comes where it began.
    matches "$(tail -c 20 shown | od -An -c | tr -d ' \n')" '033\[1A033\[J'
    local line
    while IFS= read -r line; do
        line=$(sed -E 's/\x1b\[[0-9]*[A-Za-z]//g; s/\r//g' <<<"$line")
        [[ ${#line} -le 39 ]] || { echo "too wide: $line"; false; }
    done < <(grep 'app\.first  ' shown)
}

@test "wrong usage" {
    misused mstage -C build watch --once --until-idle
    fails mstage -C / watch
    has "$err" "is in no build tree with pipelines"
}
