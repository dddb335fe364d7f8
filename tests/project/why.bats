#!/usr/bin/env bats
# mstage why: the reasons of builds that were, and of the one to come.

load ../support.bash
load project.bash

built() {
    configure "$@"
    build
    later
}

why() {
    succeeds mstage -C build why "${1:-build-complete}"
}

# why_is EXPRESSION VALUE [CHECKPOINT]: of `mstage why --json`.
why_is() {
    succeeds mstage -C build why --json "${3:-build-complete}"
    same "$2" "$(json "$out" "$1")"
}

# What differs now and, after a build, that this was why.
differs_in() {
    why_is '[p["part"] + " " + p["name"] for p in d["now"]["differences"]]' "$1"
    build
    why_is 'd["now"]' null
    why_is '[p["part"] + " " + p["name"] for p in d["last"]["differences"]]' "$1"
}

@test "before and after the first build" {
    configure
    why
    has "$out" "app.build-complete  is not built"
    has "$out" "now it would run, because
    it has not been built in this build tree
    its parent app.deps-installed is made anew"
    build
    why
    has "$out" "app.build-complete  $(image_of build-complete)"
    matches "$out" 'it ran [0-9a-z .]+ ago: image [0-9a-f-]{36}, because
    it was the first time in this build tree'
    has "$out" "now nothing would run: nothing it is made from differs"
    has_not "$out" Ninja
    why setup-base
    has "$out" "it was imported"
}

@test "source files, before and after the build" {
    echo gone >project/src/gone.txt
    echo moved >project/src/old.txt
    ln -s a.txt project/src/link
    built
    echo changed >project/src/a.txt
    echo new >project/src/c.txt
    rm project/src/gone.txt
    mv project/src/old.txt project/src/new.txt
    chmod +x project/src/b.txt
    ln -sfn b.txt project/src/link
    local old new
    old=$(printf 'first\n' | sha256sum | head -c 12)
    new=$(printf 'changed\n' | sha256sum | head -c 12)
    local files="source files:
        changed  src/a.txt  $old → $new
        mode     src/b.txt  mode 0644 → 0755
        added    src/c.txt  $(printf 'new\n' | sha256sum | head -c 12)
        removed  src/gone.txt  was $(printf 'gone\n' | sha256sum | head -c 12)
        target   src/link  $(printf 'a.txt' | sha256sum | head -c 12) → $(printf 'b.txt' | sha256sum | head -c 12)
        renamed  src/new.txt  was src/old.txt, $(printf 'moved\n' | sha256sum | head -c 12)"
    why
    has "$out" "now it would run, because"
    has "$out" "$files"
    # Looking changes nothing.
    same "install 1, build 1" "$(runs)"
    build
    why
    has "$out" "it ran "
    has "$out" "$files"
    has "$out" "now nothing would run"
    why_is 'len(d["last"]["files"][0]["before"]["hash"])' 64
    why_is 'd["last"]["files"][5]["old_path"]' src/old.txt
}

@test "long lists are cut, and say so" {
    built
    for i in {100..130}; do echo $i >project/src/$i; done
    why
    has "$out" "and 11 more: --full shows them"
    succeeds mstage -C build why --full build-complete
    same 31 "$(grep -c ' added ' <<<"$out")"
}

@test "the command, of which only the lines that differ are shown" {
    built -D SAMPLE_BUILD=$'true first\ncat src/a.txt >/result\ntrue last'
    configure -D SAMPLE_BUILD=$'true first\ncat src/b.txt >/result\ntrue last'
    why
    has "$out" "the command:
        - cat src/a.txt >/result
        + cat src/b.txt >/result"
    has_not "$out" "true first"
    differs_in '["command "]'
}

@test "environment, network, user, cache" {
    add() {
        echo "multi_stage_add_stage(app extra FROM deps-installed COMMAND true CHECKPOINT extra-done INPUTS NONE $*)" \
            >project/more.cmake
        configure
    }
    why_extra() {
        why_is '[[p["part"], p["name"], p["before"], p["after"]] for p in d["now"]["differences"]]' "$1" extra-done
        later
        build extra-done
        why_is '[[p["part"], p["name"], p["before"], p["after"]] for p in d["last"]["differences"]]' "$1" extra-done
    }
    add NETWORK ON ENVIRONMENT A=1 B=1
    build extra-done
    later
    add NETWORK ON ENVIRONMENT A=2 C=1
    why_extra '[["environment", "A", "1", "2"], ["environment", "B", "1", null], ["environment", "C", null, "1"]]'
    succeeds mstage -C build why extra-done
    has "$out" "environment variable A: '1' → '2'"
    add NETWORK OFF ENVIRONMENT A=2 C=1
    why_extra '[["network", "", true, false]]'
    succeeds mstage -C build why extra-done
    has "$out" "network: on → off"
    add NETWORK OFF ENVIRONMENT A=2 C=1 USER root
    why_extra '[["user", "", null, "root"]]'
    add NETWORK OFF ENVIRONMENT A=2 C=1 USER root CACHE /cache,id=mine
    why_extra '[["caches", "/cache", null, "mine"]]'
}

@test "the parent, and the root cause" {
    built
    echo "another library" >project/deps.txt
    why
    has "$out" "its parent app.deps-installed is made anew"
    has "$out" "    app.deps-installed would run, because"
    has "$out" "changed  deps.txt"
    build
    why
    has "$out" "the parent's image: "
    matches "$out" '    app.deps-installed ran [0-9a-z .]+ ago: image '
    has "$out" "changed  deps.txt"
    why_is 'd["last"]["upstream"][0]["files"][0]["path"]' deps.txt
}

@test "a failed attempt, and the next" {
    built
    configure -D SAMPLE_BUILD="exit 3"
    build_fails
    why
    has "$out" "app.build-complete  is not built"
    has "$out" ", and failed: image "
    has "$out" "now it would run, because
    the last attempt failed"
    configure
    build
    why
    has "$out" "the attempt before it failed"
}

@test "a rollback" {
    built
    call mstage -C build rollback deps-installed
    [[ $code == 0 ]] || blame "the rollback failed"
    why
    has "$out" "a rollback dropped it"
    has "$out" "a rollback retired its key"
    build
    why
    has "$out" "a rollback had dropped it"
    has "$out" "now nothing would run"
}

@test "a pin" {
    built
    echo changed >project/src/a.txt
    build
    call mstage -C build rollback build-complete --to @-1
    [[ $code == 0 ]] || blame "the rollback failed"
    why
    has "$out" "(pinned)"
    has "$out" "a rollback chose this generation"
    has "$out" "now nothing would run: it is pinned"
    call mstage -C build rollback --unpin build-complete
    [[ $code == 0 ]] || blame "letting go failed"
    why
    has "$out" "now it would be restored, because"
    has "$out" "changed  src/a.txt"
}

@test "Ninja's own reasons" {
    built
    rm build/.mstage/app/build-complete.checkpoint
    why
    has "$out" "its marker '$PWD/build/.mstage/app/build-complete.checkpoint' is not there"
    has "$out" "Ninja looks at it again: its marker is not there"
    build
    why
    has "$out" "its marker was not there any more"
    later
    touch build/.mstage/app/deps-installed.checkpoint
    why
    has "$out" "now nothing would run: nothing it is made from differs
  Ninja looks at it again: its marker is older than the marker of deps-installed
  the key is the same, so that nothing runs in it"
    why_is '"older than most recent input" in d["ninja"]["reasons"][0]["message"]' true
    build
    why
    has_not "$out" "Ninja looks"
}

@test "project files that changed" {
    built
    echo "# more" >>project/CMakeLists.txt
    why
    has "$out" "CMake would run first: the project's build files have changed"
    why_is 'd["ninja"]["configures"]' true
}

@test "what Ninja does not see" {
    built
    chmod 0751 project/src/a.txt
    why
    has "$out" "mode     src/a.txt  mode 0644 → 0751"
    has "$out" "but Ninja sees nothing to do: it looks at modification times only"
}

@test "a lost image" {
    built
    rm "$MSTAGE_STORE/images/$(image_of build-complete).json"
    why
    has "$out" "the store has not its image $(image_of build-complete) any more"
    build
    why
    has "$out" "the store had lost image"
}

@test "what has no reasons" {
    configure
    misused mstage -C build why
    misused mstage -C build why frobnicate
    fails mstage -C / why build-complete
}

@test "with another build tool only the key is asked" {
    call cmake -G "Unix Makefiles" -S project -B build -D SAMPLE_MODULE_DIR="$module_dir" \
        -D MSTAGE_EXECUTABLE="$MSTAGE_EXECUTABLE" -D SAMPLE_BASE="rootfs:$file_dir/rootfs"
    [[ $code == 0 ]] || blame "configuring failed"
    call cmake --build build --target build-complete
    [[ $code == 0 ]] || blame "the build failed"
    why_is 'd["ninja"]' null
    why_is 'd["last"]["reasons"][0]["code"]' first
}
