#!/usr/bin/env bats
# mstage import: root file systems from directories and archives.

load ../support.bash

setup_file() {
    make_file_dir
    make_rootfs "$file_dir/rootfs"
    tar -C "$file_dir/rootfs" -cf "$file_dir/rootfs.tar" .
}

setup() {
    require_sandbox
    make_work_dir
    export MSTAGE_STORE="$work/store"
}

# The image can be worked with: commands run on it, and its files are those of the rootfs.
is_usable() {
    succeeds mstage run "$1" -- cat /etc/passwd
    same "root:x:0:0:root:/root:/bin/sh" "$out"
}

@test "a directory" {
    succeeds mstage import "rootfs:$file_dir/rootfs"
    matches "$out" "^$UUID_PATTERN\$"
    is_usable "$out"
}

@test "a tar archive" {
    succeeds mstage import "rootfs:$file_dir/rootfs.tar"
    is_usable "$out"
}

@test "compressed tar archives" {
    gzip -c "$file_dir/rootfs.tar" >root.tar.gz
    xz -0 -c "$file_dir/rootfs.tar" >root.tar.xz
    bzip2 -c "$file_dir/rootfs.tar" >root.tar.bz2
    local files=(root.tar.gz root.tar.xz root.tar.bz2)
    if command -v zstd >/dev/null; then
        zstd -q "$file_dir/rootfs.tar" -o root.tar.zst
        files+=(root.tar.zst)
    fi
    for file in "${files[@]}"; do
        succeeds mstage import "rootfs:$work/$file"
        is_usable "$out"
    done
}

@test "the same reference again is the same image" {
    succeeds mstage import "rootfs:$file_dir/rootfs"
    local first=$out
    succeeds mstage import "rootfs:$file_dir/rootfs"
    same "$first" "$out"
    succeeds mstage images --json
    same 1 "$(json "$out" 'len(d["images"])')"
}

@test "--refresh imports again what has changed, and keeps the image before" {
    cp -a "$file_dir/rootfs" tree
    succeeds mstage import "rootfs:$work/tree"
    local first=$out
    echo new >tree/etc/news
    succeeds mstage import "rootfs:$work/tree"
    same "$first" "$out"
    succeeds mstage import --refresh "rootfs:$work/tree"
    local second=$out
    [[ $second != "$first" ]]
    succeeds mstage cat "$second:/etc/news"
    fails mstage cat "$first:/etc/news"
    succeeds mstage import "rootfs:$work/tree"
    same "$second" "$out"
}

@test "--json" {
    succeeds mstage import --json "rootfs:$file_dir/rootfs"
    same '["image", "imported", "warnings"]' "$(json "$out" 'sorted(d)')"
    same true "$(json "$out" 'd["imported"]')"
    matches "$(json "$out" 'd["image"]')" "^$UUID_PATTERN\$"
    succeeds mstage import --json "rootfs:$file_dir/rootfs"
    same false "$(json "$out" 'd["imported"]')"
    same '[]' "$(json "$out" 'd["warnings"]')"
}

@test "--tag names the image" {
    succeeds mstage import --tag my/base:1.0 "rootfs:$file_dir/rootfs"
    local image=$out
    succeeds mstage tag
    same "$image  my/base:1.0" "$out"
    is_usable tag:my/base:1.0
}

@test "a tag and a UUID are not imported but looked up" {
    succeeds mstage import --tag base "rootfs:$file_dir/rootfs"
    local image=$out
    succeeds mstage import tag:base
    same "$image" "$out"
    succeeds mstage import "$image"
    same "$image" "$out"
    fails mstage import tag:missing
    has "$err" "tag 'missing'"
    fails mstage import 00000000-0000-4000-8000-000000000000
    has "$err" "00000000-0000-4000-8000-000000000000"
}

@test "host" {
    succeeds mstage import host
    local image=$out
    succeeds mstage import host
    same "$image" "$out"
    succeeds mstage run "$image" -- cat /etc/passwd
    same "$(cat /etc/passwd)" "$out"
}

@test "a reference of an unknown kind" {
    misused mstage import frobnicate:x
    same "mstage: error: importing 'frobnicate:x': base 'frobnicate:x' is of no known kind
  known are: host, tag:NAME, an image's UUID" "${err%%, debian:*}"
    misused mstage import ""
    misused mstage import rootfs:relative/path
    has "$err" "must name an absolute path"
    misused mstage import "debian:-o;reboot"
    misused mstage import "debian:bookworm+--include"
}

@test "a file that is not there" {
    fails mstage import "rootfs:$work/missing.tar"
    has "$err" "$work/missing.tar"
    has "$err" "No such file or directory"
    misused mstage import "rootfs:"
}

@test "a file that is no archive, and one that is cut off, leave nothing behind" {
    echo "this is no archive" >text.tar
    fails mstage import "rootfs:$work/text.tar"
    same "mstage: error: importing 'rootfs:$work/text.tar': at its start: Unrecognized archive format
  what can be read are tars, plain or compressed with gzip, bzip2, xz, lzma or zstd" "$err"
    : >empty.tar
    fails mstage import "rootfs:$work/empty.tar"
    head -c 3000000 "$file_dir/rootfs.tar" >cut.tar
    fails mstage import "rootfs:$work/cut.tar"
    has "$err" "$work/cut.tar"
    gzip -c "$file_dir/rootfs.tar" | head -c 1000000 >cut.tar.gz
    fails mstage import "rootfs:$work/cut.tar.gz"
    succeeds mstage images
    same "" "$out"
    same "" "$(ls store/layers)"
    same "" "$(ls store/tmp)"
}

@test "a tree whose top directory belongs to somebody else" {
    tar -C "$file_dir/rootfs" --owner=1234 --group=1234 -cf owned.tar .
    succeeds mstage import --tag owned "rootfs:$work/owned.tar"
    is_usable tag:owned
    succeeds mstage run tag:owned -- stat -c %u:%g /bin/sh
    same 1234:1234 "$out"
    exits 0 mstage run --tag given tag:owned -c 'chown 7:8 / && touch /x'
    succeeds mstage run tag:given -- ls /x
}

@test "two imports of the same reference at once import once" {
    mstage import --json "rootfs:$file_dir/rootfs" >one &
    local first=$!
    mstage import --json "rootfs:$file_dir/rootfs" >two
    wait "$first"
    same "$(json "$(cat one)" 'd["image"]')" "$(json "$(cat two)" 'd["image"]')"
    succeeds mstage images --json
    same 1 "$(json "$out" 'len(d["images"])')"
}

@test "an interrupted import leaves nothing" {
    mkfifo slow.tar
    sleep 100 >slow.tar 3>&- &
    local writer=$! code=0
    "$MSTAGE_EXECUTABLE" import "rootfs:$work/slow.tar" 2>err 3>&- &
    local pid=$!
    in_work() { compgen -G "$MSTAGE_STORE/tmp/*/tree" >/dev/null; }
    eventually in_work
    kill -INT "$pid"
    wait "$pid" || code=$?
    kill "$writer"
    same 130 "$code"
    has "$(cat err)" "interrupted by signal 2"
    same "" "$(ls "$MSTAGE_STORE/tmp")"
}

# --- Ends before its time ---------------------------------------------------------------------------------------

# import_that_waits SIGNAL: an import by an mmdebstrap that has started something and does not end gets the signal.
import_that_waits() {
    is_root || grep -qs "^$(id -un):" /etc/subuid || unavailable "this user has no ranges of ids"
    local duration
    duration=$(odd_duration)
    mkdir bin
    cat >bin/mmdebstrap <<END
#!/bin/sh
trap '' INT TERM HUP
echo half >"\$TMPDIR/half"
mount -t tmpfs none "\$TMPDIR"
sleep $duration &
echo "\$TMPDIR" >"$work/place"
wait
END
    chmod 755 bin/mmdebstrap
    PATH="$work/bin:$PATH" "$MSTAGE_EXECUTABLE" import debian:bookworm 2>err 3>&- &
    local pid=$! code=0
    eventually test -s place
    eventually is_running "$duration"
    kill "-$1" "$pid"
    wait "$pid" || code=$?
    same $((128 + $(kill -l "$1"))) "$code"
    eventually is_gone "$duration"
    # Whatever else is there goes with the store.
    has "$(cat place)" "$MSTAGE_STORE/"
}

@test "an import that is interrupted leaves nothing of mmdebstrap's behind" {
    import_that_waits TERM
    absent "$(cat place)"
    has "$(cat err)" "interrupted by signal 15"
}

@test "nor does one that is killed, but for files, which the next one removes" {
    import_that_waits KILL
    succeeds mstage import "rootfs:$file_dir/rootfs"
    absent "$(cat place)"
}
