#!/usr/bin/env bats
# mstage run --cache and --user, and mstage caches.

load ../support.bash

setup_file() {
    make_file_dir
    make_rootfs "$file_dir/rootfs"
    printf '%s\n' root:x:0:0::/root:/bin/sh builder:x:1000:100::/home/builder:/bin/sh >"$file_dir/rootfs/etc/passwd"
    printf '%s\n' root:x:0: users:x:100: audio:x:29:builder >"$file_dir/rootfs/etc/group"
    if sandboxes_work; then
        mstage import --tag base "rootfs:$file_dir/rootfs" >/dev/null
    fi
}

setup() {
    require_sandbox
    make_work_dir
    duration=$(odd_duration)
}

# Skips where this user cannot be anybody else in a sandbox.
require_ids() {
    is_root || unshare --map-auto --map-root-user true 2>/dev/null || unavailable "no ids in /etc/subuid"
}

ids() {
    json "$(mstage caches --json)" '" ".join(c["id"] for c in d["caches"])'
}

@test "what is written to a cache outlives the run, and is in no image" {
    exits 0 mstage run --no-disposable --json --cache /var/c,id=kept tag:base -c 'echo 1 >/var/c/x'
    same false "$(json "$out" 'd["filesystem_changed"]')"
    succeeds mstage run --cache /other/place,id=kept tag:base -- cat /other/place/x
    same 1 "$out"
    exits 0 mstage run --tag made --cache /app/mods/.cache tag:base -c 'echo 2 >/app/mods/.cache/x; echo 3 >/app/mods/y'
    succeeds mstage run tag:made -- ls -A /app/mods
    same y "$out"
    succeeds mstage run --cache /app/mods/.cache tag:made -- cat /app/mods/.cache/x
    same 2 "$out"
}

@test "a cache that nobody has used belongs to whoever comes" {
    require_ids
    exits 0 mstage run --cache /var/c,id=next tag:base -- true
    exits 0 mstage run --user builder --cache /var/c,id=next tag:base -c 'echo 1 >/var/c/x'
    exits 0 mstage run --cache /var/c,id=next tag:base -- true
    exits 0 mstage run --user builder --cache /var/c,id=next tag:base -c 'echo 2 >/var/c/y'
}

@test "a cache on base host" {
    [[ $file_dir != /usr/* ]] || skip
    exits 0 mstage import --tag host host
    succeeds mstage run --cache /root/.mine,id=host-root tag:host -c 'echo 1 >/root/.mine/x; cat /root/.mine/x'
    same 1 "$out"
    succeeds mstage run --cache /var/cache,id=host-var tag:host -c 'ls -A /var/cache; echo 2 >/var/cache/x'
    same "" "$out"
    absent /var/cache/x
    if is_root; then
        succeeds mstage run --cache /usr/share/mstage-none/c,id=host-usr tag:host -c 'echo 3 >/usr/share/mstage-none/c/x'
        absent /usr/share/mstage-none
    else
        fails mstage run --cache /usr/share/mstage-none/c,id=host-usr tag:host -- true
        has "$err" "a cache can only be on a directory that is there"
    fi
}

@test "wrong words about caches" {
    misused mstage run --cache cache tag:base -- true
    has "$err" "cache 'cache': the path in the image must start with '/'"
    misused mstage run --cache /a --cache /b/../a tag:base -- true
    has "$err" "must not have '..'"
    misused mstage run --cache /a --cache /a/ tag:base -- true
    has "$err" "two caches at '/a'"
    misused mstage run --cache /dev/x tag:base -- true
    has "$err" "the sandbox's own"
    misused mstage caches --rm ../x
    has "$err" "is no id of a cache"
    fails mstage caches --rm nothing
    has "$err" "cache 'nothing' is not there"
}

@test "no cache covers the files that runs are given" {
    misused mstage run --cache /run/mstage tag:base -- true
    same "mstage: error: cache '/run/mstage': this is the sandbox's own" "$err"
    misused mstage run --cache /run/./mstage/x tag:base -- true
    succeeds mstage run --cache /run/mstage-too tag:base -- true
}

@test "a locked cache is for one run at a time, and the wait is not the command's time" {
    "$MSTAGE_EXECUTABLE" run --cache /c,id=one,sharing=locked tag:base -c \
        "echo first >>/c/order; touch /c/began; while [ ! -e /c/go ]; do sleep 0.05; done; echo second >>/c/order" 3>&- &
    local pid=$!
    eventually is_in_use one
    "$MSTAGE_EXECUTABLE" run --timeout 100 --cache /c,id=one,sharing=locked tag:base -c 'cat /c/order' \
        >out 2>err 3>&- &
    local other=$!
    eventually grep -q "waiting for cache 'one' (/c), which another run has locked" err
    fails mstage caches --rm one
    has "$err" "cache 'one' is in use"
    local cache
    cache=$(echo "$MSTAGE_STORE"/caches/one@*.0)
    eventually test -e "$cache/began"
    touch "$cache/go"
    wait "$pid" "$other"
    same "first
second" "$(cat out)"
}

is_in_use() {
    compgen -G "$MSTAGE_STORE/caches/$1@*.lock" >/dev/null &&
        ! flock -n -x "$(compgen -G "$MSTAGE_STORE/caches/$1@*.lock")" true
}

@test "a run that is killed leaves its locked cache free" {
    "$MSTAGE_EXECUTABLE" run --cache /c,id=killed,sharing=locked tag:base -- sleep "$duration" 3>&- &
    local pid=$!
    eventually is_running "$duration"
    kill -9 "$pid"
    wait "$pid" || true
    eventually is_gone "$duration"
    succeeds timeout 60 "$MSTAGE_EXECUTABLE" run --cache /c,id=killed,sharing=locked tag:base -- true
}

@test "runs at once have copies of a private cache" {
    "$MSTAGE_EXECUTABLE" run --cache /c,id=own,sharing=private tag:base -c "touch /c/mine; sleep $duration" 3>&- &
    local pid=$!
    eventually is_running "$duration"
    succeeds mstage run --cache /c,id=own,sharing=private tag:base -- ls /c
    same "" "$out"
    same 2 "$(json "$(mstage caches --json)" '[c["copies"] for c in d["caches"] if c["id"] == "own"][0]')"
    kill "$pid"
    wait "$pid" || true
    succeeds mstage run --cache /c,id=own,sharing=private tag:base -- ls /c
    same mine "$out"
}

@test "caches are listed and removed" {
    export MSTAGE_STORE="$work/store"
    succeeds mstage caches
    same "" "$out"
    mstage import --tag base "rootfs:$file_dir/rootfs" >/dev/null
    exits 0 mstage run --cache /a,id=one --cache /b tag:base -c 'head -c 100000 /dev/zero >/a/x; chmod 0 /b'
    succeeds mstage caches
    matches "$out" "^ *[0-9.]+ (B|KiB)  used .* ago  b-[0-9a-f]{8}
 *1[0-9.]+ KiB  used .* ago  one$"
    same true "$(json "$(mstage caches --json)" 'd["caches"][1]["size_bytes"] >= 100000')"
    succeeds mstage caches --rm one
    matches "$(ids)" '^b-[0-9a-f]{8}$'
    succeeds mstage caches --rm "$(ids)"
    same "" "$(ids)"
    same "" "$(ls store/caches)"
}

# --- Users ------------------------------------------------------------------------------------------------------

@test "a command as a user of the image" {
    require_ids
    succeeds mstage run -u builder tag:base -c 'id -u; id -g; id -G | tr " " "\n" | sort; echo $HOME'
    same "1000
100
100
29
/home/builder" "$out"
    succeeds mstage run --user builder:audio tag:base -c 'id -G'
    same 29 "$out"
    succeeds mstage run --user 1234:56 -e HOME=/x tag:base -c 'id -u; id -g; echo $HOME'
    same "1234
56
/x" "$out"
    exits 1 mstage run -u builder tag:base -c 'touch /x 2>/dev/null'
    exits 0 mstage run -u builder tag:base -c 'echo out >/dev/stdout; echo err >/dev/stderr; echo x >/tmp/x'
    same "out err" "$out $err"
}

@test "a user that the image does not have" {
    exits 126 mstage run -u nobody-here tag:base -- true
    matches "$err" "^mstage: error: image '$UUID_PATTERN' has no user 'nobody-here'"
    exits 126 mstage run -u root:none tag:base -- true
    matches "$err" "has no group 'none'"
    misused mstage run -u a:b:c tag:base -- true
    has "$err" "'a:b:c' is no user"
}

@test "an image's own user is the default" {
    require_ids
    local image manifest
    image=$(mstage import --refresh --tag mine "rootfs:$file_dir/rootfs")
    manifest="$MSTAGE_STORE/images/$image.json"
    sed -i 's/"user": ""/"user": "builder"/' "$manifest"
    succeeds mstage run tag:mine -- id -u
    same 1000 "$out"
    succeeds mstage run -u root tag:mine -- id -u
    same 0 "$out"
}

@test "where nobody has other ids, there is only root" {
    exits 126 unshare --user --map-root-user env MSTAGE_STORE="$work/store" sh -c \
        "'$MSTAGE_EXECUTABLE' import --tag base 'rootfs:$file_dir/rootfs' && exec '$MSTAGE_EXECUTABLE' run -u builder tag:base -- id"
    matches "$err" "only as root|not mapped"
    has "$err" "/etc/subuid"
}

@test "what is in a cache does not say where another one goes" {
    mkdir outside
    succeeds mstage run --cache /c tag:base -c 'ln -s / /c/root; ln -s /proc /c/proc; ln -s /etc /c/etc'
    fails mstage run --no-disposable --cache /c --cache /c/etc/new tag:base -- true
    has "$err" "cache '/c/etc/new' leads to '/etc/new' by a link in another cache"
    fails mstage run --cache /c --cache /c/proc/x tag:base -- true
    fails mstage run --cache /c --cache /c/root tag:base -- true
    succeeds mstage run --cache /c --cache /c/own tag:base -c 'echo x >/c/own/file'
    # What is below /tmp and /run is no different.
    succeeds mstage run --cache /tmp/t tag:base -- ln -s "/oldroot$work/outside" /tmp/t/x
    fails mstage run --cache /tmp/t --cache /tmp/t/x/y tag:base -- true
    has "$err" "'/tmp/t/x' in the image is a link that leads to no directory"
    succeeds mstage run --cache /tmp/t --cache /tmp/t/z tag:base -c 'echo x >/tmp/t/z/file'
    same "" "$(ls outside)"
}
