#!/usr/bin/env bats
# mstage export: images as container images, and what other programs make of them.

load ../support.bash
load ../oci.bash

# An image with all that a file system can have, made in three layers.
setup_file() {
    make_base
    sandboxes_work || return 0
    # shellcheck disable=SC2016  # the sandbox's shell expands these
    mstage run --tag first tag:base -c '
        mkdir -p /data/dir/sub /data/swap/old /data/gone /data/moved
        echo one >/data/file && ln /data/file /data/link && ln -s ../file /data/dir/symlink
        echo old >/data/swap/old/file && echo gone >/data/gone/file && echo m >/data/moved/file
        echo deleted >/data/deleted && chmod 4711 /data/file && chmod 1777 /data/dir
        mkfifo /data/fifo && dd if=/dev/zero of=/data/sparse bs=1 count=0 seek=1000000 2>/dev/null
        name=$(printf "n%0200d" 0) && mkdir -p "/data/$name" && echo deep >"/data/$name/$name"
        echo odd >"$(printf "/data/\374\n\303\274 x")"' 2>/dev/null
    # shellcheck disable=SC2016
    mstage run --tag second tag:first -c '
        rm /data/deleted && rm -r /data/gone && rm -r /data/swap && mkdir /data/swap && echo new >/data/swap/new
        mv /data/moved /data/moved2 && rm -r /data/dir/sub && echo sub >/data/dir/sub
        touch -d "2001-02-03 04:05:06.789" /data/dir && chmod 700 /data/swap' 2>/dev/null
}

setup() {
    require_sandbox
    make_work_dir
}

teardown() {
    stop_registry
    stop_docker
    remove_tree "$work"
}

# The program as the user of the image's ids; as the user himself where there are no other ids.
with_ids() {
    if is_root; then
        "$@"
    else
        as_image_sees_it "$@"
    fi
}

image_id() {
    mstage tag | awk -v name="$1" '$2 == name { print $1 }'
}

# no_line FILE REGEX
no_line() {
    if grep -E -- "$2" "$1"; then
        echo "expected no line like this in $1: $2"
        return 1
    fi
}

# unpack LAYOUT:TAG: to ./bundle/rootfs.
unpack() {
    rm -rf bundle
    with_ids umoci unpack --image "$1" bundle >/dev/null 2>&1
}

same_trees() {
    same "$(list_image "$1")" "$(list_tree "$2" with_ids)"
}

blobs() {
    ls "$1/blobs/sha256"
}

@test "a layout is unpacked by umoci to the very tree" {
    require_program umoci
    succeeds mstage export tag:second oci:layout:v1
    matches "$out" '^sha256:[0-9a-f]{64}$'
    same "$out" "$(json "$(cat layout/index.json)" 'd["manifests"][0]["digest"]')"
    unpack layout:v1
    same_trees "$(image_id second)" bundle/rootfs
}

@test "layers hold whiteouts and opaque directories" {
    succeeds mstage export --compression none --json tag:second oci:layout
    local layer
    layer=$(json "$out" 'd["layers"][-1]["digest"]')
    tar -tf "layout/blobs/sha256/${layer#sha256:}" >names
    local name
    for name in data/.wh.deleted data/.wh.gone data/.wh.moved data/moved2/file data/swap/.wh..wh..opq data/swap/new \
        data/dir/sub; do
        grep -qx "$name" names || blame "not in the layer: $name"
    done
    no_line names 'old|data/deleted|data/gone$|link'
    no_line "layout/blobs/sha256/${layer#sha256:}" overlay
}

@test "the same image gives the same bytes" {
    succeeds mstage export tag:second oci-archive:one.tar
    local first=$out
    succeeds mstage export tag:second oci-archive:two.tar
    same "$first" "$out"
    cmp one.tar two.tar
    succeeds mstage export tag:second oci:layout
    same "$first" "$out"
    for how in zstd none; do
        succeeds mstage export --compression "$how" tag:second "oci:$how-1"
        succeeds mstage export --compression "$how" tag:second "oci:$how-2"
        same "$(blobs "$how-1")" "$(blobs "$how-2")"
    done
}

@test "compressions: all kinds hold the same tars" {
    require_program skopeo zstd
    local how type
    for how in gzip zstd none; do
        succeeds mstage export --compression "$how" --json tag:second "oci:$how"
        json "$out" '[l["diff_id"] for l in d["layers"]]' >"$how.ids"
        same "$(cat gzip.ids)" "$(cat "$how.ids")"
    done
    for how in gzip:tar+gzip zstd:tar+zstd none:tar; do
        type=$(skopeo inspect --raw "oci:${how%:*}:latest" | python3 -c '
import json, sys
print({l["mediaType"] for l in json.load(sys.stdin)["layers"]})')
        same "{'application/vnd.oci.image.layer.v1.${how#*:}'}" "$type"
    done
    succeeds mstage export --level 9 tag:second oci:small
    succeeds mstage export --level 1 tag:second oci:big
    [[ $(du -sb small | cut -f1) -lt $(du -sb big | cut -f1) ]]
}

@test "gzip does it where there is no pigz" {
    require_program pigz
    mkdir bin
    local program
    for program in gzip newuidmap newgidmap; do
        ln -s "$(command -v "$program")" "bin/$program"
    done
    succeeds mstage export --json tag:second oci:pigz
    json "$out" '[l["diff_id"] for l in d["layers"]]' >ids
    succeeds env PATH="$work/bin" "$MSTAGE_EXECUTABLE" export --json tag:second oci:gzip
    same "$(cat ids)" "$(json "$out" '[l["diff_id"] for l in d["layers"]]')"
    local blob
    for blob in $(json "$out" '" ".join(l["digest"][7:] for l in d["layers"])'); do
        gzip -t <"gzip/blobs/sha256/$blob"
    done
}

@test "--json" {
    succeeds mstage export --json tag:second oci:layout
    same '["digest", "layers", "size", "warnings"]' "$(json "$out" 'sorted(d)')"
    same '["diff_id", "digest", "size"]' "$(json "$out" 'sorted(d["layers"][0])')"
    same 3 "$(json "$out" 'len(d["layers"])')"
    same "$(cat layout/blobs/sha256/* | wc -c)" "$(json "$out" 'd["size"]')"
}

@test "config and history" {
    require_program skopeo
    mstage run --no-disposable --tag third tag:first -c 'echo 3 >/third' 2>/dev/null
    succeeds mstage export tag:third oci:layout
    local config
    config=$(skopeo inspect --config oci:layout:latest)
    same linux "$(json "$config" 'd["os"]')"
    same "echo 3 >/third" "$(json "$config" 'd["history"][-1]["created_by"]')"
    same '["mstage"]' "$(json "$config" 'sorted({h["comment"] for h in d["history"]})')"
    same 3 "$(json "$config" 'len(d["history"])')"
    same / "$(json "$config" 'd["config"]["WorkingDir"]')"
}

@test "SOURCE_DATE_EPOCH is the latest time of all" {
    require_program skopeo
    export SOURCE_DATE_EPOCH=1000000000
    mstage run --no-disposable --tag again tag:base -c 'echo x >/x' 2>/dev/null
    succeeds mstage export tag:again oci:one
    sleep 1
    mstage run --no-disposable --tag again tag:base -c 'echo x >/x' 2>/dev/null
    succeeds mstage export tag:again oci:two
    same "$(cat one/index.json)" "$(cat two/index.json)"
    same 2001-09-09T01:46:40.000000Z \
        "$(json "$(skopeo inspect --config --raw oci:one:latest)" 'd["created"]')"
    export SOURCE_DATE_EPOCH=yesterday
    misused mstage export tag:again oci:three
}

@test "an existing layout gets more images; a tag's image is replaced" {
    require_program skopeo
    succeeds mstage export tag:first oci:layout:a
    local first=$out
    succeeds mstage export tag:second oci:layout:b
    same '["a", "b"]' \
        "$(json "$(cat layout/index.json)" '[m["annotations"]["org.opencontainers.image.ref.name"] for m in d["manifests"]]')"
    same "$first" "sha256:$(skopeo inspect --raw oci:layout:a | sha256sum | cut -d' ' -f1)"
    succeeds mstage export tag:first oci:layout:b
    same 2 "$(json "$(cat layout/index.json)" 'len(d["manifests"])')"
    same "$first" "sha256:$(skopeo inspect --raw oci:layout:b | sha256sum | cut -d' ' -f1)"
    same $'blobs\nindex.json\noci-layout' "$(ls -A layout)"
    mkdir other && touch other/file
    fails mstage export tag:first oci:other
    has "$err" "other' is there and is no OCI image layout"
    same file "$(ls -A other)"
}

@test "a layout is made in an empty directory whose parent is not ours" {
    mkdir -p place/volume
    if is_root; then
        unshare --user --map-root-user --mount true 2>/dev/null || unavailable "no mount namespaces"
        # The parent may not be written to even by root, the directory may.
        # shellcheck disable=SC2016
        succeeds unshare --mount sh -c 'mount --bind place place && mount --bind place/volume place/volume &&
            mount -o remount,bind,ro place && ! touch place/x 2>/dev/null && "$MSTAGE_EXECUTABLE" export tag:first oci:place/volume:a'
    else
        chmod 555 place
        succeeds mstage export tag:first oci:place/volume:a
        chmod 755 place
    fi
    same $'blobs\nindex.json\noci-layout' "$(ls -A place/volume)"
    succeeds mstage export tag:second oci:place/volume:b
    same 2 "$(json "$(cat place/volume/index.json)" 'len(d["manifests"])')"
}

@test "exports into one new layout at once are all there" {
    mkdir empty
    local place i pid pids
    for place in new empty; do
        pids=()
        for i in 1 2 3 4; do
            "$MSTAGE_EXECUTABLE" export tag:second "oci:$place:t$i" >/dev/null 3>&- &
            pids+=($!)
        done
        for pid in "${pids[@]}"; do
            wait "$pid" || blame "an export to '$place' failed"
        done
        same '["t1", "t2", "t3", "t4"]' \
            "$(json "$(cat "$place/index.json")" 'sorted(m["annotations"]["org.opencontainers.image.ref.name"] for m in d["manifests"])')"
        same $'blobs\nindex.json\noci-layout' "$(ls -A "$place")"
    done
}

@test "a torn blob in a layout is replaced" {
    succeeds mstage export tag:first oci:layout:a
    local blob size
    blob=$(find layout/blobs/sha256 -type f -size +8k -print -quit)
    size=$(stat -c %s "$blob")
    truncate -s 10 "$blob"
    succeeds mstage export tag:first oci:layout:b
    same "$size" "$(stat -c %s "$blob")"
}

@test "an archive replaces files, and nothing else" {
    mkfifo fifo
    misused mstage export tag:first "oci-archive:$work/fifo"
    has "$err" "fifo' is there and is no regular file"
    [[ -p fifo ]]
    misused mstage export tag:first "oci-archive:/dev/null"
    [[ -c /dev/null ]]
    echo old >target.tar
    ln -s target.tar link.tar
    succeeds mstage export tag:first oci-archive:link.tar
    [[ -L link.tar ]]
    tar -tf target.tar >/dev/null
}

@test "an archive takes the place of another only when it is whole" {
    echo precious >image.tar
    (
        ulimit -f 100
        trap '' XFSZ
        fails mstage export tag:second oci-archive:image.tar
    )
    same precious "$(cat image.tar)"
    same image.tar "$(ls -A)"
    succeeds mstage export tag:second oci-archive:image.tar:v2
    same v2 "$(tar -xOf image.tar index.json | python3 -c '
import json, sys
print(json.load(sys.stdin)["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"])')"
    same 644 "$(stat -c %a image.tar)"
    chmod 600 image.tar
    succeeds mstage export tag:first oci-archive:image.tar
    same 600 "$(stat -c %a image.tar)"
}

@test "an interrupted export leaves nothing" {
    # A program in the place of the compressor, for there to be time to interrupt it.
    mkdir bin
    local program
    for program in gzip pigz; do
        printf '#!/bin/sh\ncat >/dev/null\ntouch "%s/waiting"\nexec sleep 100\n' "$work" >"bin/$program"
        chmod +x "bin/$program"
    done
    mkdir out
    PATH="$work/bin:$PATH" "$MSTAGE_EXECUTABLE" export tag:second oci:out/layout 2>err 3>&- &
    local pid=$! code=0
    eventually test -e waiting
    kill -TERM "$pid"
    wait "$pid" || code=$?
    same 143 "$code"
    has "$(cat err)" "interrupted"
    same "" "$(ls -A out)"
    same "" "$(ls "$MSTAGE_STORE/tmp")"
}

@test "a compressor that fails, and one that is missing" {
    mkdir bin
    printf '#!/bin/sh\necho no memory left >&2\nexit 3\n' | tee bin/gzip >bin/pigz
    chmod +x bin/gzip bin/pigz
    fails env PATH="$work/bin:$PATH" "$MSTAGE_EXECUTABLE" export tag:second oci:layout
    has "$err" "failed with exit code 3"
    has "$err" "no memory left"
    absent layout
    rm bin/*
    local program
    for program in newuidmap newgidmap; do
        ln -s "$(command -v "$program")" "bin/$program"
    done
    fails env PATH="$work/bin" "$MSTAGE_EXECUTABLE" export --compression zstd tag:second oci:layout
    has "$err" "install the package 'zstd'"
    fails env PATH="$work/bin" "$MSTAGE_EXECUTABLE" export tag:second docker-archive:file.tar
    has "$err" "install the package 'skopeo'"
    same bin "$(ls -A)"
}

@test "archives to standard output" {
    require_program skopeo
    succeeds mstage export tag:second oci-archive:file.tar:v1
    mstage export tag:second oci-archive:-:v1 >stream.tar
    cmp file.tar stream.tar
    mstage export tag:second docker-archive:-:example/app:1.0 | tar -xOf - manifest.json >manifest
    grep -q example/app:1.0 manifest
    misused mstage export tag:second oci:-
    misused mstage export --json tag:second oci-archive:-
    misused mstage export tag:second oci-archive:/dev/stdout
    has "$err" "oci-archive:-"
    absent ./-
}

@test "a docker-archive: its name is looked at first, and its digest is in it" {
    require_program skopeo
    mkdir bin
    printf '#!/bin/sh\ntouch "%s/was-run"\nexit 1\n' "$work" >bin/skopeo
    chmod +x bin/skopeo
    misused env PATH="$work/bin:$PATH" "$MSTAGE_EXECUTABLE" export tag:second docker-archive:file.tar:App:1.0
    has "$err" "'App' is no name of an image"
    absent was-run file.tar
    succeeds mstage export tag:second docker-archive:file.tar:app:1.0
    matches "$out" '^sha256:[0-9a-f]{64}$'
    same "${out#sha256:}  -" "$(tar -xOf file.tar "${out#sha256:}.json" | sha256sum)"
    same "${out#sha256:}.json" "$(json "$(tar -xOf file.tar manifest.json)" 'd[0]["Config"]')"
}

@test "what a killed export left goes with the next one there" {
    mkdir bin out
    local program
    for program in gzip pigz; do
        printf '#!/bin/sh\ncat >/dev/null\ntouch "%s/waiting"\nexec sleep 100\n' "$work" >"bin/$program"
        chmod +x "bin/$program"
    done
    PATH="$work/bin:$PATH" "$MSTAGE_EXECUTABLE" export tag:second oci:out/layout 2>/dev/null 3>&- &
    local pid=$!
    eventually test -e waiting
    kill -KILL "$pid"
    wait "$pid" || true
    matches "$(ls -A out)" '^\.mstage-......$'
    succeeds mstage export tag:second oci-archive:out/image.tar
    same image.tar "$(ls -A out)"
}

@test "what only looks like a leftover is somebody's own" {
    require_program skopeo
    mkdir .mstage-backup
    echo keep >.mstage-backup/file
    echo keep >app.tar.mstage-backup
    echo keep >app.tar~mstage-backup
    succeeds mstage export tag:first oci-archive:app.tar
    succeeds mstage export tag:first docker-archive:app.tar
    succeeds mstage export tag:first oci:layout
    same $'.mstage-backup\napp.tar\napp.tar.mstage-backup\napp.tar~mstage-backup\nlayout' "$(LC_ALL=C ls -A)"
    same $'keep\nkeep\nkeep' "$(cat .mstage-backup/file app.tar?mstage-backup)"
}

@test "a place that will not do is known before anything is packed" {
    mkdir bin
    local program
    for program in gzip pigz; do
        printf '#!/bin/sh\ntouch "%s/packing"\n' "$work" >"bin/$program"
        chmod +x "bin/$program"
    done
    export PATH="$work/bin:$PATH"
    misused mstage export tag:second oci-archive:none/image.tar
    has "$err" "none' is not there"
    misused mstage export tag:second "oci-archive:$work/a:b.tar"
    has "$err" "a path ends at its first colon"
    misused mstage export tag:second oci:none/layout:v1
    misused mstage export tag:second docker://localhost:1/A/Upper:1
    has "$err" "lower case"
    misused mstage export tag:second docker://localhost:1/a:b:c
    ln -s nowhere dangling
    misused mstage export tag:second oci:dangling
    misused mstage export tag:second oci-archive:dangling
    absent packing nowhere a
}

@test "a link to a directory is that directory" {
    mkdir real
    ln -s real link
    succeeds mstage export tag:first oci:link
    succeeds mstage export tag:second oci:link:v2
    [[ -L link && -e real/oci-layout ]]
    mkdir real2
    ln -s real2 link2
    succeeds mstage export tag:second oci:link2/layout
    [[ -e real2/layout/oci-layout ]]
}

@test "what cannot be exported" {
    local host
    host=$(mstage import host)
    fails mstage export "$host" oci:layout
    has "$err" "is based on 'host'"
    exits 3 mstage run --no-disposable tag:base -c 'echo x >/x; exit 3'
    local failed
    failed=$(mstage images --json | python3 -c '
import json, sys
print(next(i["id"] for i in json.load(sys.stdin)["images"] if i["state"] == "failed"))')
    fails mstage export "$failed" oci:layout
    has "$err" "is a failed state"
    mstage run --no-disposable --tag odd tag:base -c 'echo x >/etc/.wh.x' 2>/dev/null
    fails mstage export tag:odd oci:layout
    has "$err" "entry 'etc/.wh.x'"
    absent layout
}

@test "wrong usage" {
    misused mstage export tag:base
    misused mstage export tag:base somewhere
    has "$err" "known are: oci-archive:"
    misused mstage export tag:base docker://me:secret@localhost/a
    has_not "$err" secret
    misused mstage export --compression lzma tag:base oci:layout
    misused mstage export --level 10 tag:base oci:layout
    misused mstage export --level high tag:base oci:layout
    misused mstage export --compression none --level 1 tag:base oci:layout
    misused mstage export --compression gzip tag:base docker-archive:file.tar
    absent layout file.tar
}

@test "buildah mounts an archive with the very tree" {
    is_root || skip "buildah keeps other ids for users"
    require_program buildah
    export STORAGE_DRIVER=vfs STORAGE_OPTS=
    local storage=(--root "$work/storage" --runroot "$work/runroot")
    succeeds mstage export tag:second oci-archive:image.tar
    local container
    container=$(buildah "${storage[@]}" from --quiet "oci-archive:$work/image.tar")
    local root
    root=$(buildah "${storage[@]}" mount "$container")
    # buildah puts some mount points into every container.
    same "$(list_image "$(image_id second)" | grep -vE "^'(\.|dev|proc|sys|run|etc)[' /]")" \
        "$(list_tree "$root" | grep -vE "^'(\.|dev|proc|sys|run|etc)[' /]")"
    buildah "${storage[@]}" umount "$container" >/dev/null
    buildah "${storage[@]}" rm --all >/dev/null
}

@test "docker loads a docker-archive" {
    is_root || skip "dockerd is root's"
    require_program dockerd docker skopeo
    succeeds mstage export tag:second docker-archive:image.tar:example/app:1.0
    start_docker --storage-driver vfs
    same "Loaded image: example/app:1.0" "$(docker load --quiet --input image.tar)"
    docker create --name one example/app:1.0 /bin/sh >/dev/null
    docker export one >tree.tar
    tar -tf tree.tar >names
    grep -qx data/swap/new names
    grep -qx data/moved2/file names
    no_line names '^data/(deleted|gone|moved/)|swap/old|\.wh\.'
    same "$(mstage run tag:second -- cat /data/file)" "$(tar -xOf tree.tar data/file 2>/dev/null || tar -xOf tree.tar data/link)"
}

@test "a registry on loopback: pushed, and pulled the same" {
    require_program docker-registry skopeo umoci
    start_registry
    succeeds mstage export tag:second "docker://$registry/a/app:1"
    local digest=$out
    same "$digest" "$(skopeo inspect --tls-verify=false "docker://$registry/a/app:1" | python3 -c '
import json, sys
print(json.load(sys.stdin)["Digest"])')"
    # The same again moves no layer: the registry has them.
    local puts
    puts=$(grep -c 'http.request.method=PUT.*blobs/uploads' registry.log)
    succeeds mstage export tag:second "docker://$registry/a/app:2"
    same "$digest" "$out"
    same "$puts" "$(grep -c 'http.request.method=PUT.*blobs/uploads' registry.log)"
    skopeo copy --quiet --src-tls-verify=false "docker://$registry/a/app:1" oci:pulled:latest
    unpack pulled:latest
    same_trees "$(image_id second)" bundle/rootfs
    stop_registry
    fails mstage export tag:second "docker://$registry/a/app:1"
}

@test "names with colons on the way" {
    require_program skopeo
    mkdir "a:b"
    cp -a "$MSTAGE_STORE" "a:b/store"
    MSTAGE_STORE="$work/a:b/store" succeeds mstage export tag:second docker-archive:file.tar:x:1
    cd a:b
    MSTAGE_STORE="$work/a:b/store" succeeds mstage export tag:second oci-archive:image.tar
    MSTAGE_STORE="$work/a:b/store" succeeds mstage export tag:second docker-archive:file.tar
    [[ -s image.tar && -s file.tar ]]
}

@test "capabilities, attributes, lists and owners" {
    require_program umoci setfattr setfacl
    cp -a "$file_dir/rootfs" tree
    echo x >tree/file && ln tree/file tree/name && mkdir tree/dir
    setfattr -n user.key -v 0sAAECCg== tree/file
    setfacl -m m::rx tree/file
    # Where there are other ids.
    if with_ids chown 1:2 tree/name 2>/dev/null; then
        with_ids setfacl -m u:1:rw,g:2:r tree/name
        with_ids setfacl -d -m u:1:rwx tree/dir
    fi
    if is_root; then
        setcap cap_net_raw+ep tree/bin/cat
        ln tree/bin/cat tree/bin/other-cat
        chown 1234:54321 tree/dir tree/etc/passwd
        chown -h 3000000:3000000 tree/name
    fi
    succeeds mstage import "rootfs:$work/tree"
    local image=$out
    succeeds mstage export "$image" oci:layout
    unpack layout:latest
    same_trees "$image" bundle/rootfs
}

@test "what was exported is imported as it was, and exported again bit for bit" {
    succeeds mstage export tag:second oci:one:v1
    local digest=$out tree
    tree=$(list_image "$(image_id second)")
    export MSTAGE_STORE="$work/store"
    succeeds mstage import --tag back "oci:$work/one:v1"
    same "$tree" "$(list_image "$out")"
    succeeds mstage export tag:back oci:two:v1
    same "$digest" "$out"
    diff -r one two
}

@test "an image from elsewhere keeps its tree, its config and its history" {
    require_program umoci skopeo
    umoci init --layout made
    umoci new --image made:base
    umoci unpack --rootless --image made:base bundle
    cp -a "$file_dir/rootfs/." bundle/rootfs
    umoci repack --image made:base --history.created_by "ADD rootfs" bundle
    umoci config --image made:base --config.env A=b --config.label x=y --config.entrypoint /bin/sh \
        --config.workingdir /tmp --config.user root --history.comment "labels"
    succeeds mstage import --tag made "oci:$work/made:base"
    local tree
    tree=$(list_image "$out")
    succeeds mstage export tag:made oci:copy
    local before after
    before=$(skopeo inspect --config --raw oci:made:base)
    after=$(skopeo inspect --config --raw oci:copy:latest)
    local what
    for what in config history architecture os created; do
        same "$(json "$before" "json.dumps(d['$what'], sort_keys=True)")" \
            "$(json "$after" "json.dumps(d['$what'], sort_keys=True)")"
    done
    mstage run --tag more tag:made -c 'echo x >/x' 2>/dev/null
    succeeds mstage export tag:more oci:copy:more
    same 'echo x >/x' "$(json "$(skopeo inspect --config oci:copy:more)" 'd["history"][-1]["created_by"]')"
    export MSTAGE_STORE="$work/store"
    succeeds mstage import "oci:$work/copy:latest"
    same "$tree" "$(list_image "$out")"
}
