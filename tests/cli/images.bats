#!/usr/bin/env bats
# mstage images, mstage tag, and how images are named.

load ../support.bash

setup_file() {
    make_file_dir
    make_rootfs "$file_dir/rootfs"
}

setup() {
    require_sandbox
    make_work_dir
    export MSTAGE_STORE="$work/store"
    base=$(mstage import --tag base "rootfs:$file_dir/rootfs")
}

@test "an empty store has no images and no tags" {
    export MSTAGE_STORE="$work/empty"
    succeeds mstage images
    same "" "$out"
    succeeds mstage images --json
    same '{"images": []}' "$(json "$out" d)"
    succeeds mstage tag
    same "" "$out"
    succeeds mstage tag --json
    same '{"tags": []}' "$(json "$out" d)"
}

@test "images lists what is there, newest first" {
    succeeds mstage images
    same "UUID  TIME ago  SIZE  import rootfs:FILES/rootfs" "$(normalised "$out" | sed -E 's/  +/  /g')"
    mstage run --tag one tag:base -- touch /one
    mstage run tag:one --no-disposable -c 'touch /two; exit 3' || true
    succeeds mstage images
    same "UUID  TIME ago  SIZE  run  (failed state)
UUID  TIME ago  SIZE  run
UUID  TIME ago  SIZE  import rootfs:FILES/rootfs" "$(normalised "$out" | sed -E 's/  +/  /g')"
}

@test "images --json has every field of every image" {
    mstage run --tag one tag:base -c 'echo x >/one'
    succeeds mstage images --json
    same '["command", "created", "id", "layers", "origin", "parent", "run", "size_bytes", "state"]' \
        "$(json "$out" 'sorted(d["images"][0])')"
    same "$(json "$out" 'sorted(d["images"][0])')" "$(json "$out" 'sorted(d["images"][1])')"
    same "$base" "$(json "$out" 'd["images"][1]["id"]')"
    same null "$(json "$out" 'd["images"][1]["parent"]')"
    same null "$(json "$out" 'd["images"][1]["run"]')"
    same "$base" "$(json "$out" 'd["images"][0]["parent"]')"
    same good "$(json "$out" 'd["images"][0]["state"]')"
    same run "$(json "$out" 'd["images"][0]["origin"]')"
    same 2 "$(json "$out" 'd["images"][0]["layers"]')"
    same "echo x >/one" "$(json "$out" 'd["images"][0]["command"]')"
    same true "$(json "$out" 'd["images"][1]["size_bytes"] > 1000000')"
    same true "$(json "$out" '0 < d["images"][0]["size_bytes"] - d["images"][1]["size_bytes"] < 100000')"
    matches "$(json "$out" 'd["images"][0]["created"]')" '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z$'
    [[ -f $MSTAGE_STORE/runs/$(json "$out" 'd["images"][0]["run"]')/run.json ]]
}

@test "a tag is set, moved, listed and removed" {
    succeeds mstage tag tag:base other
    same "" "$out"
    succeeds mstage tag
    same "$base  base
$base  other" "$out"
    mstage run --tag changed tag:base -- touch /changed
    local changed
    changed=$(json "$(mstage tag --json)" '[t["image"] for t in d["tags"] if t["tag"] == "changed"][0]')
    succeeds mstage tag tag:changed other
    succeeds mstage tag --json
    same "{\"tags\": [{\"image\": \"$base\", \"tag\": \"base\"}, {\"image\": \"$changed\", \"tag\": \"changed\"}, \
{\"image\": \"$changed\", \"tag\": \"other\"}]}" "$(json "$out" 'json.loads(json.dumps(d, sort_keys=True))')"
    succeeds mstage tag --remove other
    succeeds mstage tag
    has_not "$out" other
}

@test "a tag that is not there" {
    fails mstage tag --remove missing
    same "mstage: error: tag 'missing' is not there" "$err"
    misused mstage tag --remove tag:base
    has "$err" "does not start with '-' or 'tag:'"
    fails mstage tag tag:missing name
    same "mstage: error: tag 'missing' is not in store '$MSTAGE_STORE'
  'mstage tag' lists the tags that there are; 'mstage import --tag missing REFERENCE' makes one" "$err"
}

@test "tags may have the names of registries, and what can be typed without quotes" {
    for name in python:3.11-slim ghcr.io/a/b@sha256:0123 c++ .. . .hidden A_b; do
        succeeds mstage tag "$base" "$name"
        succeeds mstage ls "tag:$name"
        has "$(mstage tag)" "$base  $name"
        succeeds mstage tag "--remove=$name"
    done
    for name in 'with space' 'ünïcode' '%41' 'x;rm' $'a\nb' tag:x "$base" "${base^^}"; do
        misused mstage tag "$base" "$name"
        has "$err" "is no name for a tag"
        has "$err" "letters, digits and any of . _ : / + @ -"
    done
    misused mstage tag -- "$base" -x
    # Before anything is made that could not be named then.
    misused mstage run --tag 'with space' "$base" touch /made
    misused mstage import --tag 'with space' "rootfs:$file_dir/rootfs"
    misused mstage shell --tag 'with space' "$base" true
    same 1 "$(json "$(mstage images --json)" 'len(d["images"])')"
    misused mstage tag "$base" "$(printf 'x%.0s' {1..300})"
    has "$err" "too long"
    absent "$work/store/tags/a"
}

@test "the start of several UUIDs" {
    local manifest=$MSTAGE_STORE/images/$base.json twin=${base::-1}
    [[ ${base: -1} == 0 ]] && twin+=1 || twin+=0
    sed "s/$base/$twin/" "$manifest" >"$MSTAGE_STORE/images/$twin.json"
    fails mstage ls "${base:0:8}"
    rm "$MSTAGE_STORE/images/$twin.json"
    has "$err" "'${base:0:8}' is ambiguous: the UUIDs of 2 images start so"
    has "$err" "$base"
    has "$err" "$twin"
}

@test "an image is named by its UUID, and by the start of it" {
    succeeds mstage ls "$base"
    local listing=$out
    succeeds mstage ls "${base:0:8}"
    same "$listing" "$out"
    succeeds mstage ls "${base:0:13}"
    fails mstage ls "${base:0:3}"
    same "mstage: error: '${base:0:3}' is too short for a UUID: it takes its first 4 digits, or more
  'mstage images' lists them" "$err"
    succeeds mstage ls "${base^^}"
    same "$listing" "$out"
    succeeds mstage ls "${base:0:8}:/bin"
}

@test "what is no image" {
    fails mstage ls frobnicate
    same "mstage: error: 'frobnicate' is no image: neither a checkpoint nor a UUID nor tag:NAME
  for checkpoints stand in a build tree, or name one with -C" "$err"
    fails mstage run 00000000-0000-4000-8000-000000000000 -- true
    has "$err" "00000000-0000-4000-8000-000000000000"
    fails mstage ls ""
}

@test "a tag whose image is gone" {
    rm "$MSTAGE_STORE/images/$base.json"
    fails mstage run tag:base -- true
    has "$err" "image '$base' is not in store '$MSTAGE_STORE'"
}
