#!/usr/bin/env bats
# mstage diff: how the files of two images differ.

load ../support.bash

setup_file() {
    make_base
    sandboxes_work || return 0
    mstage run --tag before tag:base -c '
        mkdir -p /data/old/deep; printf "one\ntwo\nthree\n" >/data/text; printf "a\0b" >/data/binary
        echo x >/data/old/deep/x; echo y >/data/old/y; echo s >/data/same; echo m >/data/mode; ln -s text /data/link'
    mstage run --tag after tag:before -c '
        printf "one\n2\nthree\n" >/data/text; printf "a\0cd" >/data/binary; rm -r /data/old; chmod 600 /data/mode
        mkdir -p /srv/new/sub; printf "%01000d" 0 >/srv/new/a; printf "%048d" 0 >/srv/new/sub/b
        ln -sf same /data/link; echo s >/data/same'
}

setup() {
    require_sandbox
    make_work_dir
}

@test "the summary has counts, directories and a list that folds directories" {
    succeeds mstage diff tag:before tag:after
    same "5 added (1.02 KiB), 4 changed (22 B, were 23 B), 4 removed (4 B)

  /srv/new   3 added (1.02 KiB)
  /data      4 changed (22 B, were 23 B), 1 removed (0 B)
  /data/old  3 removed (4 B)
  /          1 added (0 B)
  /srv       1 added (0 B)

~ /data/binary  content 3 B → 4 B
~ /data/link -> same  target text → same
~ /data/mode  mode 0644 → 0600
- /data/old/  with 3 in it, 4 B
~ /data/text  content 14 B → 12 B
+ /srv/  with 4 in it, 1.02 KiB" "$out"
}

@test "--full has every file, with type, mode, owner and size" {
    succeeds mstage diff --full tag:before tag:after /data
    same "~ f0644     0:0              4 /data/binary  (content 3 B → 4 B)
~ l0777     0:0              4 /data/link -> same  (target text → same)
~ f0600     0:0              2 /data/mode  (mode 0644 → 0600)" "$(grep '^~' <<<"$out" | head -3)"
    matches "$out" $'\n- d0755     0:0 +[0-9]+ /data/old/\n- d0755     0:0 +[0-9]+ /data/old/deep/\n- f0644     0:0              2 /data/old/deep/x\n'
}

@test "--json has everything" {
    succeeds mstage diff --json tag:before tag:after
    same '["after", "before", "changes", "path", "summary"]' "$(json "$out" 'sorted(d)')"
    same '["/data/binary", "/data/link", "/data/mode", "/data/old", "/data/old/deep", "/data/old/deep/x", "/data/old/y", "/data/text", "/srv", "/srv/new", "/srv/new/a", "/srv/new/sub", "/srv/new/sub/b"]' \
        "$(json "$out" '[c["path"] for c in d["changes"]]')"
    same '["changed", "changed", "changed", "removed", "removed", "removed", "removed", "changed", "added", "added", "added", "added", "added"]' \
        "$(json "$out" '[c["kind"] for c in d["changes"]]')"
    same '{"after": {"gid": 0, "mode": "0600", "size": 2, "target": null, "type": "f", "uid": 0}, "kind": "changed", "no_text": null, "text": null, "what": ["mode"]}' \
        "$(json "$out" '[dict(sorted({k: ({j: w for j, w in sorted(v.items()) if j not in ("mtime", "path")} if k == "after" else v) for k, v in c.items() if k not in ("before", "path")}.items())) for c in d["changes"] if c["path"] == "/data/mode"][0]')"
    same '{"bytes_after": 1048, "bytes_before": 0, "count": 5}' \
        "$(json "$out" 'dict(sorted(d["summary"]["added"].items()))')"
    same "$(json "$(mstage tag --json)" '[t["image"] for t in d["tags"] if t["tag"] == "after"][0]')" \
        "$(json "$out" 'd["after"]')"
}

@test "--content shows how text differs" {
    succeeds mstage diff --content tag:before tag:after /data
    has "$out" "

/data/binary: no text is shown: binary
"
    has "$out" "
--- tag:before:/data/old/deep/x
+++ /dev/null
@@ -1 +0,0 @@
-x
"
    has "$out" "
--- tag:before:/data/text
+++ tag:after:/data/text
@@ -1,3 +1,3 @@
 one
-two
+2
 three"
    succeeds mstage diff --json --content tag:before tag:after /data/text
    same "@@ -1,3 +1,3 @@
 one
-two
+2
 three" "$(json "$out" 'd["changes"][0]["text"].rstrip()')"
}

@test "the content of a file steers no terminal" {
    mstage run --tag hostile tag:after -c 'printf "\033]0;title\007\n" >/data/text; touch "$(printf "/data/\033[2J\nx")"'
    succeeds mstage diff --content tag:after tag:hostile
    has "$out" '+\x1b]0;title\x07'
    has "$out" '+ /data/\x1b[2J\x0ax  0 B'
}

@test "images are compared whatever they are called" {
    mstage run tag:after --no-disposable -c 'echo f >/failed; exit 3' || true
    local failed
    failed=$(json "$(mstage images --json)" '[i["id"] for i in d["images"] if i["state"] == "failed"][0]')
    succeeds mstage diff tag:after "${failed:0:13}"
    same "1 added (2 B)

+ /failed  2 B" "$out"
    succeeds mstage diff "$failed" "$failed"
    same "no differences" "$out"
}

@test "a long list is cut, and says so" {
    mstage run --tag many tag:after -c 'for i in $(seq 100 170); do echo $i >/data/$i; done'
    succeeds mstage diff tag:after tag:many
    has "$out" "+ /data/149  4 B
and 21 more: --full shows them"
    succeeds mstage diff --full tag:after tag:many
    same 71 "$(grep -c '^+' <<<"$out")"
}

@test "what cannot be compared" {
    misused mstage diff tag:before
    misused mstage diff tag:before tag:after data
    same "mstage: error: 'data' is no absolute path in an image" "$err"
    fails mstage diff tag:before tag:after /none
    same "mstage: error: '/none' is in neither of the images" "$err"
    fails mstage diff tag:before tag:frobnicate
}

@test "what both have in common is not even looked at" {
    is_root || skip "newuidmap gets no rights when it is traced"
    command -v strace >/dev/null || unavailable "no strace"
    mstage run --tag parent tag:base -c 'mkdir /large; echo x >/large/huge'
    mstage run --tag child tag:parent -c 'echo x >/small'
    succeeds strace -f -qq -e trace=file -o trace "$MSTAGE_EXECUTABLE" diff tag:parent tag:child
    same "1 added (2 B)

+ /small  2 B" "$out"
    has "$(cat trace)" '/small"'
    has_not "$(cat trace)" '/large"'
    has_not "$(cat trace)" 'huge"'
}

@test "the content of a file behind a link of an image is that in the image" {
    echo "of the machine" >"$work/file"
    mstage run --tag led tag:base -- sh -c "mkdir -p '$work'; echo 'of the image' >'$work/file'; ln -s '$work' /root/data"
    mstage run --tag plain tag:base -- sh -c 'mkdir -p /root/data; echo after >/root/data/file'
    call mstage diff tag:led tag:plain /root/data --content
    [[ $code == 0 ]] || blame "failed"
    has_not "$out" "of the machine"
}
