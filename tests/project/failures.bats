#!/usr/bin/env bats
# Stages that fail, take too long, or are interrupted: what is said, what stays, and how it goes on.

load ../support.bash
load project.bash

setup() {
    make_project
    duration=$(odd_duration)
}

# The build fails; the checkpoint before it is untouched, its own is not there.
fails_after_install() {
    local before
    before=$(stat -c %y build/.mstage/app/deps-installed.checkpoint)
    build_fails
    absent build/.mstage/app/build-complete.checkpoint
    same "$before" "$(stat -c %y build/.mstage/app/deps-installed.checkpoint)"
}

# After the cause is mended only the build stage runs.
goes_on_from_install() {
    configure
    build
    has "$out" "build-complete"
    has_not "$(runs)" "install 2"
    same "first
second" "$(image_file build-complete:/result)"
    # A helper that was killed said nothing of its attempt.
    [[ ! -e build/.mstage/app/build-complete.failed ]] ||
        same false "$(json "$(cat build/.mstage/app/build-complete.failed)" 'd["last_failed"]')"
    nothing_to_do
}

# ended_otherwise STATE WORD VERB: what the verbs call an attempt that did not fail by itself.
ended_otherwise() {
    matches "$(mstage -C build status)" "build-complete  $1 *.*  $3 after .*; to look at what it left:"
    same "failed $2" "$(json "$(mstage -C build status --json)" \
        '"{state} {end}".format(**d["checkpoints"][2])')"
    matches "$(mstage -C build history build-complete)" " $2 .* ago"
    has "$(mstage -C build why build-complete)" ", and $3: image "
    has "$(mstage -C build why build-complete)" "the last attempt $3"
}

# Starts a build in a process group of its own, as a terminal's shell does; waits until its command runs.
start_build() {
    set -m
    ninja -C build build-complete >log 2>&1 3>&- &
    pid=$!
    set +m
    eventually is_running "$duration"
}

@test "a command that fails" {
    configure -D SAMPLE_BUILD="echo working; echo half >/half; echo 'it broke' >&2; exit 3"
    build deps-installed
    later
    fails_after_install
    # What Ninja itself prints, and paths of the program, are not ours.
    local report
    report=$(sed -n '/^mstage: error: /,/^ninja: build stopped/p' <<<"$out" | sed '$d' |
        sed "s|$MSTAGE_EXECUTABLE|mstage|")
    golden failure-report.txt "$report"
    succeeds mstage -C build cat build-complete@failed:/half
    same half "$out"
    # It fails again, whatever is looked at in between.
    build_fails
    same "install 1, build 2" "$(runs)"
    goes_on_from_install
    same "install 1, build 3" "$(runs)"
}

@test "the report as JSON" {
    configure -D SAMPLE_BUILD="echo 'it broke'; exit 3"
    build_fails
    local report
    report=$(cat store/runs/*/report.json)
    same '["checkpoint", "command", "config", "end", "exit_code", "failed_state", "from", "interrupted_by", "last_lines", "leaks", "log", '\
'"note", "pipeline", "resume_command", "rollback_points", "shell_command", "stage", "test", "timed_out", "version"]' \
        "$(json "$report" 'sorted(d)')"
    same '["app", "build", "build-complete", 3, false, null, "it broke"]' "$(json "$report" \
        '[d[k] for k in ("pipeline", "stage", "checkpoint", "exit_code", "timed_out", "interrupted_by", "last_lines")]')"
    same '["deps-installed", "setup-base"]' "$(json "$report" '[p["checkpoint"] for p in d["rollback_points"]]')"
    same "it broke" "$(cat "$(json "$report" 'd["log"]')")"
    # What it says is what works.
    call sh -c "echo 'cat /deps; exit 6' | $(json "$report" 'd["shell_command"]')"
    same "$(cat project/deps.txt)" "$out"
    [[ $code == 6 ]] || blame "the shell of the report"
    call sh -c "$(json "$report" 'd["rollback_points"][0]["shell_command"]') -- true"
    [[ $code == 0 ]] || blame "the shell of a rollback point"
    configure
    call sh -c "$(json "$report" 'd["resume_command"]')"
    [[ $code == 0 ]] || blame "the command of the report failed"
}

@test "a failing install stops what follows" {
    configure -D SAMPLE_INSTALL="exit 5"
    build_fails
    has "$out" "stage 'install' of pipeline 'app' failed with exit code 5"
    absent build/.mstage/app/{deps-installed,build-complete}.checkpoint
    configure
    build
    same "install 2, build 1" "$(runs)"
}

@test "a stage that worked and then fails has no checkpoint, and its old state is restored" {
    configure
    build
    later
    local good
    good=$(image_of build-complete)
    configure -D SAMPLE_BUILD="exit 3"
    fails_after_install
    configure
    build
    same "$good" "$(image_of build-complete)"
    same "install 1, build 2" "$(runs)"
}

@test "a command that a signal ends" {
    configure -D SAMPLE_BUILD='kill -SEGV $$'
    build_fails
    has "$out" "failed with signal 11 (Segmentation fault)"
    goes_on_from_install
}

@test "a command that takes too long" {
    configure -D SAMPLE_BUILD="echo begun; sleep $duration" -D SAMPLE_TIMEOUT=3
    build deps-installed
    later
    fails_after_install
    has "$out" "was ended by its time-out of 3.0 s"
    has "$out" "| begun"
    eventually is_gone "$duration"
    ended_otherwise "timed out" timed-out "timed out"
    goes_on_from_install
    has "$(mstage -C build why build-complete)" "the attempt before it timed out"
}

@test "Ctrl-C" {
    configure -D SAMPLE_BUILD="trap '' INT TERM; echo begun; sleep $duration"
    build deps-installed
    start_build
    kill -INT -- "-$pid"
    local code=0 began
    began=$(now_ms)
    wait "$pid" || code=$?
    (($(now_ms) - began < 60000))
    [[ $code != 0 ]]
    has "$(cat log)" "interrupted"
    eventually is_gone "$duration"
    absent build/.mstage/app/build-complete.checkpoint
    [[ -f build/.mstage/app/deps-installed.checkpoint ]]
    ended_otherwise interrupted interrupted "was interrupted"
    goes_on_from_install
}

@test "a helper that is killed takes its sandbox along, and the next build is good" {
    configure -D SAMPLE_BUILD="trap '' INT TERM; sleep $duration"
    build deps-installed
    start_build
    local helper
    helper=$(pgrep -P "$pid" -f 'stage .*/plan.json build' | head -n 1)
    [[ -n $helper ]]
    # Ninja's child may be the shell that started it.
    kill -KILL "$(pgrep -P "$helper" -f 'stage .*/plan.json build' || echo "$helper")" "$helper" 2>/dev/null || true
    wait "$pid" && false
    eventually is_gone "$duration"
    absent build/.mstage/app/build-complete.checkpoint
    goes_on_from_install
    same "" "$(ls store/tmp)"
}

@test "a build tool that is killed" {
    configure -D SAMPLE_BUILD="sleep 1; cat src/* >/result"
    build deps-installed
    ninja -C build build-complete >log 2>&1 3>&- &
    pid=$!
    sleep 0.5
    kill -KILL "$pid"
    wait "$pid" || true
    build
    same "first
second" "$(image_file build-complete:/result)"
    build
    nothing_to_do
}

@test "output that no terminal should obey" {
    configure -D SAMPLE_BUILD='printf "\033]0;title\007 \033[31mred\033[0m \001\n"; exit 1'
    build_fails
    has "$out" '\x1b]0;title\x07'
    has_not "$out" $'\e'
    has_not "$(cat store/runs/*/report.json)" $'\e'
    # The log keeps the bytes.
    has "$(cat store/runs/*/output.log)" $'\e]0;title\a'
}

@test "one line without an end, and a progress that is written over" {
    configure -D SAMPLE_BUILD="yes x | head -c 1000000 | tr -d '\\n'; echo; printf '1 %%\\r2 %%\\r3 %%\\n'; exit 1"
    build_fails
    has "$out" "xxx … ("
    has "$out" "    | 3 %"
    has_not "$out" "| 1 %"
    ((${#out} < 6000))
}

@test "a failing test names what it ran on and all that is behind it" {
    configure -D SAMPLE_TEST="echo 'it is wrong'; exit 3"
    build
    call ctest --test-dir build --output-on-failure
    [[ $code != 0 ]] || blame "expected the test to fail"
    local report
    report=$(sed -n 's/^1*[0-9]*: *//; /^mstage: error: /,/rollback-setup-base/p' <<<"$out" | sed "s|$MSTAGE_EXECUTABLE|mstage|")
    golden test-report.txt "$report"
    report=$(cat store/runs/*/report.json)
    same '["app", null, "app.test", "build-complete", 3, null]' "$(json "$report" \
        '[d[k] for k in ("pipeline", "stage", "test", "from", "exit_code", "failed_state")]')"
    same '["build-complete", "deps-installed", "setup-base"]' "$(json "$report" '[p["checkpoint"] for p in d["rollback_points"]]')"
    call sh -c "$(json "$report" 'd["resume_command"]')"
    has "$out" "1 tests failed out of 2"
    call sh -c "echo pwd | $(json "$report" 'd["shell_command"]')"
    same /app "$out"
}

@test "a shell by the build tool: in what failed, else in the checkpoint" {
    configure -D SAMPLE_BUILD="echo bad >/result; exit 3"
    build_fails
    call ninja -C build shell-build-complete <<<'cat /result; pwd'
    has "$out" "bad
/app"
    configure
    build
    call ninja -C build app.shell-build-complete <<<'cat /result'
    has "$out" "first
second"
    call ninja -C build shell-build-complete <<<'exit 5'
    [[ $code == 1 ]] || blame "expected it to fail"
    same "install 1, build 2" "$(runs)"
}

@test "artifacts that come out whatever the exit" {
    cat >project/more.cmake <<'END'
multi_stage_add_artifact(app FROM build-complete PATH "/reports/*" /app/none DESTINATION reports ALWAYS)
END
    local write="mkdir /reports; cat src/a.txt >/reports/a; echo x >/reports/bad"
    configure -D SAMPLE_BUILD="$write; exit 3"
    build_fails
    same first "$(cat build/reports/a)"
    same x "$(cat build/reports/bad)"
    configure -D SAMPLE_BUILD="mkdir /reports; cat src/a.txt >/reports/a"
    build
    same first "$(cat build/reports/a)"
    absent build/reports/bad
    nothing_to_do
    # The target is about the checkpoint alone, and strict.
    build_fails artifacts
    has "$out" "nothing in the image matches '/app/none'"
    echo 'multi_stage_add_artifact(app FROM build-complete PATH "/reports/*" DESTINATION reports ALWAYS)' >project/more.cmake
    configure -D SAMPLE_BUILD="mkdir /reports; cat src/a.txt >/reports/a"
    build artifacts
    nothing_to_do artifacts
    rm build/reports/a
    build artifacts
    same first "$(cat build/reports/a)"
    # A failure brings its own, and the next good build those of the image.
    configure -D SAMPLE_BUILD="$write; exit 4"
    build_fails artifacts
    same x "$(cat build/reports/bad)"
    configure -D SAMPLE_BUILD="mkdir /reports; cat src/a.txt >/reports/a"
    build artifacts
    absent build/reports/bad
    nothing_to_do artifacts
}

@test "artifacts that come out whatever the exit: a FIFO among them, and names that are no text" {
    echo 'multi_stage_add_artifact(app FROM build-complete PATH "/r/*" DESTINATION reports ALWAYS)' >project/more.cmake
    configure -D SAMPLE_BUILD='mkdir -p /r/sub; mkfifo /r/a /r/sub/fifo; echo x >/r/b; echo y >/r/sub/file;
        cd /r; echo z >"$(printf "odd-\374%%41")"; exit 3'
    build_fails
    has_not "$out" "could not be brought"
    same x "$(cat build/reports/b)"
    same y "$(cat build/reports/sub/file)"
    absent build/reports/a build/reports/sub/fifo
    same z "$(cat build/reports/odd-*)"
    configure -D SAMPLE_BUILD='mkdir /r; echo x >/r/b'
    build
    same b "$(ls build/reports | grep -v sub)"
}

@test "a stage without output, and one with a great deal" {
    configure -D SAMPLE_BUILD="exit 1"
    build_fails
    has_not "$out" "last lines"
    configure -D SAMPLE_BUILD="seq 1000000; exit 1"
    build_fails
    has "$out" "| 1000000"
    has_not "$out" "| 900000"
    (($(wc -l <<<"$out") < 60))
}

@test "another store than that of the checkpoints: where the image was expected, and what to do" {
    configure
    build deps-installed
    later
    echo changed >project/src/a.txt
    export MSTAGE_STORE="$work/other"
    build_fails
    has "$out" "stage 'build' of pipeline 'app' could not be run: checkpoint 'app.deps-installed' is image"
    has "$out" "expected '$work/other/images/"
    has "$out" "set MSTAGE_STORE to the store that it was built with, or remove"
    rm build/.mstage/app/*.checkpoint
    build
    same "changed
second" "$(image_file build-complete:/result)"
}

@test "a stage whose output was on the terminal: the report does not repeat it" {
    configure -D SAMPLE_LIVE=ON -D SAMPLE_BUILD="echo 'it broke'; exit 3"
    build_fails
    has "$err" "its output is above"
    has_not "$err" "| it broke"
    same 1 "$(grep -cx 'it broke' <<<"$out$err")"
    same "it broke" "$(json "$(cat store/runs/*/report.json)" 'd["last_lines"]')"
}

@test "a user and a working directory that the image does not have" {
    sed -i 's/^  NETWORK  /  USER nobody-here\n&/' project/CMakeLists.txt
    configure
    build_fails
    has "$out" "has no user 'nobody-here'"
    has "$out" "stage 'build' of pipeline 'app' failed with exit code 126"
    has "$out" "rollback points that remain"
}

@test "a store on a file system that is full" {
    configure -D SAMPLE_BUILD="dd if=/dev/zero bs=1M count=64"
    build deps-installed
    # In a mount namespace of its own, at whose end the file system is gone.
    mkdir full
    cat >script <<'END'
mount -t tmpfs -o size=24M none full && cp -a store/. full/ && mount --bind full store
ninja -C build build-complete
END
    call unshare --user --map-root-user --mount bash script
    [[ $code != 0 ]] || blame "expected it to fail"
    has "$out" "stage 'build' of pipeline 'app' could not be run: "
    has "$out" "No space left on device"
    has "$out" "the file system of store '$work/store' is full"
    has "$out" "deps-installed"
    has "$out" "rollback points that remain"
}

@test "an artifact that would be a link out of its destination stays away" {
    cat >project/more.cmake <<'END'
multi_stage_add_artifact(app FROM build-complete PATH "/out/*" DESTINATION out ALWAYS)
multi_stage_add_artifact(app FROM build-complete PATH "/more/*" DESTINATION out/led ALWAYS)
END
    mkdir elsewhere
    echo precious >elsewhere/file
    configure -D SAMPLE_BUILD="mkdir /out /more; ln -s $work/elsewhere /out/led; ln -s . /out/here; echo x >/more/file"
    build
    has "$out" "'$work/build/out/led' would be a link to '$work/elsewhere', out of '$work/build/out'"
    same precious "$(cat elsewhere/file)"
    build_fails artifacts
    same precious "$(cat elsewhere/file)"
}

@test "an artifact takes no place of the build system's" {
    cat >project/more.cmake <<'END'
multi_stage_add_artifact(app FROM build-complete PATH "/out/*" DESTINATION "${CMAKE_BINARY_DIR}" ALWAYS)
END
    local name before
    for name in build.ninja CMakeCache.txt CMakeFiles; do
        configure -D SAMPLE_BUILD="mkdir -p /out/$name && echo x >/out/$name/file; echo x >/out/app"
        before=$(md5sum build/build.ninja build/CMakeCache.txt)
        build
        has "$out" "'$work/build/$name' belongs to the build system of this build tree"
        build_fails artifacts
        has "$out" "'$work/build/$name' belongs to the build system of this build tree"
        same "$before" "$(md5sum build/build.ninja build/CMakeCache.txt)"
        absent "build/$name/file"
    done
    # What lies beside it is welcome.
    configure -D SAMPLE_BUILD="mkdir /out; echo x >/out/app"
    build artifacts
    same x "$(cat build/app)"
}

@test "two artifacts with one destination leave each other alone" {
    cat >project/more.cmake <<'END'
multi_stage_add_artifact(app FROM build-complete PATH "/b/*" DESTINATION out ALWAYS)
multi_stage_add_artifact(app FROM build-complete PATH "/a/*" DESTINATION out ALWAYS)
END
    configure -D SAMPLE_BUILD="mkdir /a /b; echo x >/a/x; touch -d @1000000000 /a/x"
    build
    configure -D SAMPLE_BUILD="mkdir /a /b; echo x >/b/x; touch -d @1000000000 /b/x"
    build
    same x "$(cat build/out/x)"
}
