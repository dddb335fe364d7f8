#!/usr/bin/env bats
# The examples, as their READMEs have it. They install packages: this needs the network.

load ../support.bash

setup() {
    require_sandbox
    make_work_dir
    export MSTAGE_STORE="$work/store"
    make_home "$work"
    cp -r "$BATS_TEST_DIRNAME/../../examples" "$BATS_TEST_DIRNAME/../../cmake" .
    chmod -R u+w examples
}

good() {
    call "$@"
    [[ $code == 0 ]] || blame "failed"
}

# works EXAMPLE [TARGET...]: everything that can be done with it.
works() {
    cd "examples/$1" || return
    shift
    local targets=("${@:-build-complete}")
    good cmake -G Ninja -B build -D MSTAGE_EXECUTABLE="$MSTAGE_EXECUTABLE"
    good ninja -C build "${targets[@]}"
    good ninja -C build "${targets[@]}"
    has "$out" "no work to do"
    good ctest --test-dir build --output-on-failure -j2
    has "$out" "100% tests passed"
    good ninja -C build artifacts
    good ninja -C build artifacts
    has "$out" "no work to do"
}

# edited FILE: after an edit there is another build-complete, on the same deps-installed, and its tests pass.
edited() {
    local before
    before=$(cat build/.mstage/*/deps-installed.checkpoint)
    echo >>"$1"
    good ninja -C build build-complete
    has "$out" "build-complete"
    has_not "$out" ": deps-installed"
    same "$before" "$(cat build/.mstage/*/deps-installed.checkpoint)"
    good ctest --test-dir build --output-on-failure
}

require_mmdebstrap() {
    command -v mmdebstrap >/dev/null || unavailable "no mmdebstrap"
}

@test "cpp-library" {
    works cpp-library
    [[ -s build/catalog/libcatalog.a && -f build/catalog/include/catalog/catalog.hpp ]]
    edited src/catalog.cpp
}

@test "python-package" {
    require_mmdebstrap
    works python-package
    [[ -s build/dist/greeter-1.0.0-py3-none-any.whl ]]
    edited src/greeter/__init__.py
}

@test "node-app" {
    require_mmdebstrap
    same "" "$(grep resolved examples/node-app/package-lock.json)"
    works node-app
    has "$(cat build/dist/index.html)" '<a href="holidays-and-absence.html">'
    # What a stage writes stays in its image.
    absent node_modules dist
    edited src/site.js
}

@test "rust-crate" {
    require_mmdebstrap
    works rust-crate
    same "    2 be" "$(echo be or not to be | build/bin/tally | head -n 1)"
    echo >>src/lib.rs
    good ctest --test-dir build --output-on-failure
}

@test "branches" {
    require_mmdebstrap
    works branches gcc-built tcc-built docs-built
    same "MCMXCIX MCMXCIX" "$(build/gcc/roman 1999) $(build/tcc/roman 1999)"
    has "$(cat build/docs/manual.html)" "<h1>roman</h1>"
    # Only the branch whose files are edited.
    echo >>docs/manual.md
    good ninja -C build gcc-built tcc-built docs-built
    has "$out" "mstage: roman.docs-built is "
    has_not "$out" "mstage: roman.gcc-built is "
    echo >>src/roman.c
    good ninja -C build gcc-built tcc-built docs-built
    has "$out" "mstage: roman.gcc-built is "
    has "$out" "mstage: roman.tcc-built is "
    has_not "$out" "mstage: roman.docs-built is "
    has_not "$out" "mstage: roman.deps-installed is "
}

@test "from-container-image" {
    require_mmdebstrap
    local program
    for program in docker-registry umoci skopeo; do
        command -v "$program" >/dev/null || unavailable "no $program"
    done
    cd examples/from-container-image
    good ./with-registry sh -c \
        'cmake -G Ninja -B build -D MSTAGE_EXECUTABLE="$MSTAGE_EXECUTABLE" && ninja -C build build-complete'
    has "$out" "imported docker://127.0.0.1:"
    # The registry is gone, and nothing needs it.
    good ninja -C build build-complete
    has "$out" "no work to do"
    good ctest --test-dir build --output-on-failure
    has "$out" "100% tests passed"
    good ninja -C build artifacts
    has "$(cat build/site/index.html)" "<title>Notes</title>"
    echo 'More.' >>pages/bread.txt
    good ninja -C build artifacts
    has "$(cat build/site/index.html)" "More."
}
