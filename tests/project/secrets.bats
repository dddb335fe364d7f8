#!/usr/bin/env bats
# Stages and tests with secrets: what they leave behind, and where.

load ../support.bash
load project.bash

setup() {
    make_project
    export TOKEN='s3cr3t/T0ken+with some~more'
    printf '%s\n' 'an/other+secret with blanks' >"$work/key"
}

# pipeline ARGUMENT...: the sample's second pipeline, 'sec', with these arguments of multi_stage_build besides.
pipeline() {
    printf 'multi_stage_build(sec BASE "${SAMPLE_BASE}" NETWORK OFF INSTALL_INPUTS NONE BUILD_INPUTS NONE\n%s)\n' "$*" \
        >project/more.cmake
}

# Nothing that is kept, and nothing that was printed, tells the secrets.
nothing_tells() {
    local value
    for value in "$TOKEN" "$(cat "$work/key")"; do
        is_nowhere "$value" "$MSTAGE_STORE" build || return
        does_not_tell "$value" "$printed" || return
    done
}

# Prints the secrets in several ways.
shout='for s in /run/secrets/*; do cat $s; echo; cat $s >&2; base64 $s; base64 -w 7 $s; base64 $s | tr /+ _-; done'

@test "secrets of stages and tests are nowhere afterwards" {
    pipeline "SECRET token=TOKEN key=../key
        INSTALL_COMMAND [==[$shout; wc -c </run/secrets/token >/size]==]
        BUILD_COMMAND   [==[$shout; wc -c </run/secrets/key >>/size]==]
        TEST_COMMAND    [==[$shout; cat /size; echo passed]==])
    multi_stage_add_stage(sec loud FROM build-complete CHECKPOINT loud-built LIVE ON INPUTS NONE
        COMMAND [==[$shout; echo live]==]
        SECRET  third=TOKEN"
    configure
    printed="$out$err"
    build sec.checkpoints
    printed+="$out$err"
    has "$out" "***"
    has "$out" live
    call ctest --test-dir build -V -R sec.test
    [[ $code == 0 ]] || blame "the test failed"
    printed+="$out$err"
    has "$out" passed
    has "$out" "***"
    same $'27\n28' "$(image_file sec.build-complete:/size)"
    for verb in status "status --json" history "history --json" "why sec.build-complete" "why --json sec.build-complete" images; do
        # shellcheck disable=SC2086
        printed+=$(mstage -C build $verb 2>&1)
    done
    # The page has the logs in it.
    build sec.report
    printed+="$out$err"
    grep -qF '***' -r build --include='*.html'
    mstage -C build export sec.loud-built oci:"$work/store/exported"
    nothing_tells
    nothing_to_do sec.checkpoints
}

@test "a value that changes makes no stage run again, a secret more does" {
    pipeline 'SECRET token=TOKEN INSTALL_COMMAND "" BUILD_COMMAND true TEST_COMMAND ""'
    configure
    build sec.build-complete
    export TOKEN='quite another value'
    nothing_to_do sec.build-complete
    rm build/.mstage/sec/build-complete.checkpoint
    build sec.build-complete
    has "$out" "(restored)"
    pipeline 'SECRET token=file:../key INSTALL_COMMAND "" BUILD_COMMAND true TEST_COMMAND ""'
    build sec.build-complete
    has_not "$out" "(ran in"
    pipeline 'SECRET token=TOKEN more=TOKEN INSTALL_COMMAND "" BUILD_COMMAND true TEST_COMMAND ""'
    build sec.build-complete
    has "$out" "(ran in"
}

@test "a stage that keeps a secret fails and names the file" {
    pipeline 'SECRET token=TOKEN key=../key INSTALL_COMMAND true TEST_COMMAND ""
        BUILD_COMMAND "mkdir -p /etc/app; cp /run/secrets/key /etc/app/; base64 /run/secrets/token >/etc/app/settings"'
    configure
    build_fails sec.build-complete
    printed="$out$err"
    has "$out" "stage 'build' of pipeline 'sec' left a secret where it is to be found"
    has "$out" "/etc/app/key (secret 'key')"
    has "$out" "/etc/app/settings (secret 'token')"
    has "$out" "failed state: none is kept, for there is a secret in it"
    has "$out" "deps-installed"
    absent build/.mstage/sec/build-complete.checkpoint
    report=$(cat "$MSTAGE_STORE"/runs/*/report.json)
    same '["key", "token"]' "$(json "$report" 'sorted(l["secret"] for l in d["leaks"])')"
    same null "$(json "$report" 'd["failed_state"]')"
    printed+=$(mstage -C build status 2>&1)
    eventually nothing_tells
    build sec.deps-installed
    has "$out" "no work to do"

    pipeline 'SECRET token=TOKEN key=../key INSTALL_COMMAND true TEST_COMMAND "" BUILD_COMMAND "mkdir -p /etc/app"'
    build sec.build-complete
    has "$out" "(ran in"
}

@test "the report of a stage that fails does not tell its secrets" {
    pipeline "SECRET token=TOKEN key=../key INSTALL_COMMAND true TEST_COMMAND \"\"
        BUILD_COMMAND [==[$shout; echo 1 >/app/left; echo the end; exit 3]==]"
    configure
    build_fails sec.build-complete
    printed="$out$err"
    has "$out" "failed with exit code 3"
    has "$out" "the end"
    nothing_tells
    same 1 "$(image_file sec.build-complete@failed:/app/left)"

    # What it left has one in it.
    pipeline 'SECRET token=TOKEN key=../key INSTALL_COMMAND true TEST_COMMAND ""
        BUILD_COMMAND "cp /run/secrets/key /app/left; exit 4"'
    build_fails sec.build-complete
    printed="$out$err"
    has "$out" "failed with exit code 4"
    has "$out" "/app/left (secret 'key')"
    has "$out" "failed state: none is kept"
    eventually nothing_tells
}

@test "a stage that is interrupted" {
    local duration
    duration=$(odd_duration)
    pipeline "SECRET token=TOKEN key=../key INSTALL_COMMAND \"\" TEST_COMMAND \"\"
        BUILD_COMMAND [==[$shout; cp /run/secrets/* /app; exec sleep $duration]==]"
    configure
    ninja -C build sec.build-complete >"$work/printed" 2>&1 3>&- &
    eventually is_running "$duration"
    kill -INT $!
    wait $! || true
    eventually is_gone "$duration"
    printed=$(cat "$work/printed")
    eventually nothing_tells
}

@test "a secret that is missing stops the stage before anything runs" {
    pipeline 'SECRET token=env:NOT_THERE INSTALL_COMMAND "" BUILD_COMMAND "echo it runs" TEST_COMMAND "echo it runs"'
    configure
    build_fails sec.build-complete
    has "$out" "stage 'build' of pipeline 'sec' could not be run: secret 'token': environment variable 'NOT_THERE' is not set"
    has_not "$out" "it runs"
    NOT_THERE=1234567 build sec.build-complete
    call ctest --test-dir build -V -R sec.test
    [[ $code != 0 ]] || blame "expected a failure"
    has "$out" "test 'sec.test': secret 'token': environment variable 'NOT_THERE' is not set"
}

@test "a file with a secret is no source" {
    echo 'a secret in a file' >project/.token
    printf '%s' 'multi_stage_build(sec BASE "${SAMPLE_BASE}" NETWORK OFF INSTALL_COMMAND "" TEST_COMMAND ""
        BUILD_COMMAND "ls -A; wc -c </run/secrets/token" SECRET token=.token LIVE ON)' >project/more.cmake
    configure
    build sec.build-complete
    has "$out" deps.txt
    has_not "$out" .token
    is_nowhere 'a secret in a file' "$MSTAGE_STORE" build
    later
    echo 'is another one now' >project/.token
    build sec.build-complete
    has_not "$out" "(ran in"
}

@test "the user of a stage reads his secrets" {
    is_root || unshare --map-auto --map-root-user true 2>/dev/null || unavailable "no ids in /etc/subuid"
    pipeline 'SECRET token=TOKEN USER 1000 INSTALL_COMMAND "" TEST_COMMAND "" LIVE ON
        BUILD_COMMAND "wc -c </run/secrets/token; stat -c %u:%a /run/secrets/token"'
    configure
    build sec.build-complete
    has "$out" $'27\n1000:400'
}
