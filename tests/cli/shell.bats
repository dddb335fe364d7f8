#!/usr/bin/env bats
# mstage shell: what is found in there, with a terminal and without one, and how it ends.

load ../support.bash
load plan.bash

setup_file() {
    make_base
    sandboxes_work || return 0
    make_rootfs "$file_dir/with-bash" bash
    mstage import --tag with-bash "rootfs:$file_dir/with-bash" >/dev/null
}

setup() {
    require_sandbox
    make_work_dir
    duration=$(odd_duration)
}

# on_terminal COMMAND...: stdin has the steps, see terminal.py. What was seen on the terminal is in `out`.
on_terminal() {
    call python3 "$BATS_TEST_DIRNAME/../terminal.py" "$@"
    [[ $code == 0 ]] || blame "what was to happen on the terminal did not"
}

image_count() {
    json "$(mstage images --json)" 'len(d["images"])'
}

# --- Without a terminal -----------------------------------------------------------------------------------------

@test "in a pipe" {
    exits 0 mstage shell tag:base <<<"echo hello; pwd"
    same "hello
/" "$out"
    has "$err" "mstage: a throw-away copy of tag:base, image "
    has "$err" "made by: import rootfs:"
    has "$err" "leave it with 'exit' or Ctrl-D"
}

@test "the exit code is the shell's" {
    for expected in 0 1 3 42 255; do
        exits "$expected" mstage shell tag:base <<<"exit $expected"
    done
    exits 137 mstage shell tag:base <<<'kill -KILL $$'
}

@test "bash where there is one, else sh" {
    exits 0 mstage shell tag:with-bash <<<'echo "${BASH_VERSION:-none}"'
    has_not "$out" none
    exits 0 mstage shell tag:base <<<'echo "${BASH_VERSION:-none}"'
    same none "$out"
}

@test "a command instead of the shell says nothing of itself" {
    succeeds mstage shell tag:base -- ls -d /bin
    same /bin "$out"
    succeeds mstage shell tag:base ls -d /bin
    same /bin "$out"
    exits 7 mstage shell tag:base -- sh -c 'exit 7'
    same "" "$out$err"
    exits 127 mstage shell tag:base -- frobnicate
    has "$err" "the image has no program 'frobnicate'"
}

@test "what it writes is discarded" {
    local before
    before=$(image_count)
    exits 0 mstage shell tag:base <<<"echo x >/root/f"
    same "$before" "$(image_count)"
    fails mstage cat tag:base:/root/f
}

@test "--keep and --tag make what it leaves an image, whatever its exit code" {
    exits 3 mstage shell --keep tag:base <<<"echo kept >/root/f; exit 3"
    local image
    image=$(sed -n 's/^mstage: image //p' <<<"$err")
    succeeds mstage cat "$image:/root/f"
    same kept "$out"
    exits 0 mstage shell --tag mended "$image" <<<"echo more >>/root/f"
    succeeds mstage cat tag:mended:/root/f
    same "kept
more" "$out"
    exits 0 mstage shell --keep "$image" <<<"true"
    has "$err" "nothing was changed in image $image"
    # It is an image like any other.
    succeeds mstage run tag:mended -- cat /root/f
}

@test "environment, working directory, user and network can be others" {
    exits 0 mstage shell -e A=1 -w /tmp tag:base <<<'echo $A; pwd'
    same "1
/tmp" "$out"
    succeeds mstage shell --no-network tag:base -- cat /proc/net/route
    same 1 "$(wc -l <<<"$out")"
    call mstage shell -u 5:6 tag:base -- id
    if [[ $code == 0 ]]; then
        has "$out" "uid=5 gid=6"
    else
        has "$err" "only as root"
    fi
}

@test "wrong usage" {
    misused mstage shell
    misused mstage shell --frobnicate tag:base
    misused mstage shell -e =A tag:base -- true
    fails mstage shell nothing-of-the-kind
    exits 126 mstage shell -w /nowhere tag:base -- true
}

# --- As the stage ran -------------------------------------------------------------------------------------------

@test "the sandbox is that of the stage" {
    write_plan 'echo $A >/first; exit 4' 'true' '{"environment": {"A": "of the stage"}, "caches": ["/cache,id=c"]}'
    build_first_fails
    exits 0 mstage -C build shell first@failed <<<'cat /first; pwd; cat file; echo "$A" "$MSTAGE_STAGE"; echo x >/cache/f
wc -l </proc/net/route'
    same "of the stage
/app
one
of the stage one
1" "$out"
    has "$err" "made by: stage app/one, which failed with exit code 4 after "
    has "$err" '    echo $A >/first; exit 4'
    has "$err" "log: $MSTAGE_STORE/runs/"
    # A cache is not the copy's.
    exits 0 mstage -C build shell first@failed <<<'cat /cache/f'
    same x "$out"
}

@test "a good checkpoint, and --last-attempt" {
    write_plan 'echo good >/first' 'true'
    build_first
    exits 0 mstage -C build shell --last-attempt first <<<'cat /first; pwd'
    same "good
/app" "$out"
    has "$err" "made by: stage app/one, which ran in "
    write_plan 'echo bad >/first; exit 1' 'true'
    build_first_fails
    exits 0 mstage -C build shell --last-attempt app.first <<<'cat /first'
    same bad "$out"
    fails mstage -C build shell first
    has "$err" "has not been built"
    has "$err" "; what its last attempt left is 'app.first@failed'"
    write_plan 'echo good >/first' 'true'
    build_first
    exits 0 mstage -C build shell --last-attempt app.first <<<'cat /first'
    same good "$out"
    exits 0 mstage -C build shell app.first@failed <<<'cat /first'
    same bad "$out"
}

# The state that the last failed attempt left.
last_state() {
    json "$(cat build/.mstage/app/first.failed)" 'd["attempts"][0]["state"]'
}

@test "the last three failures are kept, those before are removed" {
    local states=()
    for i in 1 2 3 4; do
        write_plan "echo $i >/first; exit 1" 'true'
        build_first_fails
        states+=("$(last_state)")
    done
    local i=4
    for name in failed failed-1 failed-2; do
        succeeds mstage -C build cat "first@$name:/first"
        same "$i" "$out"
        succeeds mstage -C build cat "${states[i - 1]}:/first"
        i=$((i - 1))
    done
    fails mstage -C build cat first@failed-3:/first
    has "$err" "there are only 3 states"
    fails mstage cat "${states[0]}:/first"
    same lock "$(ls "$MSTAGE_STORE/trash")"
    misused mstage -C build cat first@failed-x:/first
}

@test "an older failure stays while somebody is in it, and when it has a tag" {
    write_plan "echo tagged >/first; exit 1" 'true'
    build_first_fails
    mstage -C build tag first@failed keep-this
    write_plan "echo used >/first; exit 1" 'true'
    build_first_fails
    local used
    used=$(last_state)
    "$MSTAGE_EXECUTABLE" shell "$used" <<<"sleep $duration" >/dev/null 2>&1 3>&- &
    local shell=$!
    eventually is_running "$duration"
    for i in 1 2 3; do
        write_plan "echo $i >/first; exit 1" 'true'
        build_first_fails
    done
    succeeds mstage cat "tag:keep-this:/first"
    succeeds mstage cat "$used:/first"
    same used "$out"
    kill "$shell"
    wait "$shell" || true
    write_plan "echo 4 >/first; exit 1" 'true'
    build_first_fails
    fails mstage cat "$used:/first"
    succeeds mstage cat "tag:keep-this:/first"
    same tagged "$out"
}

# --- With a terminal --------------------------------------------------------------------------------------------

@test "a terminal: prompt, editing, exit code, and the caller's as it was" {
    on_terminal "$MSTAGE_EXECUTABLE" shell tag:with-bash <<'END'
expect throw-away copy of tag:with-bash
expect \[tag:with-bash\] / # 
is raw
send tty; echo $((40+X2\x7f\x7f2))\r
expect /dev/pts/0\r\n42\r\n
send stty size; test -t 0 && test -t 2 && echo "$TERM" | sed s/^/TERM=/\r
expect 24 80\r\nTERM=[a-z]
send exit 5\r
ends 5
is settled
END
}

@test "a terminal: Ctrl-C, Ctrl-Z and Ctrl-D are for the inside" {
    on_terminal "$MSTAGE_EXECUTABLE" shell tag:with-bash <<END
expect / #
send sh -c 'echo o""k; exec sleep $duration'\r
expect ok
send \x03
expect / #
send echo \$?.\r
expect 130\.
send sh -c 'echo o""k; exec cat'\r
expect ok
send \x1a
expect Stopped
send jobs | wc -l\r
expect 1\r
send fg\r
expect exec cat
send back again\r
expect back again\s+back again
send \x03
expect / #
send true\r
expect / #
send \x04
ends 0
is settled
END
}

@test "a terminal: new window sizes" {
    on_terminal "$MSTAGE_EXECUTABLE" shell tag:with-bash <<'END'
expect / # 
send trap 'stty size' WINCH; echo o""k\r
expect ok
resize 50 132
expect 50 132
send exit\r
ends 0
END
}

@test "a terminal: a command on it, and sh" {
    on_terminal "$MSTAGE_EXECUTABLE" shell tag:base -- sh -c 'stty size; test -t 1 && echo "on $(tty)"; exit 9' <<'END'
expect 24 80\r\non /dev/pts/0
ends 9
is settled
END
    on_terminal "$MSTAGE_EXECUTABLE" shell tag:base <<'END'
expect \[tag:base\] / # 
send echo o""k; exit\r
expect ok
ends 0
END
}

@test "a terminal is given up with the program: SIGTERM, SIGHUP, a lost connection" {
    for signal in TERM HUP INT; do
        on_terminal "$MSTAGE_EXECUTABLE" shell tag:base <<END
expect / #
send (trap '' HUP TERM INT; sleep $duration) & trap '' HUP TERM INT; echo o""k; sleep $duration\r
expect ok
signal $signal
ends $((128 + $(kill -l $signal)))
is settled
END
        eventually is_gone "$duration"
    done
    on_terminal "$MSTAGE_EXECUTABLE" shell tag:base <<END
expect / #
send trap '' HUP TERM INT; echo o""k; sleep $duration\r
expect ok
hang up
ends 129
END
    eventually is_gone "$duration"
}

@test "killed, it leaves nothing that runs" {
    on_terminal "$MSTAGE_EXECUTABLE" shell tag:base <<END
expect / #
send trap '' HUP TERM INT; echo o""k; sleep $duration\r
expect ok
signal KILL
ends -9
END
    eventually is_gone "$duration"
}

@test "the caller's terminal is not to be had inside" {
    on_terminal "$MSTAGE_EXECUTABLE" shell tag:base -- sh -c 'for f in /proc/self/fd/[012]; do readlink $f; done
ls /proc/self/fd | wc -l; ls /dev/pts; readlink /dev/ptmx' <<'END'
expect ^/dev/pts/0\r\n/dev/pts/0\r\n/dev/pts/0\r\n4\r\n0  ptmx\r\npts/ptmx\r\n$
ends 0
END
}

@test "a terminal on stdin only: a command gets none, and no carriage returns" {
    on_terminal sh -c '"$MSTAGE_EXECUTABLE" shell tag:base -- sh -c "cat; test -t 0 || echo none" >out' <<'END'
ends 0
is settled
END
    same none "$(cat out)"
    has_not "$(od -c out)" '\r'
}
