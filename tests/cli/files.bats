#!/usr/bin/env bats
# mstage ls, cat and cp: looking into images, and getting files out of them.

load ../support.bash

setup_file() {
    make_file_dir
    sandboxes_work || return 0
    local tree="$file_dir/tree"
    mkdir -p "$tree"/{bin,dev,etc,proc,run,sys,tmp,data/sub/deep,data/empty}
    echo one >"$tree/data/one.txt"
    echo two >"$tree/data/two.txt"
    echo deep >"$tree/data/sub/deep/file"
    echo hidden >"$tree/data/.hidden"
    echo spaced >"$tree/data/with space"
    printf 'a\0b\xff' >"$tree/data/bytes"
    : >"$tree/data/nothing"
    echo tool >"$tree/data/tool"
    chmod 0750 "$tree/data/tool"
    chmod 0444 "$tree/data/two.txt"
    ln -s one.txt "$tree/data/link"
    ln -s /data/sub "$tree/data/dirlink"
    ln -s missing "$tree/data/dangling"
    ln -s ../../../../../../../../etc/hostname "$tree/data/outside"
    ln -s /etc "$tree/data/etc-link"
    echo inside >"$tree/etc/hostname"
    mkfifo "$tree/data/fifo"
    touch -d '2001-02-03 04:05:06.123456789 UTC' "$tree/data/one.txt"
    mstage import --tag files "rootfs:$tree" >/dev/null
}

setup() {
    require_sandbox
    make_work_dir
}

names() {
    sed -E 's/ -> .*//; s/.* //' <<<"$1"
}

# --- ls ---------------------------------------------------------------------------------------------------------

@test "ls of a directory" {
    succeeds mstage ls tag:files:/data/sub
    matches "$out" '^d0755 +0:0 +[0-9]+ [0-9T:-]+ /data/sub/deep$'
    succeeds mstage ls tag:files:/data/one.txt
    matches "$out" '^f0644 +0:0 +4 2001-02-03T04:05:06 /data/one.txt$'
    succeeds mstage ls tag:files:/data/link
    matches "$out" '^l0777 .* /data/link -> one.txt$'
}

@test "ls without a path is that of the root" {
    succeeds mstage ls tag:files
    local listing=$out
    has "$listing" " /data"
    succeeds mstage ls tag:files:/
    same "$listing" "$out"
    succeeds mstage ls tag:files:/data/..
    same "$(wc -l <<<"$listing")" "$(wc -l <<<"$out")"
}

@test "ls -R goes all the way down, and not through links" {
    succeeds mstage ls -R tag:files:/data
    same "/data/.hidden
/data/bytes
/data/dangling
/data/dirlink
/data/empty
/data/etc-link
/data/fifo
/data/link
/data/nothing
/data/one.txt
/data/outside
/data/sub
/data/sub/deep
/data/sub/deep/file
/data/tool
/data/two.txt" "$(names "$(grep -v 'with space' <<<"$out")")"
    has "$out" "/data/with space"
    local long=$out
    succeeds mstage ls --recursive tag:files:/data
    same "$long" "$out"
}

@test "ls follows links on the way and at the end, inside of the image" {
    succeeds mstage ls tag:files:/data/dirlink/deep
    same "/data/dirlink/deep/file" "$(names "$out")"
    succeeds mstage ls tag:files:/data/dirlink
    same "/data/dirlink/deep" "$(names "$out")"
    succeeds mstage ls tag:files:/data/etc-link
    has "$out" "/data/etc-link/hostname"
}

@test "ls --json has every field" {
    succeeds mstage ls --json tag:files:/data/one.txt
    same '{"gid": 0, "mode": "0644", "mtime": "2001-02-03T04:05:06.123456Z", "path": "/data/one.txt", "size": 4, '\
'"target": null, "type": "f", "uid": 0}' "$(json "$out" 'json.loads(json.dumps(d["files"][0], sort_keys=True))')"
    succeeds mstage ls --json tag:files:/data
    same '["d-", "f-", "l+", "p-"]' \
        "$(json "$out" 'sorted({f["type"] + ("-" if f["target"] is None else "+") for f in d["files"]})')"
}

@test "ls shows odd names without obeying them" {
    mkdir -p tree/dev
    touch "tree/"$'evil\e[31m' "tree/"$'new\nline' "tree/"$'byte\xff'
    mstage import --tag odd "rootfs:$work/tree" >/dev/null
    succeeds mstage ls tag:odd
    has "$out" '/evil\x1b[31m'
    has "$out" '/byte\xff'
    same 4 "$(wc -l <<<"$out")"
    succeeds mstage ls --json tag:odd
    same 4 "$(json "$out" 'len(d["files"])')"
    same true "$(json "$out" '"/new\nline" in [f["path"] for f in d["files"]]')"
}

@test "what is not there" {
    fails mstage ls tag:files:/missing
    same "mstage: error: '/missing' in the image: No such file or directory" "$err"
    fails mstage cat tag:files:/missing
    same "mstage: error: '/missing' in the image: No such file or directory" "$err"
    fails mstage cp tag:files:/missing "$work"
    same "mstage: error: nothing in the image matches '/missing'" "$err"
    fails mstage ls tag:files:/data/dangling/x
    fails mstage ls tag:files:/data/one.txt/x
}

@test "a path that does not start with a slash" {
    local id
    id=$(mstage import tag:files)
    for verb in ls cat; do
        fails mstage "$verb" "$id:data"
        has "$err" "mstage: error: '$id:data' is no image"
        has "$err" "a path in an image starts with '/': IMAGE:/PATH"
    done
    fails mstage cp "$id:data" "$work"
}

# --- cat --------------------------------------------------------------------------------------------------------

@test "cat is byte for byte" {
    mstage cat tag:files:/data/bytes >bytes
    cmp bytes "$file_dir/tree/data/bytes"
    succeeds mstage cat tag:files:/data/nothing
    same "" "$out"
    succeeds mstage cat tag:files:/data/one.txt tag:files:/data/dirlink/deep/file
    same "one
deep" "$out"
}

@test "cat follows links inside of the image only" {
    succeeds mstage cat tag:files:/data/link
    same one "$out"
    succeeds mstage cat tag:files:/data/outside
    same inside "$out"
    succeeds mstage cat tag:files:/data/etc-link/hostname
    same inside "$out"
    succeeds mstage cat tag:files:/../../etc/hostname
    same inside "$out"
    fails mstage cat tag:files:/data/dangling
}

@test "cat of what is no file says so, and does not hang" {
    for path in /data /data/fifo; do
        fails timeout 100 "$MSTAGE_EXECUTABLE" cat "tag:files:$path"
        same "mstage: error: '$path' in the image is not a regular file" "$err"
    done
}

@test "a closed stdout is an error" {
    local code=0
    mstage cat tag:files:/data/one.txt >&- 2>err || code=$?
    same 1 "$code"
    has "$(cat err)" "mstage: error: "
    code=0
    mstage images >/dev/full 2>err || code=$?
    same 1 "$code"
    has "$(cat err)" "No space left on device"
}

# --- cp ---------------------------------------------------------------------------------------------------------

@test "cp of a file into a directory, and to a new name" {
    mkdir there
    succeeds mstage cp tag:files:/data/one.txt there
    same one "$(cat there/one.txt)"
    succeeds mstage cp tag:files:/data/one.txt there/renamed
    same one "$(cat there/renamed)"
    succeeds mstage cp tag:files:/data/one.txt new/directory/
    same one "$(cat new/directory/one.txt)"
    succeeds mstage cp "tag:files:/data/with space" .
    same spaced "$(cat "with space")"
    same "" "$out"
}

@test "cp keeps modes, links and times to the nanosecond" {
    succeeds mstage cp tag:files:/data/one.txt tag:files:/data/tool tag:files:/data/two.txt tag:files:/data/link .
    same "2001-02-03 04:05:06.123456789 +0000" "$(TZ=UTC stat -c %y one.txt)"
    same 750 "$(stat -c %a tool)"
    same 444 "$(stat -c %a two.txt)"
    same one.txt "$(readlink link)"
    same "$(id -u)" "$(stat -c %u one.txt)"
}

@test "cp overwrites, also what is read-only" {
    succeeds mstage cp tag:files:/data/two.txt .
    chmod u+w two.txt
    echo changed >two.txt
    chmod u-w two.txt
    succeeds mstage cp tag:files:/data/two.txt .
    same two "$(cat two.txt)"
}

@test "cp of a directory" {
    rm -rf copy
    fails mstage cp tag:files:/data "$work/copy"
    same "mstage: error: '/data/fifo' in the image is neither file, directory nor link" "$err"
    succeeds mstage cp tag:files:/data/sub "$work/sub-copy"
    same deep "$(cat sub-copy/deep/file)"
    mkdir there
    succeeds mstage cp tag:files:/data/sub tag:files:/data/empty there
    same deep "$(cat there/sub/deep/file)"
    [[ -d there/empty ]]
    # Again, into what is there.
    succeeds mstage cp tag:files:/data/sub there
    absent there/sub/sub
}

@test "cp with wildcards" {
    succeeds mstage cp 'tag:files:/data/*.txt' .
    same "one.txt two.txt" "$(echo *.txt)"
    mkdir other
    succeeds mstage cp 'tag:files:/d?ta/s*/[a-d]eep/file' other
    same deep "$(cat other/file)"
    # A pattern wants a directory, however many it matches.
    succeeds mstage cp 'tag:files:/data/on*' new
    same one "$(cat new/one.txt)"
    # As for a shell, dots at the start want to be written.
    fails mstage cp 'tag:files:/data/*idden' other
    succeeds mstage cp 'tag:files:/data/.hid*' other
    same hidden "$(cat other/.hidden)"
    fails mstage cp 'tag:files:/data/*.missing' other
    same "mstage: error: nothing in the image matches '/data/*.missing'" "$err"
}

@test "cp of links copies links; what is on the way stays inside of the image" {
    succeeds mstage cp tag:files:/data/outside tag:files:/data/dangling .
    same ../../../../../../../../etc/hostname "$(readlink outside)"
    same missing "$(readlink dangling)"
    succeeds mstage cp tag:files:/data/etc-link/hostname .
    same inside "$(cat hostname)"
}

@test "cp does not write through links at the destination" {
    mkdir target victim-dir
    echo precious >victim
    ln -s ../victim target/one.txt
    succeeds mstage cp tag:files:/data/one.txt target
    same precious "$(cat victim)"
    same one "$(cat target/one.txt)"
    [[ ! -L target/one.txt ]]
    ln -s ../victim-dir target/sub
    succeeds mstage cp tag:files:/data/sub target
    absent victim-dir/deep
    same deep "$(cat target/sub/deep/file)"
    # But a destination that the caller names himself may be a link.
    ln -s victim-dir by-link
    succeeds mstage cp tag:files:/data/one.txt by-link
    same one "$(cat victim-dir/one.txt)"
}

@test "cp goes through no link that an earlier one made and that leads out" {
    mkdir -p victim tree/data/out tree/tree there
    echo evil >tree/data/out/passwd
    echo precious >victim/passwd
    ln -s "$work/victim" tree/out
    ln -s "$work/victim" tree/tree/sub
    ln -s data tree/inside
    mkfifo tree/fifo
    mstage import --tag links "rootfs:$work/tree" >/dev/null
    mkdir to && cd to
    # What fails afterwards has made it, too.
    fails mstage cp tag:links:/out tag:links:/tree tag:links:/fifo .
    same "$work/victim" "$(readlink out)"
    local destination
    for destination in out/passwd out/ out/new/ tree/sub/passwd "$work/there/../to/out/passwd" ./tree/../out/.; do
        fails mstage cp tag:links:/data/out/passwd "$destination"
        has "$err" "is a link to '$work/victim' that came out of an image: nothing is copied through it"
    done
    fails mstage cp 'tag:links:/data/out/*' out
    has "$err" "to/out' is a link that came out of an image, and no directory"
    # Also by way of a link of one's own.
    ln -s out mine
    fails mstage cp tag:links:/data/out/passwd mine/passwd
    fails mstage cp tag:links:/data/out/passwd mine
    same precious "$(cat ../victim/passwd)"
    same passwd "$(ls ../victim)"
    # At the end it is replaced, as any other name is.
    succeeds mstage cp tag:links:/data/out/passwd out
    [[ ! -L out ]]
    same evil "$(cat out)"
    # One that was made by hand is followed, also under the same name; so is one that leads nowhere else.
    ln -sfn "$work/victim" out
    succeeds mstage cp tag:links:/data/out/passwd out/copy
    same evil "$(cat ../victim/copy)"
    succeeds mstage cp tag:links:/inside tag:links:/data .
    [[ -L inside ]]
    succeeds mstage cp tag:links:/data/out/passwd inside/here
    same evil "$(cat data/here)"
}

@test "cp does not run anything, and needs no shell in the image" {
    mkdir -p tree/bin tree/etc
    echo x >tree/file
    mstage import --tag bare "rootfs:$work/tree" >/dev/null
    succeeds mstage cp tag:bare:/file .
    same x "$(cat file)"
    same "" "$(ls "$MSTAGE_STORE/runs")"
}

@test "cp drops set-id bits" {
    mkdir tree
    echo x >tree/program
    chmod 6755 tree/program
    mstage import --tag setid "rootfs:$work/tree" >/dev/null
    has "$(mstage ls tag:setid)" f6755
    succeeds mstage cp tag:setid:/program .
    same 755 "$(stat -c %a program)"
}

@test "cp to where nothing can be written" {
    : >file
    fails mstage cp tag:files:/data/one.txt tag:files:/data/two.txt "$work/file"
    has "$err" "$work/file"
    fails mstage cp tag:files:/data/one.txt "$work/missing/one.txt"
    has "$err" "$work/missing/one.txt"
    has "$err" "No such file or directory"
    succeeds mstage cp tag:files:/data/one.txt "$work/file"
    same one "$(cat file)"
}

@test "cp to a full disk fails and leaves no half file" {
    unshare --user --map-root-user --mount true 2>/dev/null || unavailable "no mount namespaces"
    mkdir small tree
    head -c 4M /dev/urandom >tree/big
    mstage import --tag big "rootfs:$work/tree" >/dev/null
    # shellcheck disable=SC2016
    fails unshare --user --map-root-user --mount sh -c \
        'mount -t tmpfs -o size=1M none small && "$MSTAGE_EXECUTABLE" cp tag:big:/big small/; code=$?; ls -A small >list; exit $code'
    same "mstage: error: copying to '$work/small/big': writing: No space left on device
  the file system is full: make room on it, or write elsewhere" "$err"
    same "" "$(cat list)"
}

@test "cp --stamp and --depfile tell a build tool" {
    succeeds mstage cp --stamp "$work/stamp" --depfile "$work/d" --depfile-target out/stamp \
        'tag:files:/data/*.txt' tag:files:/data/link "tag:files:/data/with space" "$work/dest/"
    [[ -f stamp ]]
    same "out/stamp: \\
  $work/dest/one.txt \\
  $work/dest/two.txt \\
  $work/dest/link \\
  $work/dest/with\\ space" "$(cat d)"
    # The stamp says when; the dependency file stays as it is.
    touch -d 2001-01-01 stamp d
    succeeds mstage cp --stamp "$work/stamp" --depfile "$work/d" --depfile-target out/stamp \
        'tag:files:/data/*.txt' tag:files:/data/link "tag:files:/data/with space" "$work/dest/"
    [[ $(stat -c %Y stamp) -gt 1000000000 ]]
    same 2001-01-01 "$(stat -c %y d | cut -d' ' -f1)"
    rm stamp
    fails mstage cp --stamp "$work/stamp" tag:files:/missing "$work/dest/"
    absent stamp
}

@test "cp --stamp removes what it copied before and what is no more" {
    mkdir -p fewer/data && echo new >fewer/data/three.txt
    succeeds mstage import --tag fewer "rootfs:$work/fewer"
    succeeds mstage cp --stamp "$work/stamp" 'tag:files:/data/*.txt' "$work/dest/"
    same "one.txt two.txt" "$(cd dest && echo *)"
    echo mine >dest/mine.txt
    chmod u+w dest/two.txt
    echo edited >dest/two.txt
    succeeds mstage cp --stamp "$work/stamp" 'tag:fewer:/data/*.txt' "$work/dest/"
    same "mine.txt three.txt two.txt" "$(cd dest && echo *)"
}

# --- compile-commands -------------------------------------------------------------------------------------------

@test "compile-commands: paths of the image become those of the machine" {
    mkdir -p cc/{bin,dev,etc,proc,run,sys,tmp}
    cat >cc/compile_commands.json <<'END'
[{"directory": "/app/build", "command": "c++ -I/app/include -c ../a.cpp", "file": "/app/a.cpp"}]
END
    mstage import --tag cc "rootfs:$work/cc" >/dev/null
    succeeds mstage compile-commands tag:cc:/compile_commands.json --map "/app=$work/source"
    same "$work/source/a.cpp" "$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])[0]["file"])' "$out")"
    has "$out" "-I$work/source/include"
    succeeds mstage compile-commands tag:cc:/compile_commands.json new/compile_commands.json
    [[ -f new/compile_commands.json ]]
}

@test "nobody reads on: every verb ends by SIGPIPE, without a word" {
    dd if=/dev/zero of=big bs=1M count=2 2>/dev/null
    mkdir tree && mv big tree
    mstage import --tag big "rootfs:$work/tree" >/dev/null
    local call
    mkfifo pipe
    for call in "images" "ls -R tag:files" "--help" "cat tag:big:/big" "export tag:big oci-archive:-"; do
        # The reader is gone before anything is written.
        # shellcheck disable=SC2086
        (eventually test -e closed; exec "$MSTAGE_EXECUTABLE" $call) >pipe 2>err 3>&- &
        : <pipe
        : >closed
        code=0
        wait $! || code=$?
        same 141 "$code"
        same "" "$(cat err)"
        rm closed
    done
}

@test "cp to what is no file" {
    misused mstage cp tag:files:/data/one.txt -
    has "$err" "mstage cat"
    mkfifo fifo
    fails mstage cp tag:files:/data/one.txt fifo
    has "$err" "fifo' is there and is no regular file but a FIFO"
    absent ./-
    echo old >target && ln -s target link
    succeeds mstage cp tag:files:/data/one.txt link
    same one "$(cat target)"
    [[ -L link ]]
}
