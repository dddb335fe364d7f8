#!/usr/bin/env bats
# mstage import of container images: what umoci, buildah and docker make is the same here as where they unpack it.

load ../support.bash
load ../oci.bash

setup_file() {
    make_file_dir
    make_rootfs "$file_dir/rootfs"
    if sandboxes_work && command -v umoci >/dev/null; then
        as_image_sees_it bash -c '
            set -e
            cd "$1"
            umoci init --layout layout
            umoci new --image layout:empty
            umoci unpack --image layout:empty bundle
            cp -a rootfs/. bundle/rootfs
            cd bundle/rootfs
            mkdir -p d/sub/deep moved/in replaced/in
            echo 1 >d/sub/deep/f
            echo 2 >d/g
            ln d/g d/h
            ln -s ../nowhere d/link
            mkfifo d/fifo
            echo 3 >moved/in/f
            echo 4 >replaced/in/f
            setfattr -n user.mark -v yes d/g
            setcap cap_net_raw+ep bin/cat
            if chown 123:456 d/g 2>/dev/null; then chmod 4755 d/g; fi
            touch -d @1234567890.123456789 d/sub/deep/f
            touch -h -d @1234567890.987654321 d/link
            cd ../..
            umoci repack --image layout:base bundle
            rm -r bundle
            umoci unpack --image layout:base bundle
            cd bundle/rootfs
            rm -r d/sub d/h
            mv moved moved-away
            rm -r replaced/in
            echo 5 >replaced/in
            rm -r var
            mkdir var
            echo 6 >var/new
            chmod 700 d
            cd ../..
            umoci repack --image layout:changed bundle
            mkdir extra
            echo 7 >extra/e
            umoci tag --image layout:changed inserted
            umoci insert --image layout:inserted extra/e /d/e
            umoci insert --image layout:inserted --opaque extra /moved-away
            umoci insert --image layout:inserted --whiteout /bin/yes
            umoci config --image layout:inserted --config.env A=b=c --config.user 1:2 --config.workingdir /made/here \
                --config.label x=y
            umoci unpack --image layout:inserted inserted
        ' bash "$file_dir" >"$file_dir/umoci.log" 2>&1 || cat "$file_dir/umoci.log"
    fi
}

setup() {
    require_sandbox
    require_program umoci skopeo
    make_work_dir
    export MSTAGE_STORE="$work/store"
    layout=$file_dir/layout
}

teardown() {
    stop_registry
    stop_docker
    remove_tree "$work"
}

# has_tree UUID DIR: the image has the same tree as the directory.
has_tree() {
    same "$(list_tree "$2" as_image_sees_it)" "$(list_image "$1")"
}

# The number of layers in the store.
layers() {
    find "$MSTAGE_STORE/layers" -mindepth 1 -maxdepth 1 -type d | wc -l
}

# --- OCI layouts ------------------------------------------------------------------------------------------------

@test "an image of umoci, with whiteouts, opaque directories and files that were put into it" {
    succeeds mstage import "oci:$layout:inserted"
    local image=$out
    has_tree "$image" "$file_dir/inserted/rootfs"
    succeeds mstage run --user root "$image" -- cat /d/e
    same 7 "$out"
}

@test "layers that images have in common are there once" {
    succeeds mstage import "oci:$layout:base"
    same 1 "$(layers)"
    succeeds mstage import "oci:$layout:changed"
    same 2 "$(layers)"
    succeeds mstage import "oci:$layout:inserted"
    same 5 "$(layers)"
}

@test "environment, working directory and user of the image" {
    succeeds mstage import "oci:$layout:inserted"
    local image=$out
    local config
    config=$(json "$(cat "store/images/$image.json")" 'd["config"]')
    same 'b=c' "$(json "$config" 'd["environment"]["A"]')"
    same '1:2' "$(json "$config" 'd["user"]')"
    same '{"x": "y"}' "$(json "$config" 'd["oci"]["config"]["Labels"]')"
    same true "$(json "$config" 'len(d["oci"]["history"]) > 3')"
    # Nobody made that directory.
    succeeds mstage run "$image" -c 'pwd; echo "$A"'
    same $'/made/here\nb=c' "$out"
}

@test "an archive, plain or compressed, is the same image" {
    succeeds mstage import "oci:$layout:changed"
    local image=$out
    skopeo copy -q "oci:$layout:changed" "oci-archive:$work/image.tar:changed"
    succeeds mstage import "oci-archive:$work/image.tar"
    same "$image" "$out"
    succeeds mstage import "oci-archive:$work/image.tar:changed"
    same "$image" "$out"
    gzip -1 image.tar
    export MSTAGE_STORE="$work/other"
    succeeds mstage import "oci-archive:$work/image.tar.gz"
    same "$(MSTAGE_STORE=$work/store list_image "$image")" "$(list_image "$out")"
    same "" "$(ls other/tmp)"
}

@test "an archive of docker save" {
    skopeo copy -q "oci:$layout:inserted" "docker-archive:$work/image.tar:some/name:1"
    succeeds mstage import "docker-archive:$work/image.tar"
    has_tree "$out" "$file_dir/inserted/rootfs"
    local image=$out
    succeeds mstage import "docker-archive:$work/image.tar:some/name:1"
    same "$image" "$out"
    fails mstage import "docker-archive:$work/image.tar:other"
    has "$err" "its tags are: "
    has "$err" "some/name:1"
}

@test "--refresh of what is still the same changes nothing" {
    cp -a "$layout" layout
    succeeds mstage import "oci:$work/layout:base"
    local image=$out
    local file
    file=$(ls "$work/store/bases/"*)
    touch -d @1000000000 "$file"
    succeeds mstage import --refresh --json "oci:$work/layout:base"
    same "$image" "$(json "$out" 'd["image"]')"
    same false "$(json "$out" 'd["imported"]')"
    same 1000000000 "$(stat -c %Y "$file")"
    umoci tag --image layout:changed base
    succeeds mstage import "oci:$work/layout:base"
    same "$image" "$out"
    succeeds mstage import --refresh "oci:$work/layout:base"
    [[ $out != "$image" ]]
}

@test "what is damaged or missing is named and leaves nothing behind" {
    fails mstage import "oci:$work/nowhere:tag"
    has "$err" "$work/nowhere"
    fails mstage import "oci:$layout:no-such-tag"
    has "$err" "its tags are: "
    misused mstage import oci:layout
    has "$err" "no absolute path"
    mkdir empty
    fails mstage import "oci:$work/empty"
    has "$err" "no OCI image layout"
    cp -a "$layout" layout
    local blob
    blob=$(find layout/blobs/sha256 -type f -size +1000k -printf "%f\n" | head -1)
    printf x | dd of="layout/blobs/sha256/$blob" bs=1 seek=100000 conv=notrunc status=none
    fails mstage import "oci:$work/layout:base"
    has "$err" "layer 1 of 1: blob 'sha256:$blob' has the digest 'sha256:"
    truncate -s -1 "layout/blobs/sha256/$blob"
    fails mstage import "oci:$work/layout:base"
    has "$err" "bytes instead of"
    same 0 "$(layers)"
    same "" "$(ls store/tmp)"
}

# --- Others that make images ------------------------------------------------------------------------------------

@test "an image of buildah" {
    is_root || skip "needs root here"
    require_program buildah runc
    export BUILDAH_ISOLATION=chroot
    local buildah=(buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run")
    local container mounted
    container=$("${buildah[@]}" from scratch)
    mounted=$("${buildah[@]}" mount "$container")
    cp -a "$file_dir/rootfs/." "$mounted"
    mkdir -p "$mounted"/{gone/in,again/in,moved/in}
    touch "$mounted"/{gone,again,moved}/in/f
    echo added >added
    "${buildah[@]}" add -q "$container" added /made/by/add
    "${buildah[@]}" commit -q "$container" first
    container=$("${buildah[@]}" from first)
    "${buildah[@]}" run "$container" -- \
        sh -c 'rm -r /gone /again; mkdir /again; echo x >/again/new; mv /moved /away; rm /bin/yes; ln /made/by/add /l'
    "${buildah[@]}" commit -q "$container" "oci-archive:$work/image.tar:second"
    container=$("${buildah[@]}" from "oci-archive:$work/image.tar:second")
    mounted=$("${buildah[@]}" mount "$container")
    succeeds mstage import "oci-archive:$work/image.tar"
    # A root that no layer names has modes of its own everywhere.
    same "$(list_tree "$mounted" | grep -v "^'\.'")" "$(list_image "$out" | grep -v "^'\.'")"
    "${buildah[@]}" umount -a >/dev/null
}

@test "an image of docker" {
    is_root || skip "docker is for root"
    require_program docker dockerd
    mkdir context
    cp -a "$file_dir/rootfs" context
    cat >context/Dockerfile <<'EOF'
FROM scratch
COPY rootfs /
ENV A=1
RUN ["/bin/sh", "-c", "mkdir -p /d/sub /e/x /f/y && echo 1 >/d/sub/f && echo 2 >/d/g && ln /d/g /d/h && touch /e/x/q /f/y/z"]
RUN ["/bin/sh", "-c", "rm -r /d/sub && mv /e /e2; rm -r /var /f; mkdir /var; echo n >/var/n; chmod 700 /d; touch /f"]
WORKDIR /made/here
EOF
    start_docker
    DOCKER_BUILDKIT=0 docker build --quiet --network none --tag made:1 context 2>/dev/null
    docker save --output image.tar made:1
    docker create --name container made:1 /bin/true >/dev/null
    mkdir exported
    docker export container | tar -x --same-owner --xattrs --xattrs-include='*' -C exported
    succeeds mstage import "docker-archive:$work/image.tar"
    local image=$out
    # The container has what docker mounts over, and tars of containers have whole seconds.
    rm -r exported/.dockerenv exported/{dev,etc,proc,sys}
    local expected found
    expected=$(list_tree exported | sed -E 's/([0-9]{10})[0-9]{9}/\1/' | grep -v "^'\.'")
    found=$(list_image "$image" | sed -E 's/([0-9]{10})[0-9]{9}/\1/' | grep -vE "^'(\.|(dev|etc|proc|sys)(/.*)?)' ")
    same "$expected" "$found"
    succeeds mstage run "$image" -c 'pwd; echo $A'
    same $'/made/here\n1' "$out"
}

# --- Registries -------------------------------------------------------------------------------------------------

@test "an image in a registry on loopback" {
    require_program docker-registry
    start_registry
    skopeo copy -q --dest-tls-verify=false "oci:$layout:inserted" "docker://$registry/a/b:1"
    succeeds mstage import "docker://$registry/a/b:1"
    local image=$out
    has_tree "$image" "$file_dir/inserted/rootfs"
    succeeds mstage import "oci:$layout:inserted"
    same "$image" "$out"
    local digest
    digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$registry/a/b:1")
    succeeds mstage import "docker://$registry/a/b@$digest"
    same "$image" "$out"
    succeeds mstage import "docker://$registry/a/b:1@$digest"
    same "$image" "$out"
    fails mstage import "docker://$registry/a/b@sha256:$(printf '%064d' 0)"
    fails mstage import "docker://$registry/a/missing"
    has "$err" "manifest unknown"
    # The registry may go: what was imported stays.
    stop_registry
    succeeds mstage import "docker://$registry/a/b:1"
    same "$image" "$out"
    fails mstage import --refresh "docker://$registry/a/b:1"
}

@test "layers that the store has are not fetched" {
    require_program docker-registry
    start_registry
    skopeo copy -q --dest-tls-verify=false "oci:$layout:base" "docker://$registry/app:1"
    succeeds mstage import "docker://$registry/app:1"
    local image=$out
    local big
    big=$(skopeo inspect --raw --tls-verify=false "docker://$registry/app:1" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["layers"][0]["digest"])')
    fetched() { grep -c "GET /v2/app/blobs/$big" "$work/registry.log"; }
    same 1 "$(fetched)"
    succeeds mstage import --refresh "docker://$registry/app:1"
    same "$image" "$out"
    skopeo copy -q --dest-tls-verify=false "oci:$layout:inserted" "docker://$registry/app:1"
    succeeds mstage import --refresh "docker://$registry/app:1"
    [[ $out != "$image" ]]
    has_tree "$out" "$file_dir/inserted/rootfs"
    same 1 "$(fetched)"
}

@test "an index for several machines, Docker's formats, and a registry that cannot be trusted" {
    require_program docker-registry
    start_registry
    local to=(skopeo copy -q --dest-tls-verify=false)
    "${to[@]}" --format v2s2 "oci:$layout:base" "docker://$registry/app:v2s2"
    "${to[@]}" --format v2s1 "oci:$layout:base" "docker://$registry/app:v2s1"
    succeeds mstage import "docker://$registry/app:v2s2"
    succeeds mstage import "oci:$layout:base"
    local image=$out
    succeeds mstage import "docker://$registry/app:v2s1"
    same "$(list_image "$image")" "$(list_image "$out")"
    # An index with the image for this machine, and another.
    local media
    media=application/vnd.docker.distribution.manifest
    python3 - "$registry" "$media" <<'EOF'
import json, platform, sys, urllib.request
registry, media = sys.argv[1:]
request = urllib.request.Request(f"http://{registry}/v2/app/manifests/v2s2", headers={"Accept": media + ".v2+json"})
with urllib.request.urlopen(request) as response:
    digest, size = response.headers["Docker-Content-Digest"], len(response.read())
here = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
entry = {"mediaType": media + ".v2+json", "digest": digest, "size": size}
def put(tag, machines):
    index = {"schemaVersion": 2, "mediaType": media + ".list.v2+json",
             "manifests": [{**entry, "platform": {"os": "linux", "architecture": name}} for name in machines]}
    urllib.request.urlopen(urllib.request.Request(
        f"http://{registry}/v2/app/manifests/{tag}", method="PUT", data=json.dumps(index).encode(),
        headers={"Content-Type": media + ".list.v2+json"}))
put("all", ["vax", here])
put("others", ["vax"])
EOF
    succeeds mstage import "docker://$registry/app:v2s2"
    image=$out
    succeeds mstage import "docker://$registry/app:all"
    same "$image" "$out"
    fails mstage import "docker://$registry/app:others"
    has "$err" "but for: linux/vax"
    # The registry changes a layer under its digest.
    local blob
    blob=$(find "$work/registry" -name data -size +1000k | head -1)
    printf x | dd of="$blob" bs=1 seek=100000 conv=notrunc status=none
    export MSTAGE_STORE="$work/other"
    fails mstage import "docker://$registry/app:v2s2"
    same 0 "$(layers)"
}

@test "a user's name and password are refused and not repeated" {
    misused mstage import docker://me:secret@localhost:1/a
    has "$err" "skopeo login"
    has_not "$err" secret
}

@test "skopeo is only needed for registries" {
    succeeds mstage import "oci:$layout:base"
    mkdir bin
    local program
    for program in bwrap newuidmap newgidmap; do
        ln -s "$(command -v "$program")" bin/ 2>/dev/null || true
    done
    fails env PATH="$work/bin" "$MSTAGE_EXECUTABLE" import docker://localhost:1/a
    has "$err" "program 'skopeo' was not found"
    has "$err" "install the package 'skopeo'"
}
