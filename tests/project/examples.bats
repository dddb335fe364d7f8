#!/usr/bin/env bats
# The examples, as their READMEs have it. They install packages: this needs the network.

load ../support.bash

setup() {
    require_sandbox
    make_work_dir
    export MSTAGE_STORE="$work/store" HOME="$work"
    cp -r "$BATS_TEST_DIRNAME/../../examples" "$BATS_TEST_DIRNAME/../../cmake" .
    chmod -R u+w examples
}

teardown() {
    remove_tree "$work"
}

good() {
    call "$@"
    [[ $code == 0 ]] || blame "failed"
}

# works EXAMPLE SOURCE-FILE: everything that can be done with it.
works() {
    cd "examples/$1" || return
    good cmake -G Ninja -B build -D MSTAGE_EXECUTABLE="$MSTAGE_EXECUTABLE"
    good ninja -C build build-complete
    good ninja -C build build-complete
    has "$out" "no work to do"
    good ctest --test-dir build --output-on-failure
    has "$out" "100% tests passed"
    good ninja -C build artifacts
    good ninja -C build artifacts
    has "$out" "no work to do"
    local before
    before=$(cat build/.mstage/*/deps-installed.checkpoint)
    echo >>"$2"
    good ninja -C build build-complete
    has "$out" "build-complete"
    has_not "$out" ": deps-installed"
    same "$before" "$(cat build/.mstage/*/deps-installed.checkpoint)"
    good ctest --test-dir build --output-on-failure
}

@test "cpp-library" {
    works cpp-library src/catalog.cpp
    [[ -s build/catalog/libcatalog.a && -f build/catalog/include/catalog/catalog.hpp ]]
}

@test "python-package" {
    command -v mmdebstrap >/dev/null || unavailable "no mmdebstrap"
    works python-package src/greeter/__init__.py
    [[ -s build/dist/greeter-1.0.0-py3-none-any.whl ]]
}
