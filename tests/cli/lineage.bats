#!/usr/bin/env bats
# mstage lineage: what an image was made from, and what was made from it.

load ../support.bash

setup_file() {
    make_base
    sandboxes_work || return 0
    mstage run --tag one tag:base -c 'echo one >/one'
    mstage run --tag two tag:one -c $'echo two >/two\ntrue'
    mstage run tag:one --no-disposable -c 'echo failed >/failed; exit 3' || true
}

setup() {
    require_sandbox
    make_work_dir
}

squeezed() {
    normalised "$1" | sed -E 's/  +/  /g'
}

@test "the way from the base to an image" {
    succeeds mstage lineage tag:two
    same 'UUID  TIME ago  SIZE  import rootfs:FILES/rootfs  tag:base
UUID  TIME ago  SIZE  run  tag:one
  $ echo one >/one
UUID  TIME ago  SIZE  run  tag:two
  $ echo two >/two …' "$(squeezed "$out")"
}

@test "lineage --json" {
    succeeds mstage lineage --json tag:two
    same '["command", "created", "id", "key", "layers", "names", "origin", "own_size_bytes", "parent", "run", "state"]' \
        "$(json "$out" 'sorted(d["chain"][0])')"
    same '[["tag:base"], ["tag:one"], ["tag:two"]]' "$(json "$out" '[i["names"] for i in d["chain"]]')"
    same '[true, false, false]' "$(json "$out" '[i["own_size_bytes"] > 100000 for i in d["chain"]]')"
    same "$(json "$out" 'd["chain"][1]["id"]')" "$(json "$out" 'd["chain"][2]["parent"]')"
    same null "$(json "$out" 'd["lost"]')"
}

@test "what was made from an image, failed states too" {
    succeeds mstage lineage --children tag:one
    same 'UUID  TIME ago  SIZE  run  tag:one
  $ echo one >/one
├─ UUID  TIME ago  SIZE  run  tag:two
│  $ echo two >/two …
└─ UUID  TIME ago  SIZE  run (failed state)
  $ echo failed >/failed; exit 3' "$(squeezed "$out")"
    succeeds mstage lineage --children --json tag:base
    same '[["tag:one"]]' "$(json "$out" '[c["names"] for c in d["children"]]')"
    same '["good", "failed"]' "$(json "$out" '[c["state"] for c in d["children"][0]["children"]]')"
}

@test "a failed state has a lineage" {
    local failed
    failed=$(json "$(mstage images --json)" '[i["id"] for i in d["images"] if i["state"] == "failed"][0]')
    succeeds mstage lineage "$failed"
    has "$(squeezed "$out")" 'run (failed state)'
    same 3 "$(grep -c '^[0-9a-f]' <<<"$out")"
}

@test "what an image was made from may be gone" {
    cp -r "$MSTAGE_STORE" store
    export MSTAGE_STORE="$work/store"
    local one
    one=$(json "$(mstage tag --json)" '[t["image"] for t in d["tags"] if t["tag"] == "one"][0]')
    rm "$MSTAGE_STORE/images/$one.json"
    succeeds mstage lineage tag:two
    has "$out" "$one  is not in the store any more"
    same 2 "$(grep -c '^[0-9a-f]' <<<"$out")"
    succeeds mstage lineage --json tag:two
    same "$one" "$(json "$out" 'd["lost"]')"
    fails mstage lineage "$one"
}
