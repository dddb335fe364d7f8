#!/usr/bin/env bats
# mstage run --secret.

load ../support.bash

setup_file() {
    make_file_dir
    make_rootfs "$file_dir/rootfs"
    printf '%s\n' root:x:0:0::/root:/bin/sh builder:x:1000:100::/home/builder:/bin/sh >"$file_dir/rootfs/etc/passwd"
    printf '%s\n' root:x:0: users:x:100: >"$file_dir/rootfs/etc/group"
    if sandboxes_work; then
        mstage import --tag base "rootfs:$file_dir/rootfs" >/dev/null
    fi
}

setup() {
    require_sandbox
    make_work_dir
    export MSTAGE_STORE="$file_dir/store"
    value='s3cr3t/T0ken+with some~more'
    printf '%s\n' "$value" >"$work/key"
}

# with_secret ARGUMENT...: mstage run with the value as the secret 'token', from a variable.
with_secret() {
    TOKEN=$value "$MSTAGE_EXECUTABLE" run --secret token=env:TOKEN "$@"
}

require_ids() {
    is_root || unshare --map-auto --map-root-user true 2>/dev/null || unavailable "no ids in /etc/subuid"
}

# The value in the forms in which it must not be seen.
forms() {
    python3 - "$value" <<'END'
import base64, json, sys, urllib.parse
value = sys.argv[1].encode()
print(value.decode())
print("token=" + urllib.parse.quote(value, safe=""))
print("token=" + urllib.parse.quote_plus(value))
for text in value, b"me:" + value, b"you:" + value + b"\n", b"user:" + value + b" x":
    print(base64.b64encode(text).decode())
    print(base64.urlsafe_b64encode(text).decode())
print(value.hex(), value.hex().upper(), value.hex(":"))
print(json.dumps("<" + value.decode() + ">").replace("/", "\\/"))
print(base64.encodebytes(b"x" * 50 + value + b"y" * 50).decode())
END
}

@test "a secret is a file that only the command's user can read" {
    # shellcheck disable=SC2016
    exits 0 with_secret tag:base -c 'sha256sum </run/secrets/token; echo "<$TOKEN>"; env | grep -c T0ken
        stat -c "%a %u" /run/secrets /run/secrets/token
        echo x >/run/secrets/token || echo x >/run/secrets/other || echo read-only'
    same "$(printf '%s' "$value" | sha256sum)"$'\n<>\n0\n700 0\n400 0\nread-only' "$out"
}

@test "a secret of a user who is not root" {
    require_ids
    succeeds with_secret --user builder tag:base -c 'wc -c </run/secrets/token; stat -c "%a %u" /run/secrets /run/secrets/token'
    same $'27\n700 1000\n400 1000' "$out"
}

@test "a secret from a file, with its line end, and by all ways to write it" {
    succeeds mstage run --secret key="$work/key" tag:base -c 'wc -c </run/secrets/key'
    same 28 "$out"
    cp key key2
    succeeds mstage run --secret a=./key --secret b=file:key2 tag:base -- ls /run/secrets
    same $'a\nb' "$out"
    cp key "$HOME/mine"
    succeeds mstage run --secret 'a=~/mine' --secret 'b=file:~/mine' tag:base -c 'cat /run/secrets/a /run/secrets/b | wc -c'
    same 56 "$out"
    export TOKEN=$value
    succeeds mstage run --secret a=TOKEN --secret b=env:TOKEN tag:base -c 'cat /run/secrets/a /run/secrets/b | wc -c'
    same 54 "$out"
    succeeds mstage run --secret a=<(cat key) tag:base -c 'wc -c </run/secrets/a'
    same 28 "$out"
}

@test "without secrets there is no place for them" {
    succeeds mstage run --no-network tag:base -- ls -A /run
    same "" "$out"
}

@test "no output tells it, in whatever form" {
    forms >"$work/forms"
    for streams in 'cat' 'cat >&2'; do
        exits 0 with_secret --json tag:base -c "$streams" <"$work/forms"
        does_not_tell "$value" "$err"
        log=$(json "$out" 'd["log"]')
        is_nowhere "$value" "$log"
        has "$(cat "$log")" "token=***"
        same 14 "$(grep -c '[*][*][*]' "$log")"
    done
}

@test "what is no secret is shown at once and as it is" {
    # shellcheck disable=SC2016
    printf 's3cr3t/T0' >"$work/part"
    succeeds with_secret tag:base -c 'cat; echo; printf "s3cr"; printf "3t/T0ken and \0 bytes"' <"$work/part"
    same $'s3cr3t/T0\ns3cr3t/T0ken and  bytes' "$out"
}

@test "the beginning of a secret at which a command was ended is not shown" {
    exits 124 with_secret --timeout 1 tag:base -c 'printf "it is s3cr3t/T0ken+with some"; exec sleep 1000'
    same "it is ***" "$out"
}

@test "the lines of a private key" {
    {
        echo "-----BEGIN PRIVATE KEY-----"
        head -c 200 /dev/urandom | base64 -w 64
        echo "-----END PRIVATE KEY-----"
    } >"$work/pem"
    succeeds mstage run --secret key=./pem tag:base -c 'cat /run/secrets/key; sed "s/^/  /" /run/secrets/key; grep -ve ---- /run/secrets/key | head -n 1'
    while read -r line; do
        [[ $line == -----* ]] || has_not "$out" "$line"
    done < <(head -n 4 "$work/pem")
    has "$out" $'***\n  -----BEGIN PRIVATE KEY-----\n  ***'
}

@test "nobody else on the machine sees it" {
    duration=$(odd_duration)
    env TOKEN="$value" "$MSTAGE_EXECUTABLE" run --secret token=env:TOKEN --secret key=./key tag:base -- sleep "$duration" 3>&- &
    eventually is_running "$duration"
    printf '%s\n' "$value" >"$work/value"
    same "" "$(cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -F -f "$work/value" || true)"
    kill %1
    wait %1 || true
    eventually is_gone "$duration"
    is_nowhere "$value" "$MSTAGE_STORE"
}

@test "a command with secrets leaves no dump, and cannot allow one" {
    # shellcheck disable=SC3045
    exits 0 with_secret tag:base -c 'ulimit -S -c; ulimit -H -c; ulimit -c unlimited || echo refused; ulimit -S -c'
    same $'0\n0\nrefused\n0' "$out"
}

@test "an image that would hold a secret is not made, and nothing of it is kept" {
    forms | tail -n +2 >"$work/encoded"
    # shellcheck disable=SC2016
    for command in 'cp /run/secrets/token /app/config' 'mkdir -p /usr/share/x; ln -s "$(cat /run/secrets/token)" /app/config' \
        'cat >/app/config'; do
        layers=$(ls "$MSTAGE_STORE/layers" "$MSTAGE_STORE/images")
        exits 1 with_secret --no-disposable --json tag:base -c "mkdir -p /app; $command" <"$work/encoded"
        same '[{"cache": null, "path": "/app/config", "secret": "token"}]' "$(json "$out" 'd["leaks"]')"
        same null "$(json "$out" 'd["result_image"]')"
        same null "$(json "$out" 'd["failed_state"]')"
        has "$err" "the command left a secret where it is to be found"
        has "$err" "/app/config (secret 'token')"
        same "$layers" "$(ls "$MSTAGE_STORE/layers" "$MSTAGE_STORE/images")"
        eventually is_nowhere "$value" "$MSTAGE_STORE"
    done
}

@test "a secret in a file's name is not repeated" {
    export value=t0k3n-value
    # shellcheck disable=SC2016
    exits 1 with_secret --no-disposable tag:base -c 'mkdir /app; echo >"/app/a-$(cat /run/secrets/token)-b"'
    has "$err" "/app/a-***-b (secret 'token')"
    does_not_tell "$value" "$out$err"
}

@test "a failed state with a secret in it is not kept, one without is" {
    exits 3 with_secret --no-disposable --json tag:base -c 'mkdir /app; cp /run/secrets/token /app; exit 3'
    same null "$(json "$out" 'd["failed_state"]')"
    same /app/token "$(json "$out" 'd["leaks"][0]["path"]')"
    exits 3 with_secret --no-disposable --json tag:base -c 'mkdir /app; echo 1 >/app/x; exit 3'
    matches "$(json "$out" 'd["failed_state"]')" "^$UUID_PATTERN\$"
    same '[]' "$(json "$out" 'd["leaks"]')"
}

@test "a run that keeps nothing may write what it wants" {
    succeeds with_secret tag:base -c 'mkdir /app; cp /run/secrets/token /app; cat /app/token'
    same '***' "$out"
    eventually is_nowhere "$value" "$MSTAGE_STORE"
}

@test "a secret in a cache" {
    exits 1 with_secret --cache /var/c,id=leaky tag:base -c 'mkdir -p /var/c/a; cp /run/secrets/token /var/c/a/b'
    has "$err" "/var/c/a/b (secret 'token', in cache 'leaky': mstage caches --rm leaky)"
    exits 0 mstage caches --rm leaky
    exits 0 with_secret --cache /var/c,id=leaky tag:base -c 'echo 1 >/var/c/a'
}

@test "a secret that a killed run left in a cache is found by the next with that secret" {
    duration=$(odd_duration)
    local cache=(--cache /var/c,id=killed)
    TOKEN=$value "$MSTAGE_EXECUTABLE" run --secret token=env:TOKEN "${cache[@]}" tag:base \
        -c "cp /run/secrets/token /var/c/left; exec sleep $duration" 2>/dev/null 3>&- &
    eventually is_running "$duration"
    # One at the same time knows that the other still lives.
    exits 1 with_secret "${cache[@]}" tag:base -- true
    has "$err" "/var/c/left (secret 'token', in cache 'killed'"
    kill -KILL $!
    wait $! || true
    eventually is_gone "$duration"
    sleep 2.1
    # Who does not know the secret cannot find it.
    exits 0 mstage run "${cache[@]}" tag:base -- true
    for _ in 1 2; do
        exits 1 with_secret "${cache[@]}" tag:base -- true
        has "$err" "/var/c/left (secret 'token', in cache 'killed'"
    done
    is_nowhere "$value" "$MSTAGE_STORE"/caches/*.unsearched.*
    exits 0 with_secret "${cache[@]}" tag:base -- rm /var/c/left
    same "" "$(find "$MSTAGE_STORE/caches" -name '*.unsearched.*')"
}

@test "leaks are told whatever the exit" {
    exits 3 with_secret --no-disposable tag:base -c 'mkdir /app; cp /run/secrets/token /app; exit 3'
    has "$err" "the command left a secret where it is to be found"
    has "$err" "/app/token (secret 'token')"
    exits 124 with_secret --timeout 1 --cache /var/c,id=late tag:base -c 'cp /run/secrets/token /var/c/a; exec sleep 1000'
    has "$err" "/var/c/a (secret 'token', in cache 'late'"
    exits 0 mstage caches --rm late
    same "" "$(find "$MSTAGE_STORE/caches" -name 'late*.unsearched.*')"
}

@test "the record has the ids" {
    exits 0 mstage run --json --secret b=./key --secret a=./key tag:base -- true
    run=$(json "$out" 'd["run"]')
    same '["a", "b"]' "$(json "$(cat "$MSTAGE_STORE/runs/$run/run.json")" 'd["secrets"]')"
}

@test "a shell with a secret" {
    TOKEN=$value exits 0 mstage shell --secret token=env:TOKEN tag:base -- sh -c 'wc -c </run/secrets/token; cat /run/secrets/token'
    same $'27\n***' "$out"
    TOKEN=$value exits 1 mstage shell --secret token=env:TOKEN --keep tag:base -- sh -c 'mkdir /app; cp /run/secrets/token /app'
    has "$err" "/app/token (secret 'token')"
    eventually is_nowhere "$value" "$MSTAGE_STORE"
}

@test "an image made with a secret is exported without it" {
    exits 0 with_secret --tag made tag:base -c 'wc -c </run/secrets/token >/size; mkdir -p /run/secrets 2>/dev/null; true'
    exits 0 mstage export tag:made oci:"$work/layout"
    is_nowhere "$value" "$work/layout"
    mkdir "$work/plain"
    exits 0 mstage export tag:made oci-archive:"$work/plain/image.tar" --compression none
    is_nowhere "$value" "$work/plain"
    succeeds mstage ls tag:made:/run
    same "" "$out"
}

@test "secrets that are not there, or are none" {
    fails mstage run --secret token=env:NOTHING tag:base -- true
    has "$err" "secret 'token': environment variable 'NOTHING' is not set"
    has "$err" "file:NOTHING"
    fails mstage run --secret token=./nothing tag:base -- true
    has "$err" "secret 'token': opening './nothing': No such file or directory"
    TOKEN='' fails mstage run --secret token=TOKEN tag:base -- true
    has "$err" "secret 'token': environment variable 'TOKEN' is empty"
    echo >empty
    fails mstage run --secret token=./empty tag:base -- true
    has "$err" "secret 'token': file './empty' is empty"
    TOKEN=12345 fails mstage run --secret token=TOKEN tag:base -- true
    has "$err" "holds less than 6 bytes"
    head -c 65537 /dev/zero >large
    fails mstage run --secret token=./large tag:base -- true
    has "$err" "holds more than 64.0 KiB"
    fails mstage run --secret token="$work" tag:base -- true
    has "$err" "secret 'token': file '$work' is a directory"
}

@test "wrong words about secrets" {
    misused mstage run --secret token tag:base -- true
    has "$err" "not of the form ID=SOURCE"
    misused mstage run --secret a/b=X tag:base -- true
    has "$err" "'a/b' is no id of a secret"
    misused mstage run --secret a=my-value tag:base -- true
    has "$err" "secret 'a' has a source that is neither a variable's name nor a file's path"
    has_not "$err" my-value
    misused mstage run --secret a=A --secret a=B tag:base -- true
    has "$err" "two secrets with the id 'a'"
}
