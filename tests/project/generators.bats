#!/usr/bin/env bats
# The same project with each generator that there is, the real helper, odd paths, and clocks that are wrong.

load ../support.bash
load project.bash

# with GENERATOR SOURCE BUILD [ARGUMENT...]
with() {
    local generator=$1
    shift
    configure_in "$1" "$2" -G "$generator" "${@:3}"
}

# make_in BUILD TARGET [ARGUMENT...]
make_in() {
    call cmake --build "$1" --target "$2" "${@:3}"
    [[ $code == 0 ]] || blame "the build failed"
}

# Build, again, a change, back: what ran is what had to.
usual_rounds() {
    make_in "$1" build-complete -j2 || return
    make_in "$1" build-complete -j2 || return
    same "install 1, build 1" "$(runs)" || return
    later
    touch "$2/src/a.txt"
    make_in "$1" build-complete || return
    same "install 1, build 1" "$(runs)" || return
    later
    echo changed >"$2/src/a.txt"
    make_in "$1" build-complete || return
    same "install 1, build 2" "$(runs)" || return
    later
    echo new >"$2/src/new.txt"
    make_in "$1" build-complete || return
    same "install 1, build 3" "$(runs)" || return
    later
    rm "$2/src/new.txt"
    make_in "$1" build-complete || return
    make_in "$1" build-complete || return
    same "install 1, build 3" "$(runs)"
}

@test "Unix Makefiles" {
    with "Unix Makefiles" project build
    usual_rounds build project
    call ctest --test-dir build --output-on-failure
    [[ $code == 0 ]] || blame "ctest failed"
    same "install 1, build 3" "$(runs)"
}

@test "Ninja Multi-Config: each configuration has its checkpoints, and restores what is the same" {
    with "Ninja Multi-Config" project build -D SAMPLE_BUILD='cat src/* >/result && echo $<CONFIG> >/config'
    usual_rounds build project
    make_in build build-complete --config Release
    same "install 1, build 4" "$(runs)"
    succeeds mstage -C build cat build-complete:/config
    same Debug "$out"
    succeeds mstage -C build --config Release cat app.build-complete:/config
    same Release "$out"
    succeeds mstage -C build cat app.build-complete:Release:/config # as status calls it
    same Release "$out"
    misused mstage -C build --config Fast cat app.build-complete:/config
    has "$err" "has no configuration 'Fast'"
    succeeds mstage -C build status
    has "$out" "app (Debug)"
    has "$out" "app (Release)"
    call ctest --test-dir build -C RelWithDebInfo --output-on-failure
    [[ $code == 0 ]] || blame "ctest failed"
    same "install 1, build 5" "$(runs)"
    # What the report says is what works.
    with "Ninja Multi-Config" project build -D SAMPLE_BUILD='$<IF:$<CONFIG:Release>,exit 3,true>'
    call cmake --build build --config Release --target build-complete
    has "$out" "ninja -C $work/build -f build-Release.ninja build-complete"
    has "$out" "shell --config Release app.build-complete@failed"
    make_in build build-complete --config Debug
}

@test "a source and a build tree with odd names, with each generator" {
    local generator odd
    for generator in Ninja "Ninja Multi-Config" "Unix Makefiles"; do
        odd="odd ü, (1) ${generator// /_}"
        mkdir "$odd"
        cp -r project "$odd/the source"
        with "$generator" "$odd/the source" "$odd/the build"
        export MSTAGE_STORE="$work/$odd/the store"
        usual_rounds "$odd/the build" "$odd/the source"
    done
}

@test "times of whole seconds, and times in the future" {
    configure
    touch -d @1700000000 project/src/*
    build
    # The same size and second, another content: the change of the inode's own time tells.
    echo fjrst >project/src/a.txt
    touch -d @1700000000 project/src/a.txt
    touch -d @1700000000 project/src/b.txt
    later
    touch project/src
    build
    has "$(image_file build-complete:/result)" fjrst
    touch -d @4000000000 project/src/a.txt
    build
    same "install 1, build 2" "$(runs)"
    echo later >project/src/a.txt
    touch -d @4000000001 project/src/a.txt
    build
    same "install 1, build 3" "$(runs)"
}

@test "a build tree by way of a link, and one that was moved" {
    mkdir real
    ln -s real link
    configure_in project link/build
    call ninja -C link/build build-complete
    [[ $code == 0 ]] || blame "the build failed"
    call ninja -C real/build build-complete
    [[ $code == 0 ]] || blame "the build failed"
    same "install 1, build 1" "$(runs)"
    succeeds mstage -C real/build cat build-complete:/result
    # CMake wants a moved tree configured anew; its checkpoints are then restored.
    mv real/build moved
    rm moved/CMakeCache.txt
    configure_in project moved
    call ninja -C moved build-complete
    [[ $code == 0 ]] || blame "the build failed"
    same "install 1, build 1" "$(runs)"
}

@test "a store that is full says so, keeps what there is, and goes on when there is room" {
    unshare --mount --map-root-user true 2>/dev/null || unavailable "no mount namespaces"
    mkdir full
    configure -D SAMPLE_BUILD='dd if=/dev/zero of=/big bs=1M count=24 2>/dev/null && cat src/* >/result'
    cat >script <<'END'
set -e
mount -t tmpfs -o size=60m none full
dd if=/dev/zero of=full/filler bs=1M count=48 2>/dev/null
export MSTAGE_STORE=$PWD/full/store
ninja -C build deps-installed >first 2>&1
ninja -C build build-complete >second 2>&1 && exit 9
ls build/.mstage/app/*.checkpoint >markers
rm full/filler
ninja -C build build-complete >third 2>&1
END
    if is_root; then
        call unshare --mount bash script
    else
        call unshare --user --map-root-user --mount bash script
    fi
    [[ $code == 0 ]] || blame "$(cat first second third 2>/dev/null)"
    has "$(cat markers)" deps-installed.checkpoint
    has_not "$(cat markers)" build-complete.checkpoint
    has "$(cat third)" "app.build-complete is"
    has_not "$(cat third)" "app.deps-installed is"
}
