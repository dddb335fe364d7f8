#!/usr/bin/env bats
# What runs again when, and what does not.

load ../support.bash
load project.bash
load ../oci.bash

built() {
    configure "$@"
    build
    same "install 1, build 1" "$(runs)"
    later
}

@test "configure, build, test; then there is nothing to do" {
    built
    has "$out" "app: build-complete"
    same "first
second" "$(image_file build-complete:/result)"
    starts_no_process
    starts_no_process app.build-complete
    call ctest --test-dir build --output-on-failure
    [[ $code == 0 ]] || blame "ctest failed"
    has "$out" "100% tests passed"
    starts_no_process
    same "install 1, build 1" "$(runs)"
}

@test "a file that only the build sees" {
    built
    echo changed >project/src/a.txt
    build
    same "install 1, build 2" "$(runs)"
    same "changed
second" "$(image_file build-complete:/result)"
    starts_no_process
}

@test "a file that the install stage sees" {
    built
    echo "another library" >project/deps.txt
    build
    same "install 2, build 2" "$(runs)"
    same "another library" "$(image_file build-complete:/deps)"
    starts_no_process
}

@test "touched but unchanged: nothing runs in a sandbox" {
    built
    local before
    before=$(stat -c %y build/.mstage/app/build-complete.checkpoint)
    touch project/src/* project/deps.txt project
    build
    same "install 1, build 1" "$(runs)"
    same "$before" "$(stat -c %y build/.mstage/app/build-complete.checkpoint)"
    starts_no_process
}

# The next build does what is to be done, after which the build stage has run so many times.
runs_build_again() {
    build
    same "install 1, build $1" "$(runs)"
    nothing_to_do
}

@test "files and directories that come, go and are renamed" {
    built
    echo third >project/src/c.txt
    runs_build_again 2
    has "$(image_file build-complete:/listing)" ./src/c.txt
    later
    mv project/src/c.txt project/src/d.txt
    runs_build_again 3
    has "$(image_file build-complete:/listing)" ./src/d.txt
    has_not "$(image_file build-complete:/listing)" ./src/c.txt
    later
    rm project/src/d.txt
    # The same state as in the beginning: it is restored.
    runs_build_again 3
    has_not "$(image_file build-complete:/listing)" ./src/d.txt
    later
    mkdir -p project/new/empty
    runs_build_again 4
    has "$(image_file build-complete:/listing)" ./new/empty
    later
    touch project/new/empty/.hidden
    runs_build_again 5
    has "$(image_file build-complete:/listing)" ./new/empty/.hidden
    later
    rm -r project/new
    runs_build_again 5
    has_not "$(image_file build-complete:/listing)" ./new
}

@test "links that point elsewhere; files that become directories and back" {
    ln -s a.txt project/src/link
    built
    same "first
second
first" "$(image_file build-complete:/result)"
    ln -sfn b.txt project/src/link
    runs_build_again 2
    same "first
second
second" "$(image_file build-complete:/result)"
    later
    echo file >project/thing
    runs_build_again 3
    later
    rm project/thing
    mkdir project/thing
    touch project/thing/inside
    runs_build_again 4
    has "$(image_file build-complete:/listing)" ./thing/inside
    later
    rm -r project/thing
    echo file >project/thing
    runs_build_again 4
    has_not "$(image_file build-complete:/listing)" ./thing/inside
    later
    rm project/thing
    ln -s src project/thing
    runs_build_again 5
}

@test "a mode that changed is noticed with MSTAGE_SCAN_EVERY_BUILD" {
    built -D SAMPLE_BUILD="stat -c %a src/a.txt >/mode; cat src/* >/result" -D MSTAGE_SCAN_EVERY_BUILD=ON
    chmod 0751 project/src/a.txt
    build
    same "install 1, build 2" "$(runs)"
    same 751 "$(image_file build-complete:/mode)"
}

@test "a mode that changed is noticed by the next scan otherwise" {
    built -D SAMPLE_BUILD="stat -c %a src/a.txt >/mode; cat src/* >/result"
    chmod 0751 project/src/a.txt
    build
    same "install 1, build 1" "$(runs)"
    touch project/src/b.txt
    build
    same "install 1, build 2" "$(runs)"
    same 751 "$(image_file build-complete:/mode)"
}

@test "an earlier revision is restored, not run" {
    git -C project init -q
    git -C project config user.email nobody@example.com
    git -C project config user.name nobody
    git -C project add .
    git -C project commit -q -m one
    built
    local first
    first=$(image_of build-complete)
    echo changed >project/src/a.txt
    echo "another library" >project/deps.txt
    git -C project commit -q -a -m two
    build
    same "install 2, build 2" "$(runs)"
    later
    git -C project checkout -q HEAD~1
    build
    has "$out" "restored"
    same "install 2, build 2" "$(runs)"
    same "$first" "$(image_of build-complete)"
    same "first
second" "$(image_file build-complete:/result)"
    starts_no_process
}

@test "after ninja clean, and in a new build tree, all is restored" {
    built
    local first
    first=$(image_of build-complete)
    call ninja -C build clean
    absent build/.mstage/app/build-complete.checkpoint
    build
    same "install 1, build 1" "$(runs)"
    same "$first" "$(image_of build-complete)"
    nothing_to_do
    rm -r build
    configure
    build
    same "install 1, build 1" "$(runs)"
    same "$first" "$(image_of build-complete)"
    nothing_to_do
}

@test "a marker that was deleted is made again, without running" {
    built
    rm build/.mstage/app/deps-installed.checkpoint
    build
    same "install 1, build 1" "$(runs)"
    nothing_to_do
}

@test "a marker that a power cut emptied counts for none, and is made again without running" {
    built
    : >build/.mstage/app/build-complete.checkpoint
    succeeds mstage -C build status --json
    same not-built "$(json "$out" '[c["state"] for c in d["checkpoints"] if c["checkpoint"] == "build-complete"][0]')"
    absent build/.mstage/app/build-complete.checkpoint
    build
    same "install 1, build 1" "$(runs)"
    same "first
second" "$(image_file build-complete:/result)"
    nothing_to_do
}

@test "a source that is a symbolic link: its files are watched, and where it points" {
    ln -s project link
    configure_in link build
    build
    build
    same "install 1, build 1" "$(runs)"
    echo edited >project/src/a.txt
    build
    same "edited
second" "$(image_file build-complete:/result)"
    # Older than all that was built.
    cp -r project other
    echo other >other/src/a.txt
    touch -d 2001-01-01 other other/src other/src/a.txt
    ln -sfn other link
    build
    same "other
second" "$(image_file build-complete:/result)"
    same "install 1, build 3" "$(runs)"
}

@test "a command that changed: that stage and what follows" {
    built
    configure -D SAMPLE_BUILD="cat src/* >/result2"
    build
    same "install 1, build 2" "$(runs)"
    later
    configure -D SAMPLE_INSTALL="cat deps.txt deps.txt >/deps" -D SAMPLE_BUILD="cat src/* >/result2"
    build
    same "install 2, build 3" "$(runs)"
    nothing_to_do
}

@test "a time-out, LIVE or another helper change nothing" {
    cp "$MSTAGE_EXECUTABLE" helper
    built -D MSTAGE_EXECUTABLE="$work/helper"
    touch helper
    starts_no_process
    cp "$MSTAGE_EXECUTABLE" helper.new
    mv helper.new helper
    starts_no_process
    configure -D MSTAGE_EXECUTABLE="$work/helper" -D SAMPLE_TIMEOUT=1000
    build
    later
    configure -D MSTAGE_EXECUTABLE="$work/helper" -D SAMPLE_TIMEOUT=1000 -D SAMPLE_LIVE=ON
    build
    later
    configure
    build
    same "install 1, build 1" "$(runs)"
    nothing_to_do
}

@test "more than 1000 files: cheap when there is nothing to do, and changes are noticed" {
    mkdir -p project/many/sub
    (cd project/many && seq 1500 | split -l 1 -a 4 -d - file)
    configure -D SAMPLE_BUILD="cat many/file0000 many/file0001 >/result; stat -c %a many/file0002 >>/result"
    build
    later
    local began
    began=$(now_ms)
    build
    (($(now_ms) - began < 20000))
    has_not "$out" "build-complete]"
    same "install 1, build 1" "$(runs)"
    echo changed >project/many/file0001
    build
    same "install 1, build 2" "$(runs)"
    same changed "$(image_file build-complete:/result | sed -n 2p)"
    # Here modes are noticed at once.
    chmod 0751 project/many/file0002
    build
    same "install 1, build 3" "$(runs)"
    same 751 "$(image_file build-complete:/result | sed -n 3p)"
    rm project/many/file1499
    build
    same "install 1, build 4" "$(runs)"
}

@test "a source that is edited while a stage runs: the old state now, the new one next time" {
    configure -D SAMPLE_BUILD="sleep 2; cat src/a.txt >/result"
    ninja -C build build-complete >/dev/null 2>&1 3>&- &
    local pid=$!
    eventually grep -q . build/.mstage/app/deps-installed.checkpoint
    sleep 0.5
    echo "edited" >project/src/a.txt
    wait "$pid"
    same first "$(image_file build-complete:/result)"
    build
    same edited "$(image_file build-complete:/result)"
    same "install 1, build 2" "$(runs)"
    nothing_to_do
}

@test "a tag that moves, and a base that is imported again" {
    mstage import --tag ground "rootfs:$file_dir/rootfs" >/dev/null
    mstage run --tag other tag:ground -- touch /other
    configure -D SAMPLE_BASE=tag:ground
    build
    nothing_to_do
    later
    mstage tag tag:other ground
    build
    same "install 2, build 2" "$(runs)"
    mstage -C build ls build-complete:/other
    nothing_to_do

    cp -a "$file_dir/rootfs" tree
    configure -D SAMPLE_BASE="rootfs:$work/tree"
    build
    same "install 3, build 3" "$(runs)"
    echo new >tree/etc/new
    nothing_to_do
    mstage import --refresh "rootfs:$work/tree" >/dev/null
    build
    same "install 4, build 4" "$(runs)"
    same new "$(image_file build-complete:/etc/new)"
}

@test "a store that was deleted is filled again" {
    built
    remove_tree "$work/store"
    cd "$work"
    build
    same "install 1, build 1" "$(runs)"
    same "first
second" "$(image_file build-complete:/result)"
    nothing_to_do
}

@test "two build trees share a store: each stage runs once, also when both build at once" {
    configure_in project build -D SAMPLE_INSTALL="sleep 1; cat deps.txt >/deps"
    configure_in project build2 -D SAMPLE_INSTALL="sleep 1; cat deps.txt >/deps"
    ninja -C build build-complete >log1 2>&1 3>&- &
    local pid=$!
    ninja -C build2 build-complete >log2 2>&1 3>&-
    wait "$pid" || { cat log1; false; }
    same "install 1, build 1" "$(runs)"
    cmp build/.mstage/app/build-complete.checkpoint build2/.mstage/app/build-complete.checkpoint
}

@test "build trees side by side in the source are no source" {
    local tree
    for tree in a b; do
        configure_in project "project/build/$tree"
    done
    for tree in a b a b; do
        call ninja -C "project/build/$tree" build-complete
        [[ $code == 0 ]] || blame "the build in $tree failed"
        later
    done
    has "$out" "no work to do"
    same "install 1, build 1" "$(runs)"
    has_not "$(mstage -C project/build/a cat build-complete:/listing)" ./build/
}

@test "branches from one checkpoint run side by side" {
    cat >project/more.cmake <<'END'
foreach(branch IN ITEMS left right)
  # Each waits for the other.
  multi_stage_add_stage(app ${branch} FROM deps-installed
    COMMAND "touch /c/${branch}; until [ -e /c/left ] && [ -e /c/right ]; do sleep 0.05; done; echo ${branch} >/${branch}"
    CHECKPOINT ${branch}-done INPUTS NONE CACHE /c TIMEOUT 100)
endforeach()
END
    configure
    build deps-installed
    build -j4 left-done right-done
    same "install 1, left 1, right 1" "$(runs)"
    same left "$(image_file left-done:/left)"
    run -1 mstage -C build ls right-done:/left
    nothing_to_do left-done right-done
}

@test "a pipeline in a subdirectory" {
    mkdir project/part
    mv project/src project/deps.txt project/part
    sed 's/^cmake_minimum.*//; s/^project(.*//; s/^enable_testing.*//' project/CMakeLists.txt >project/part/CMakeLists.txt
    cat >project/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.22)
project(outer LANGUAGES NONE)
enable_testing()
add_subdirectory(part)
END
    configure
    build
    same "install 1, build 1" "$(runs)"
    starts_no_process
    echo changed >project/part/src/a.txt
    build
    same "install 1, build 2" "$(runs)"
}

@test "artifacts are delivered, come back when deleted, and follow their checkpoint" {
    cat >project/more.cmake <<'END'
multi_stage_add_artifact(app FROM build-complete PATH /result "/out/*" DESTINATION delivered)
END
    configure -D SAMPLE_BUILD="cat src/* >/result; mkdir /out; cp src/* /out; ln -s a.txt /out/link"
    build artifacts
    same "first
second" "$(cat build/delivered/result)"
    same first "$(cat build/delivered/link)"
    starts_no_process artifacts
    rm build/delivered/result
    build artifacts
    [[ -f build/delivered/result ]]
    nothing_to_do artifacts
    later
    echo changed >project/src/a.txt
    build artifacts
    same "changed
second" "$(cat build/delivered/result)"
    same changed "$(cat build/delivered/a.txt)"
    nothing_to_do artifacts
}

@test "an exported image holds no source file as it was before" {
    echo marker-of-old >project/src/a.txt
    echo marker-of-removed >project/src/c.txt
    ln -s a.txt project/src/link
    built -D SAMPLE_BUILD="cat src/* >/result"
    rm project/src/c.txt
    build
    later
    echo new >project/src/a.txt
    echo another library >project/deps.txt
    build
    same "install 2, build 3" "$(runs)"
    local id tree
    id=$(image_of build-complete)
    # Kept as what changed: otherwise there would be nothing to see here.
    ls store/layers/*.continues
    # The store's links between snapshots are nobody's.
    tree=$(list_image "$id" | sed "s/ =b'.*//; s/ *$//")
    succeeds mstage -C build export --compression none build-complete "oci:$work/one"
    local digest=$out
    succeeds mstage -C build export --compression none build-complete "oci:$work/two"
    same "$digest" "$out"
    diff -r one two
    if grep -rl marker-of- one; then
        blame "a layer has what a source file was before"
    fi
    # base, source and result of the one stage, of the other
    same 5 "$(python3 -c '
import glob, json
print(max(len(json.load(open(f)).get("layers", [])) for f in glob.glob("one/blobs/sha256/*") if open(f, "rb").read(1) == b"{"))')"
    MSTAGE_STORE=$work/other succeeds mstage import "oci:$work/one"
    same "$tree" "$(MSTAGE_STORE=$work/other list_image "$out" | sed 's/ *$//')"
}
