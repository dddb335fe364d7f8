#!/usr/bin/env bats
# Tests on checkpoints under CTest: each on a file system of its own, of which nothing is kept.

load ../support.bash
load project.bash

setup_file() {
    make_project_base
}

teardown_file() {
    remove_tree "$file_dir"
}

setup() {
    make_project
}

teardown() {
    remove_tree "$work"
}

run_ctest() {
    call ctest --test-dir build --output-on-failure "$@"
}

@test "ctest builds the checkpoint that it needs" {
    configure
    run_ctest
    [[ $code == 0 ]] || blame "ctest failed"
    same "install 1, build 1" "$(runs)"
    nothing_to_do
}

@test "eight tests at once write the same file, and each sees a fresh one" {
    cat >project/more.cmake <<'END'
foreach(i RANGE 1 8)
  multi_stage_add_test(app NAME t${i} FROM build-complete
    COMMAND "[ ! -e /mine ] && echo ${i} >/mine && echo ${i} >>/result && sleep 0.2 && [ $(cat /mine) = ${i} ] && rm -r /app")
endforeach()
END
    configure -D SAMPLE_TEST=
    build
    local before
    before=$(json "$(mstage images --json)" 'len(d["images"])')
    run_ctest -j4
    [[ $code == 0 ]] || blame "ctest failed"
    has "$out" "100% tests passed, 0 tests failed out of 9"
    same "$before" "$(json "$(mstage images --json)" 'len(d["images"])')"
    same "first
second" "$(image_file build-complete:/result)"
    run -1 mstage -C build ls build-complete:/mine
    eventually test -z "$(ls store/tmp)"
    nothing_to_do
    same "install 1, build 1" "$(runs)"
}

@test "a test that fails, and one that takes too long" {
    cat >project/more.cmake <<'END'
multi_stage_add_test(app NAME bad FROM deps-installed COMMAND "echo what went wrong; exit 9")
multi_stage_add_test(app NAME slow FROM deps-installed COMMAND "sleep 1000" TIMEOUT 1)
END
    configure
    run_ctest
    same 8 "$code"
    has "$out" "what went wrong"
    has "$out" "the command was ended by its time-out"
    matches "$out" "app.test \.+ +Passed"
    matches "$out" "app.bad \.+\*+Failed"
    matches "$out" "app.slow \.+\*+Failed"
}

@test "tests whose checkpoint cannot be built are not run" {
    configure -D SAMPLE_BUILD="exit 3"
    run_ctest
    same 8 "$code"
    has "$out" "Not Run"
    has "$out" "stage 'build' of pipeline 'app' failed"
}
