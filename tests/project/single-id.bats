#!/usr/bin/env bats
# A user without ranges of ids, who later gets some: one store, but what he made with a single id, all of it his own, is
# not taken for what has real owners.

load ../support.bash
load project.bash

USER_ID=61234

setup() {
    is_root || skip "for root only, who can be anybody"
    make_project
    # He needs to come to all this.
    chmod 755 "$work" "$file_dir"
    install -m 755 "$MSTAGE_EXECUTABLE" "$work/mstage"
    cp -r "$BATS_TEST_DIRNAME/../../cmake" "$work/cmake"
    MSTAGE_EXECUTABLE=$work/mstage
    # shellcheck disable=SC2034  # of project.bash
    module_dir=$work/cmake
    mkdir store
    printf '%s\nstranger:x:%s:%s::/:/bin/sh\n' "$(cat /etc/passwd)" $USER_ID $USER_ID >passwd
    : >ranges
    configure
    chown -R $USER_ID:$USER_ID project build store cmake
}

# as_stranger COMMAND...: as a user of the machine whose ranges are what is in `ranges`.
as_stranger() {
    # shellcheck disable=SC2016  # the inner shell's variables
    unshare --mount bash -ec '
        mount --make-rprivate /
        mount --bind passwd /etc/passwd
        mount --bind ranges /etc/subuid
        mount --bind ranges /etc/subgid
        id=$1
        shift
        exec setpriv --reuid "$id" --regid "$id" --clear-groups "$@"
    ' bash $USER_ID "$@"
}

build_as_stranger() {
    call as_stranger ninja -C build build-complete
    [[ $code == 0 ]] || blame "the build failed"
}

engine_of() {
    json "$(cat "store/images/$(image_of "$1").json")" 'd["key_parts"]["engine"]'
}

@test "bases and keys of a single id are its own" {
    build_as_stranger
    local base build
    base=$(image_of setup-base) build=$(image_of build-complete)
    has "$(engine_of build-complete)" single
    has "$(as_stranger ./mstage -C build ls setup-base:/etc)" " 0:0 "

    echo "$USER_ID:3000000:65536" >ranges
    rm build/.mstage/app/*.checkpoint
    build_as_stranger
    [[ $(image_of setup-base) != "$base" && $(image_of build-complete) != "$build" ]]
    has_not "$(engine_of build-complete)" single
    same "install 2, build 2" "$(runs)"

    # And back: all is there.
    : >ranges
    rm build/.mstage/app/*.checkpoint
    build_as_stranger
    same "$base $build" "$(image_of setup-base) $(image_of build-complete)"
    same "install 2, build 2" "$(runs)"
    # What belongs to ids of the ranges goes with them.
    echo "$USER_ID:3000000:65536" >ranges
    as_stranger unshare --map-auto --map-root-user rm -rf store/layers
}
