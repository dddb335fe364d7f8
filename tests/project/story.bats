#!/usr/bin/env bats
# What goes wrong in the life of a real project, and the way back each time: the example node-app with packages from the
# npm registry. This needs the network.

load ../support.bash

# `ms` without a default export, which src/site.js imports.
NEW_MS=4.0.0-nightly.202508271359
NEW_MS_INTEGRITY=sha512-WC/Eo7NzFrOV/RRrTaI0fxKVbNCzEy76j2VqNV8SxDf9D69gSE2Lh0QwYvDlhiYmheBYExAvEAxVf5NoN0cj2A==

# One base for all, which takes longest; every test has a build tree of its own, in which all is restored at first.
setup_file() {
    command -v mmdebstrap >/dev/null || unavailable "no mmdebstrap"
    require_sandbox
    make_file_dir
    mstage import --tag node debian:bookworm+nodejs+npm >/dev/null
}

setup() {
    make_work_dir
    cp -r "$BATS_TEST_DIRNAME/../../examples/node-app" "$work/project"
    chmod -R u+w project
    sed -i -e 's|debian:bookworm+nodejs+npm|tag:node|' \
        -e "s|\"\${CMAKE_CURRENT_SOURCE_DIR}/../../cmake\"|\"$(realpath "$BATS_TEST_DIRNAME/../../cmake")\"|" \
        project/CMakeLists.txt
    cd project || return
    good cmake -G Ninja -B build -D MSTAGE_EXECUTABLE="$MSTAGE_EXECUTABLE"
    good ninja -C build build-complete
}

good() {
    call "$@"
    [[ $code == 0 ]] || blame "failed"
}

build() {
    good ninja -C build build-complete
}

build_fails() {
    call ninja -C build build-complete
    [[ $code == 1 ]] || blame "expected the build to fail"
}

image_of() {
    json "$(cat "build/.mstage/handbook/$1.checkpoint")" 'd["image"]'
}

# What a build did with its stages, from its output: "deps-installed ran, build-complete restored".
done_by_build() {
    sed -n -E 's/^mstage: handbook\.([a-z-]+) is [0-9a-f-]+ \((ran|restored|pinned).*/\1 \2/p' <<<"$out" | paste -sd, | sed 's/,/, /g'
}

# depend NAME VERSION INTEGRITY [FILE...]: package.json and the lock file (or only these) ask for that version.
depend() {
    python3 - "$@" <<'END'
import json, sys
name, version, integrity, *files = sys.argv[1:]
for file in files or ["package.json", "package-lock.json"]:
    with open(file) as stream:
        document = json.load(stream)
    if file == "package.json":
        document["dependencies"][name] = version
    else:
        document["packages"][""]["dependencies"][name] = version
        document["packages"].setdefault("node_modules/" + name, {}).update(version=version, integrity=integrity)
    with open(file, "w") as stream:
        json.dump(document, stream, indent=2)
END
}

@test "a broken install: its report, a shell in what it left, mended, resumed" {
    # The lock file was forgotten.
    depend is-number 7.0.0 "" package.json
    build_fails
    has "$out" "stage 'install' of pipeline 'handbook' failed"
    has "$out" "npm ci"
    has "$(cat "$(sed -n 's/^  log: //p' <<<"$out")")" "Missing: is-number@7.0.0 from lock file"
    has "$out" "rollback points that remain:"
    has "$out" "setup-base"
    has "$out" "to resume from 'setup-base'"
    has "$out" "shell handbook.deps-installed@failed"
    # The very sandbox: what the stage saw of the source, and where it stood.
    call mstage -C build shell deps-installed@failed <<<'pwd; grep -c is-number package.json; ls; exit 3'
    [[ $code == 3 ]] || blame "expected the shell's exit code"
    has "$out$err" "npm ci"
    has "$out" "/app"
    has "$out" "package-lock.json"
    has_not "$out" "src"
    # Nothing of it is kept.
    call mstage -C build status
    has "$out" "failed"

    depend is-number 7.0.0 sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng==
    build
    same "deps-installed ran, build-complete ran" "$(done_by_build)"
    good mstage -C build ls deps-installed:/app/node_modules/is-number
}

@test "a broken build: resumed from deps-installed" {
    local deps
    deps=$(image_of deps-installed)
    sed -i 's/mkdirSync(to/mkdirSnc(to/' src/build.js
    build_fails
    has "$out" "stage 'build' of pipeline 'handbook' failed"
    has "$out" "ReferenceError: mkdirSnc is not defined"
    matches "$out" "deps-installed +$deps"
    has "$out" "to resume from 'deps-installed'"
    good mstage -C build cp build-complete@failed:/app/src/build.js "$work/"
    has "$(cat "$work/build.js")" "mkdirSnc"
    sed -i -e 's/mkdirSnc(to/mkdirSync(to/' -e '$a// mended' src/build.js
    build
    same "build-complete ran" "$(done_by_build)"
    same "$deps" "$(image_of deps-installed)"
}

# rolled_back_to CHECKPOINT: with what the dry run said will run again, and does.
rolled_back_to() {
    local foreseen
    foreseen=$(mstage -C build rollback --dry-run --json "$1")
    good ninja -C build "rollback-$1"
    build
    same "$(json "$foreseen" '", ".join(c["checkpoint"].split(".", 1)[1] + " ran" for c in d["next_build"] if c["action"] == "run")')" \
        "$(done_by_build)"
}

@test "a broken test: back to each of the points that its report names" {
    sed -i "s/'1 minute'/'a minute'/" test/site.test.js
    build
    call ctest --test-dir build --output-on-failure
    [[ $code != 0 ]] || blame "expected the test to fail"
    has "$out" "'a minute'"
    local point
    for point in build-complete deps-installed setup-base; do
        matches "$out" "$point +$(image_of "$point")"
    done

    rolled_back_to build-complete
    has "$out" "no work to do"
    rolled_back_to deps-installed
    same "build-complete ran" "$(done_by_build)"
    rolled_back_to setup-base
    same "deps-installed ran, build-complete ran" "$(done_by_build)"

    sed -i "s/'a minute'/'1 minute'/" test/site.test.js
    good ctest --test-dir build --output-on-failure
    has "$out" "100% tests passed"
}

@test "an upgrade that was a mistake: back to the generation before it, pinned, and undone" {
    local good_deps bad_deps
    good_deps=$(image_of deps-installed)
    depend ms "$NEW_MS" "$NEW_MS_INTEGRITY"
    build_fails
    bad_deps=$(image_of deps-installed)
    [[ $good_deps != "$bad_deps" ]]
    has "$out" "does not provide an export named 'default'"
    call mstage -C build why deps-installed
    has "$out" "package-lock.json"
    call mstage -C build diff deps-installed@-1 deps-installed
    has "$out" "node_modules/ms/package.json"

    good mstage -C build rollback deps-installed --to @-1
    same "$good_deps" "$(image_of deps-installed)"
    build
    has "$out" "pinned"
    same "$good_deps" "$(image_of deps-installed)"
    good ctest --test-dir build --output-on-failure
    # Every build says it, also one with nothing else to do.
    build
    has "$out" "pinned"
    same "deps-installed pinned" "$(done_by_build)"
    call mstage -C build status
    has "$out" "pinned"

    good mstage -C build rollback --undo
    same "$bad_deps" "$(image_of deps-installed)"
    build_fails
    has_not "$out" "pinned"
    has "$out" "does not provide an export named 'default'"
}
