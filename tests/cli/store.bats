#!/usr/bin/env bats
# Where images are kept, and what is said when that or what else is needed is not as it should be.

load ../support.bash

setup_file() {
    make_base
}

setup() {
    make_work_dir
}

teardown() {
    chmod -R u+rwX "$work"
    remove_tree "$work"
}

@test "MSTAGE_STORE, XDG_DATA_HOME and HOME say where the store is" {
    succeeds env MSTAGE_STORE="$work/one/two" "$MSTAGE_EXECUTABLE" import host
    [[ -f one/two/format ]]
    same 700 "$(stat -c %a one/two)"
    succeeds env -u MSTAGE_STORE XDG_DATA_HOME="$work/data" "$MSTAGE_EXECUTABLE" import host
    [[ -f data/mstage/format ]]
    succeeds env -u MSTAGE_STORE XDG_DATA_HOME=relative HOME="$work/home" "$MSTAGE_EXECUTABLE" import host
    [[ -f home/.local/share/mstage/format ]]
    succeeds env MSTAGE_STORE= HOME="$work/home2" "$MSTAGE_EXECUTABLE" import host
    [[ -f home2/.local/share/mstage/format ]]
}

@test "who only looks makes no store" {
    export MSTAGE_STORE="$work/none"
    succeeds mstage images
    same "" "$out"
    succeeds mstage images --json
    same '[]' "$(json "$out" 'd["images"]')"
    succeeds mstage tag
    succeeds mstage caches
    same "" "$out"
    fails mstage ls tag:base:/
    has "$err" "tag 'base' is not in store '$work/none'"
    fails mstage run tag:base -- true
    fails mstage export tag:base oci:layout
    fails mstage status
    absent none layout
    # Nor of a directory that is there.
    mkdir none
    succeeds mstage images
    same "" "$(ls -A none)"
}

@test "a working directory that somebody has removed" {
    mkdir gone
    cd gone
    rmdir ../gone
    fails mstage status
    same "mstage: error: the working directory cannot be used: No such file or directory
  it may have been removed: go to one that is there, or come back with 'cd .' if it was made anew" "$err"
}

@test "no umask keeps us from our own files" {
    require_sandbox
    export MSTAGE_STORE="$work/store"
    local mask
    for mask in 0777 0077; do
        rm -rf store
        (
            umask "$mask"
            mstage import --tag base "rootfs:$file_dir/rootfs" >/dev/null
            mstage run --tag next tag:base -c 'echo x >/x'
            mstage run tag:next -- cat /x >x 2>/dev/null
            mstage cp tag:next:/x copy
            mstage run --cache /c -u 0:0 tag:next -c 'echo x >/c/x; cat /etc/resolv.conf >/dev/null'
        ) 2>/dev/null
        same x "$(cat copy)"
        same "" "$(ls -A store/tmp)"
        # Another user of the image reads what is shown to him.
        if is_root; then
            (umask "$mask" && mstage run -u 12:34 tag:next -- cat /etc/resolv.conf) | cmp - /etc/resolv.conf
        fi
        rm -f copy x
    done
}

@test "a relative MSTAGE_STORE would be another store in each directory, and is refused" {
    exits 2 env MSTAGE_STORE=here/there "$MSTAGE_EXECUTABLE" images
    same "mstage: error: MSTAGE_STORE is not an absolute path: 'here/there'
  export MSTAGE_STORE=$work/here/there" "$err"
    [[ ! -e here ]]
}

@test "HOME is not set" {
    fails env -u HOME -u MSTAGE_STORE "$MSTAGE_EXECUTABLE" images
    same "mstage: error: there is no place for the store: HOME is not set
  set MSTAGE_STORE to a directory of your own" "$err"
    succeeds env -u HOME MSTAGE_STORE="$work/store" "$MSTAGE_EXECUTABLE" images
}

@test "a store with odd characters in its path" {
    require_sandbox
    export MSTAGE_STORE="$work/with space,comma:colon;\\back'quote\"ü%"
    succeeds mstage import --tag base "rootfs:$file_dir/rootfs"
    exits 0 mstage run --tag next tag:base -c 'echo x >/x'
    succeeds mstage run tag:next -- cat /x
    same x "$out"
    succeeds mstage cat tag:next:/x
}

@test "a file in the way of the store" {
    : >file
    fails env MSTAGE_STORE="$work/file" "$MSTAGE_EXECUTABLE" images
    has "$err" "$work/file"
    has "$err" "Not a directory"
    fails env MSTAGE_STORE="$work/file/store" "$MSTAGE_EXECUTABLE" images
    has "$err" "$work/file"
}

@test "a directory in which no store can be made" {
    is_root && skip "root can write everywhere"
    mkdir closed
    chmod 500 closed
    fails env MSTAGE_STORE="$work/closed/store" "$MSTAGE_EXECUTABLE" import host
    has "$err" "$work/closed/store"
    has "$err" "Permission denied"
}

@test "a store on a file system that is read-only" {
    unshare --user --map-root-user --mount true 2>/dev/null || unavailable "no mount namespaces"
    mkdir store
    fails unshare --user --map-root-user --mount sh -c \
        'mount -t tmpfs -o ro none store && MSTAGE_STORE="$PWD/store" exec "$MSTAGE_EXECUTABLE" import host'
    has "$err" "$work/store"
    has "$err" "Read-only file system"
}

@test "a store of another user" {
    is_root || skip "only root can make one"
    mkdir store
    chown 12345 store
    fails env MSTAGE_STORE="$work/store" "$MSTAGE_EXECUTABLE" images
    same "mstage: error: store 'WORK/store' belongs to another user (id 12345)
  set MSTAGE_STORE to a directory of your own" "$(normalised "$err")"
}

@test "a store of another version" {
    succeeds env MSTAGE_STORE="$work/store" "$MSTAGE_EXECUTABLE" import host
    echo "mstage-store 99" >store/format
    fails env MSTAGE_STORE="$work/store" "$MSTAGE_EXECUTABLE" images
    same "mstage: error: store 'WORK/store' has a format that this mstage does not know
  use the mstage that made it, or set MSTAGE_STORE to another directory" "$(normalised "$err")"
}

@test "manifests that are garbage" {
    require_sandbox
    export MSTAGE_STORE="$work/store"
    local base
    base=$(mstage import --tag base "rootfs:$file_dir/rootfs")
    mstage run --tag next tag:base -- touch /x
    # Cut to nothing by a crash: as if it were not there.
    : >"store/images/$base.json"
    fails mstage run tag:base -- true
    has "$err" "image '$base' is not in store"
    succeeds mstage images
    same 1 "$(wc -l <<<"$out")"
    succeeds mstage run tag:next -- ls /x
}

@test "a full disk: a message that names it, and a store that is good" {
    require_sandbox
    mkdir small
    # Everything happens in a mount namespace of its own, at whose end the file system is gone.
    cat >script <<'END'
mount -t tmpfs -o size=24M none small
export MSTAGE_STORE="$PWD/small/store"
"$MSTAGE_EXECUTABLE" import --tag base "rootfs:$file_dir/rootfs" >/dev/null || exit 1
"$MSTAGE_EXECUTABLE" run tag:base -c 'dd if=/dev/zero of=/big bs=1M count=64' >out1 2>err1
echo "$?" >code1
"$MSTAGE_EXECUTABLE" run tag:base -c 'dd if=/dev/zero bs=1M count=64' >/dev/null 2>err2
echo "$?" >code2
"$MSTAGE_EXECUTABLE" images >out3 2>err3
echo "$?" >code3
"$MSTAGE_EXECUTABLE" import "rootfs:$file_dir/rootfs2" >out4 2>err4
echo "$?" >code4
ls small/store/tmp >tmp
rm -r small/store/runs/*
"$MSTAGE_EXECUTABLE" run tag:base -- cat /etc/passwd >out5 2>err5
echo "$?" >code5
END
    cp -a "$file_dir/rootfs" "$file_dir/rootfs2"
    head -c 30M /dev/zero >"$file_dir/rootfs2/big"
    # One user namespace for all: a tmpfs of a namespace belongs to it.
    call unshare --user --map-root-user --mount bash script
    [[ $code == 0 ]] || blame "the script failed"
    same 1 "$(cat code1)"
    has "$(cat err1)" "No space left on device"
    # The log is in the store too.
    same 1 "$(cat code2)"
    has "$(cat err2)" "No space left on device"
    has "$(cat err2)" "small/store/runs/"
    same "0 " "$(cat code3) $(cat err3)"
    has "$(cat out3)" "import rootfs:"
    same 1 "$(cat code4)"
    has "$(cat err4)" "No space left on device"
    has "$(cat err4)" "big"
    same "" "$(cat tmp)"
    same "0 " "$(cat code5) $(cat err5)"
}

@test "no bubblewrap in PATH" {
    require_sandbox
    mkdir bin
    fails env PATH="$work/bin" "$MSTAGE_EXECUTABLE" run tag:base -- true
    same "mstage: error: program 'bwrap' was not found
  install the package 'bubblewrap'" "$err"
    # What needs no sandbox goes on working.
    succeeds env PATH="$work/bin" "$MSTAGE_EXECUTABLE" images
}

@test "what was left by a process that died is swept away, what is in use is not" {
    require_sandbox
    export MSTAGE_STORE="$work/store"
    succeeds mstage import host
    mkdir store/tmp/dead-1-x store/tmp/alive-2-x
    echo x >store/tmp/dead-1-x/file
    : >store/tmp/alive-2-x/lock
    exec 9<store/tmp/alive-2-x/lock
    flock -x 9
    succeeds mstage images
    absent store/tmp/dead-1-x
    [[ -d store/tmp/alive-2-x ]]
    exec 9<&-
    succeeds mstage images
    absent store/tmp/alive-2-x
}

@test "a leftover that cannot be removed is in nobody's way" {
    require_sandbox
    is_root || skip "for root only: a mount of another process"
    export MSTAGE_STORE="$work/store"
    succeeds mstage import --tag base "rootfs:$file_dir/rootfs"
    mkdir -p store/tmp/dead-1-x/held store/tmp/dead-2-x
    # shellcheck disable=SC2016  # the inner shell's variables
    succeeds unshare --mount bash -ec '
        mount -t tmpfs none "$2/tmp/dead-1-x/held"
        "$1" images
        "$1" run tag:base -- true
    ' bash "$MSTAGE_EXECUTABLE" "$work/store"
    absent store/tmp/dead-2-x
    succeeds mstage images
    absent store/tmp/dead-1-x
}
