# What the tests of container images share: a registry, and listings of trees to compare. To be loaded behind
# support.bash.
# shellcheck shell=bash

# --- A registry on loopback -------------------------------------------------------------------------------------

# Starts a registry with its data in $work/registry; sets $registry to 127.0.0.1:PORT. stop_registry belongs into
# teardown.
start_registry() {
    local log="$work/registry.log"
    cat >"$work/registry.yml" <<EOF
version: 0.1
storage:
  filesystem:
    rootdirectory: $work/registry
  delete:
    enabled: true
http:
  addr: 127.0.0.1:0
compatibility:
  schema1:
    enabled: true
EOF
    # The kernel picks the port, and the log names it.
    docker-registry serve "$work/registry.yml" >"$log" 2>&1 3>&- &
    registry_pid=$!
    eventually grep -q 'listening on 127.0.0.1:' "$log" || return
    export registry
    registry=$(sed -n 's/.*listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' "$log")
}

stop_registry() {
    if [[ ${registry_pid:-} ]]; then
        kill "$registry_pid" 2>/dev/null || true
        wait "$registry_pid" 2>/dev/null || true
        registry_pid=
    fi
}

# --- Docker, for root -------------------------------------------------------------------------------------------

# start_docker [OPTION...]: a daemon of the test's own, without a network; DOCKER_HOST says where, and its data are in
# $work/docker. stop_docker belongs into teardown.
start_docker() {
    mkdir "$work/docker"
    export DOCKER_HOST="unix://$work/docker/socket"
    dockerd --bridge=none --iptables=false --data-root "$work/docker/data" --exec-root "$work/docker/exec" \
        --pidfile "$work/docker/pid" --host "$DOCKER_HOST" "$@" >"$work/docker.log" 2>&1 3>&- &
    docker_pid=$!
    eventually docker version >/dev/null 2>&1 || { cat "$work/docker.log"; return 1; }
}

stop_docker() {
    [[ ${docker_pid:-} ]] || return 0
    kill "$docker_pid" 2>/dev/null || true
    wait "$docker_pid" 2>/dev/null || true
    docker_pid=
    # Where mounts are private it mounts its directory on itself, and leaves that.
    while umount --lazy "$work/docker/data" 2>/dev/null; do :; done
}

# ----------------------------------------------------------------------------------------------------------------

require_program() {
    local program
    for program; do
        command -v "$program" >/dev/null || unavailable "$program is not installed"
    done
}

# --- Trees ------------------------------------------------------------------------------------------------------

tests_dir=$(cd "${BASH_SOURCE[0]%/*}" && pwd)

# list_tree DIR: everything about a tree that an image is to keep; equal trees have equal listings. The arguments behind
# the directory are a command to run the listing with (buildah unshare, say).
list_tree() {
    local dir=$1
    shift
    "$@" python3 "$tests_dir/list-tree" "$dir"
}

# Runs a command where files of this user's other ids are seen as an image has them.
as_image_sees_it() {
    if is_root; then
        unshare --mount "$@"
    elif unshare --user --map-root-user --map-auto true 2>/dev/null; then
        unshare --user --map-root-user --map-auto --mount "$@"
    else
        unshare --user --map-root-user --mount "$@"
    fi
}

# list_image UUID: the same of an image in the store, its layers mounted by this script and not by mstage.
list_image() {
    # shellcheck disable=SC2016  # the inner shell's variables
    as_image_sees_it bash -c '
        set -e
        mount -t tmpfs none /mnt
        mkdir /mnt/nothing /mnt/root
        lowers=$(python3 -c "
import json, sys
print(*reversed(json.load(open(sys.argv[1]))[\"layers\"]), sep=\":\")" "$1")
        cd "$2/layers"
        mount -t overlay -o "ro,userxattr,lowerdir=$lowers:/mnt/nothing" none /mnt/root
        exec python3 "$3" /mnt/root
    ' bash "$MSTAGE_STORE/images/$1.json" "$MSTAGE_STORE" "$tests_dir/list-tree"
}
