#!/usr/bin/env bats
# Going back, with Ninja: after each rollback the next build does what `mstage rollback -n` said.

load ../support.bash
load project.bash

ninja_options=()

# What `mstage rollback -n ARGUMENT...` says that the next build would do, in alphabetical order.
foreseen() {
    json "$(mstage -C "${tree:-build}" rollback -n --json "$@")" \
        '"\n".join(sorted(c["checkpoint"] + " " + c["action"] for c in d["next_build"]))'
}

# What the last build (in $out) did with the checkpoints of FORESEEN: those that it says nothing about it left alone.
done_by_build() {
    python3 - "$out" "$1" <<'END'
import re, sys
out, foreseen = sys.argv[1:]
actions = {line.split()[0]: "keep" for line in foreseen.splitlines()}
for name, how in re.findall(r"^mstage: (\S+) is \S+ \((\w+)", out, re.M):
    actions[name] = {"ran": "run", "restored": "restore", "imported": "import"}.get(how, "keep")
print("\n".join(sorted(f"{name} {action}" for name, action in actions.items())))
END
}

build_checkpoints() {
    call ninja -C "${tree:-build}" "${ninja_options[@]}" "${@:-checkpoints}"
    [[ $code == 0 ]] || blame "the build failed"
}

# does_as_foreseen ARGUMENT...: goes back, and builds everything.
does_as_foreseen() {
    local expected
    expected=$(foreseen "$@")
    call mstage -C "${tree:-build}" rollback "$@"
    [[ $code == 0 ]] || blame "the rollback failed" || return
    build_checkpoints || return
    same "$expected" "$(done_by_build "$expected")"
}

# The next build leaves everything alone, but says of CHECKPOINT that it is pinned.
only_says_pinned() {
    build_checkpoints || return
    has "$out" "mstage: $1 is " || return
    has "$out" "(pinned " || return
    has_not "$out" "(ran in" || return
    has_not "$out" "(restored"
}

nothing_left_to_do() {
    build_checkpoints "$@" || return
    has "$out" "no work to do"
}

built() {
    configure "$@"
    build_checkpoints
    later
}

@test "back to a checkpoint: what is behind it runs again" {
    built
    same "app.build-complete run
app.deps-installed keep
app.setup-base keep" "$(foreseen deps-installed)"
    does_as_foreseen deps-installed
    same "install 1, build 2" "$(runs)"
    starts_no_process
    does_as_foreseen setup-base
    same "install 2, build 3" "$(runs)"
    nothing_left_to_do
    does_as_foreseen build-complete
    nothing_left_to_do
    same "install 2, build 3" "$(runs)"
}

@test "ninja rollback-<checkpoint>" {
    built
    call ninja -C build rollback-deps-installed
    [[ $code == 0 ]] || blame "it failed"
    has "$out" "drop      app.build-complete"
    absent build/.mstage/app/build-complete.checkpoint
    build
    same "install 1, build 2" "$(runs)"
    call ninja -C build app.rollback-setup-base
    absent build/.mstage/app/deps-installed.checkpoint
    build
    same "install 2, build 3" "$(runs)"
    nothing_left_to_do
}

@test "an upgrade that turns out bad: back to the generation before, pinned, and on again" {
    built
    local old_deps old_complete new_complete
    old_deps=$(image_of deps-installed)
    old_complete=$(image_of build-complete)
    configure -D SAMPLE_INSTALL="echo bad library >/deps"
    build_checkpoints
    new_complete=$(image_of build-complete)
    later
    same "app.build-complete restore
app.deps-installed keep
app.setup-base keep" "$(foreseen deps-installed --to @-1)"
    does_as_foreseen deps-installed --to @-1
    same "$old_deps" "$(image_of deps-installed)"
    same "$old_complete" "$(image_of build-complete)"
    only_says_pinned app.deps-installed
    only_says_pinned app.deps-installed
    # An edit of the source builds on what was put back.
    later
    echo edited >project/src/a.txt
    build_checkpoints
    has "$out" "(ran in"
    same "$(cat project/deps.txt)" "$(image_file build-complete:/deps)"
    same "install 2, build 3" "$(runs)"
    only_says_pinned app.deps-installed
    later
    echo first >project/src/a.txt
    does_as_foreseen --unpin deps-installed
    same "$new_complete" "$(image_of build-complete)"
    nothing_left_to_do
    does_as_foreseen --undo
    same "$old_deps" "$(image_of deps-installed)"
    only_says_pinned app.deps-installed
    does_as_foreseen --undo
    same "$new_complete" "$(image_of build-complete)"
    nothing_left_to_do
    same "install 2, build 3" "$(runs)"
    fails mstage -C build rollback --undo
}

@test "what is taken back is looked at again, whatever was built meanwhile" {
    built
    local first
    first=$(image_of build-complete)
    cp project/deps.txt deps.before
    does_as_foreseen deps-installed
    later
    # Built on another install stage meanwhile: by the times of the files all would be well afterwards.
    echo "another library" >project/deps.txt
    build_checkpoints
    later
    does_as_foreseen --undo
    same "another library" "$(image_file build-complete:/deps)"
    nothing_left_to_do
    later
    cp deps.before project/deps.txt
    build_checkpoints
    nothing_left_to_do
    [[ $first != "$(image_of build-complete)" ]]
}

@test "a mode that changed, which Ninja does not see" {
    built -D SAMPLE_BUILD="stat -c %a src/a.txt >/result"
    chmod 0751 project/src/a.txt
    does_as_foreseen deps-installed
    same 751 "$(image_file build-complete:/result)"
    nothing_left_to_do
    chmod 0644 project/src/a.txt
    does_as_foreseen --undo
    same 644 "$(image_file build-complete:/result)"
    nothing_left_to_do
}

@test "more than 1000 files" {
    mkdir project/many
    (cd project/many && seq 1200 | split -l 1 -a 4 -d - file)
    built
    echo changed >project/many/file0007
    does_as_foreseen deps-installed
    same "install 1, build 2" "$(runs)"
    later
    echo 8 >project/many/file0007
    does_as_foreseen build-complete --to @-1
    only_says_pinned app.build-complete
    does_as_foreseen --undo
    same "install 1, build 3" "$(runs)"
}

@test "branches, copies and other pipelines" {
    cat >project/more.cmake <<'END'
multi_stage_add_stage(app docs FROM deps-installed CHECKPOINT docs-built INPUTS NONE COMMAND "echo docs >/docs")
multi_stage_add_stage(app pack FROM build-complete CHECKPOINT packed INPUTS NONE
  COPY docs-built:/docs COMMAND "cat /docs /result >/pack")
multi_stage_build(lib BASE "${SAMPLE_BASE}" INSTALL_COMMAND "" BUILD_COMMAND "echo lib >/result" TEST_COMMAND ""
  NETWORK OFF)
multi_stage_add_stage(lib join FROM build-complete CHECKPOINT joined INPUTS NONE
  COPY app.docs-built:/docs=/from-app COMMAND "cat /from-app >/joined")
END
    configure
    build_checkpoints checkpoints lib.checkpoints
    same "install 1, build 2, docs 1, join 1, pack 1" "$(runs)"
    later
    # One branch does not touch the other; what copies from it goes with it.
    local expected
    expected=$(foreseen docs-built)
    same "app.build-complete keep
app.deps-installed keep
app.docs-built keep
app.packed run
app.setup-base keep
lib.build-complete keep
lib.joined run
lib.setup-base keep" "$expected"
    succeeds mstage -C build rollback docs-built
    build_checkpoints checkpoints lib.checkpoints
    same "$expected" "$(done_by_build "$expected")"
    nothing_left_to_do checkpoints lib.checkpoints
    later
    expected=$(foreseen deps-installed)
    succeeds mstage -C build rollback deps-installed
    absent build/.mstage/app/{build-complete,docs-built,packed}.checkpoint build/.mstage/lib/joined.checkpoint
    build_checkpoints checkpoints lib.checkpoints
    same "$expected" "$(done_by_build "$expected")"
    nothing_left_to_do checkpoints lib.checkpoints
    expected=$(foreseen --undo)
    succeeds mstage -C build rollback --undo
    build_checkpoints checkpoints lib.checkpoints
    same "$expected" "$(done_by_build "$expected")"
    nothing_left_to_do checkpoints lib.checkpoints
    same "install 1, build 3, docs 2, join 3, pack 3" "$(runs)"
}

@test "two build trees share a store: one goes back, the other is not disturbed" {
    configure_in project build
    configure_in project build2
    build_checkpoints
    tree=build2 build_checkpoints
    later
    local theirs ours
    theirs=$(cat build2/.mstage/app/*.checkpoint)
    does_as_foreseen setup-base
    same "install 2, build 2" "$(runs)"
    touch project/deps.txt project/src/*
    tree=build2 build_checkpoints
    same "$theirs" "$(cat build2/.mstage/app/*.checkpoint)"
    same "install 2, build 2" "$(runs)"
    later
    echo changed >project/src/a.txt
    build_checkpoints
    tree=build2 build_checkpoints
    later
    ours=$(cat build/.mstage/app/*.checkpoint)
    tree=build2 does_as_foreseen build-complete --to @-1
    build_checkpoints
    has "$out" "no work to do"
    same "$ours" "$(cat build/.mstage/app/*.checkpoint)"
}

@test "configurations go back each for itself" {
    call cmake -G "Ninja Multi-Config" -S project -B build -D SAMPLE_MODULE_DIR="$module_dir" \
        -D MSTAGE_EXECUTABLE="$MSTAGE_EXECUTABLE" -D SAMPLE_BASE="rootfs:$file_dir/rootfs" \
        -D SAMPLE_BUILD='cat src/* >/result; echo $<CONFIG> >>/result'
    [[ $code == 0 ]] || blame "configuring failed"
    ninja_options=(-f build-Debug.ninja)
    build_checkpoints
    ninja_options=(-f build-Release.ninja)
    build_checkpoints
    later
    local debug
    debug=$(cat build/.mstage/app/Debug/*.checkpoint)
    does_as_foreseen deps-installed:Release
    does_as_foreseen --config Release setup-base
    nothing_left_to_do
    same "$debug" "$(cat build/.mstage/app/Debug/*.checkpoint)"
    ninja_options=(-f build-Debug.ninja)
    nothing_left_to_do
    call ninja -C build "${ninja_options[@]}" rollback-deps-installed
    has "$out" "drop      app.build-complete:Debug"
    build_checkpoints
    has "$out" "(ran in"
    does_as_foreseen app.build-complete:Debug --to @-1
    only_says_pinned app.build-complete:Debug
    does_as_foreseen --undo
    nothing_left_to_do
}

@test "with Makefiles" {
    call cmake -G "Unix Makefiles" -S project -B build -D SAMPLE_MODULE_DIR="$module_dir" \
        -D MSTAGE_EXECUTABLE="$MSTAGE_EXECUTABLE" -D SAMPLE_BASE="rootfs:$file_dir/rootfs"
    call make -C build build-complete
    [[ $code == 0 ]] || blame "the build failed"
    later
    call make -C build rollback-deps-installed
    [[ $code == 0 ]] || blame "the rollback failed"
    call make -C build build-complete
    same "install 1, build 2" "$(runs)"
    later
    succeeds mstage -C build rollback build-complete --to @-1
    call make -C build build-complete
    has "$out" "(pinned "
    call make -C build build-complete
    has "$out" "(pinned "
    later
    succeeds mstage -C build rollback --undo
    call make -C build build-complete
    [[ $code == 0 ]] || blame "the build failed"
    has_not "$out" "(pinned "
    same "install 1, build 2" "$(runs)"
}

@test "while a build runs nobody goes back, and afterwards one can" {
    configure -D SAMPLE_BUILD="touch /begun; sleep 2; cat src/a.txt >/result"
    ninja -C build build-complete >log 2>&1 3>&- &
    local pid=$!
    eventually test -s build/.mstage/app/deps-installed.checkpoint
    eventually is_running "touch /begun; sleep 2; cat src/a.txt >/result"
    fails mstage -C build rollback setup-base
    has "$err" "a stage is being made in build tree"
    # A look is for free.
    succeeds mstage -C build rollback -n setup-base
    wait "$pid" || { cat log; false; }
    succeeds mstage -C build rollback setup-base
    build
    same "install 2, build 2" "$(runs)"
}

@test "a rollback between two stages of a build: the build says what happened" {
    configure
    build deps-installed
    succeeds mstage -C build rollback setup-base
    # As ninja would go on.
    fails mstage stage build/.mstage/app/plan.json build
    matches "$err" "checkpoint 'app.deps-installed' was rolled back .* ago, while this build went on"
    has "$err" "run the build again: "
    build
}

@test "after ninja clean a pinned checkpoint comes back" {
    built
    local first
    first=$(image_of build-complete)
    echo changed >project/src/a.txt
    build_checkpoints
    later
    does_as_foreseen build-complete --to @-1
    call ninja -C build clean
    build_checkpoints
    same "$first" "$(image_of build-complete)"
    only_says_pinned app.build-complete
}

@test "one that broke off in the middle is brought to its end by the next build" {
    built
    local expected
    expected=$(foreseen setup-base)
    mv build/.mstage/app/history kept
    mkdir build/.mstage/app/history
    fails mstage -C build rollback setup-base
    has "$err" "going back is half done"
    rmdir build/.mstage/app/history
    mv kept build/.mstage/app/history
    build_checkpoints
    same "$expected" "$(done_by_build "$expected")"
    same "install 2, build 2" "$(runs)"
    nothing_left_to_do
    does_as_foreseen --undo
    same "install 2, build 2" "$(runs)"
}
