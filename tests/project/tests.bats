#!/usr/bin/env bats
# Tests on checkpoints under CTest: each on a file system of its own, of which nothing is kept.

load ../support.bash
load project.bash

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

# --- Users and caches -------------------------------------------------------------------------------------------

@test "stages and tests run as the user and with the caches that they name" {
    is_root || unshare --map-auto --map-root-user true 2>/dev/null || unavailable "no ids in /etc/subuid"
    cat >project/more.cmake <<'END'
multi_stage_add_stage(app owned FROM build-complete CHECKPOINT given INPUTS NONE
  COMMAND "mkdir /mine && chown 1234 /mine" CACHE /var/c,id=both)
multi_stage_add_stage(app used FROM given CHECKPOINT used INPUTS NONE USER 1234
  COMMAND "echo $(id -u) >/mine/uid; [ ! -w /app ] && cat /app/src/a.txt >/mine/read" CACHE /mine/cache,${MINE})
multi_stage_add_test(app NAME user FROM used USER 77:88 COMMAND "[ $(id -u):$(id -g) = 77:88 ]")
multi_stage_add_test(app NAME cache FROM used COMMAND "echo x >>/c/x" CACHE /c,id=both)
END
    configure -D MINE=id=mine
    build app.used
    same 1234 "$(image_file app.used:/mine/uid)"
    same "read
uid" "$(mstage -C build run app.used -- ls -A /mine)"
    run_ctest
    [[ $code == 0 ]] || blame "ctest failed"
    run_ctest
    same 2 "$(wc -l <"$(compgen -G "store/caches/both@*.0")/x")"
    nothing_to_do app.used
    # Another id is another stage; another way to share is not.
    configure -D MINE=id=mine,sharing=locked
    build app.used
    same "install 1, build 1, owned 1, used 1" "$(runs)"
    configure -D MINE=id=yours
    build app.used
    same "install 1, build 1, owned 1, used 2" "$(runs)"
}

@test "USER builds and tests, INSTALL_USER installs: root, if nobody is named" {
    is_root || unshare --map-auto --map-root-user true 2>/dev/null || unavailable "no ids in /etc/subuid"
    cat >project/more.cmake <<'END'
multi_stage_build(users BASE "${SAMPLE_BASE}" USER 1234
  INSTALL_COMMAND "id -u >/who && chown 1234 /who"
  BUILD_COMMAND   "id -u >>/who"
  TEST_COMMAND    "[ $(id -u) = 1234 ]")
multi_stage_build(others BASE "${SAMPLE_BASE}" USER 1234 INSTALL_USER 55
  INSTALL_COMMAND "[ $(id -u) = 55 ]"
  BUILD_COMMAND   "[ $(id -u) = 1234 ]"
  TEST_COMMAND    "")
END
    configure
    build users.checkpoints others.checkpoints
    same "0
1234" "$(image_file users.build-complete:/who)"
    run_ctest
    [[ $code == 0 ]] || blame "ctest failed"
    nothing_to_do users.checkpoints others.checkpoints
}

@test "ctest -j runs other tests while one has the locked cache" {
    cat >project/more.cmake <<'END'
foreach(i RANGE 1 6)
  multi_stage_add_test(app NAME l${i} FROM deps-installed CACHE /c,sharing=locked
    COMMAND "mkdir /c/alone && cat /c/count >/before; echo x >>/c/count; sleep 0.1; rmdir /c/alone")
  multi_stage_add_test(app NAME s${i} FROM deps-installed CACHE /s
    COMMAND "touch /s/${i}; sleep 0.1; [ -e /s/${i} ]")
endforeach()
END
    configure -D SAMPLE_TEST=
    run_ctest -j6
    [[ $code == 0 ]] || blame "ctest failed"
    has "$out" "100% tests passed, 0 tests failed out of 13"
    has_not "$out" "waiting for cache"
    same 6 "$(wc -l <"$(compgen -G "store/caches/c-*@*.0")/count")"
    same 6 "$(compgen -G "store/caches/s-*@*.0/?" | wc -l)"
}

# --- Ends and reports -------------------------------------------------------------------------------------------

@test "a test that CTest ends leaves no process" {
    local duration
    duration=$(odd_duration)
    cat >project/more.cmake <<END
multi_stage_add_test(app NAME slow FROM deps-installed CACHE /c,sharing=locked
  COMMAND "trap '' TERM INT HUP; (setsid sleep $duration &); sleep $duration; sleep $duration")
set_tests_properties(app.slow PROPERTIES TIMEOUT 5)
END
    configure -D SAMPLE_TEST=
    run_ctest
    same 8 "$code"
    matches "$out" "app.slow \.+\*+Timeout"
    eventually is_gone "$duration"
    # And neither lock nor store is held.
    succeeds timeout 60 "$MSTAGE_EXECUTABLE" caches --rm "$(json "$(mstage caches --json)" 'd["caches"][0]["id"]')"
    eventually test -z "$(ls store/tmp)" || mstage images >/dev/null
}

@test "ctest --output-junit has the output of tests" {
    cat >project/more.cmake <<'END'
multi_stage_add_test(app NAME bad FROM deps-installed COMMAND "echo what went wrong; exit 9")
END
    configure -D SAMPLE_TEST="echo all is well"
    run_ctest --output-junit "$work/junit.xml"
    same 8 "$code"
    same "app.bad fail: what went wrong" "$(junit app.bad | head -n 1)"
    same "app.test run: all is well" "$(junit app.test)"
}

# --- What CTest is told -----------------------------------------------------------------------------------------

@test "Test.xml has what a test took, and the log of one that failed" {
    cat >project/more.cmake <<'END'
multi_stage_add_test(app NAME bad FROM deps-installed COMMAND "echo what went wrong; exit 9")
multi_stage_add_test(app NAME slow FROM deps-installed COMMAND "echo begun; sleep 1000" TIMEOUT 3)
multi_stage_add_test(app NAME busy FROM deps-installed COMMAND "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done")
END
    configure -D SAMPLE_TEST="printf 'no newline'"
    run_ctest -T Test
    same 8 "$code"
    local name
    for name in app.test app.bad app.slow; do
        matches "$(measurement $name wall_s)" '^[0-9]+(\.[0-9]+)?(e-[0-9]+)?$'
        matches "$(measurement $name user_s)" '^[0-9]'
        matches "$(measurement $name system_s)" '^[0-9]'
        matches "$(measurement $name peak_memory_bytes)" '^[1-9][0-9]{5,}'
        succeeds test -f "store/runs/$(measurement $name run)/run.json"
    done
    # Numbers that are not all zero: what the shell has counted for so long, and the second.
    python3 -c 'import sys; sys.exit(not float(sys.argv[1]) > 0.02)' "$(measurement app.busy user_s)"
    python3 -c 'import sys; sys.exit(not 3 <= float(sys.argv[1]) < 60)' "$(measurement app.slow wall_s)"
    same "$(image_of build-complete)" "$(measurement app.test image)"
    same "$(image_of deps-installed)" "$(measurement app.bad image)"
    # Tags are no part of the output, and a test that is good sends no log.
    same "no newline" "$(measurement app.test output)"
    same "" "$(measurement app.test log)"
    same "what went wrong" "$(measurement app.bad log)"
    same begun "$(measurement app.slow log)"
    has "$(measurement app.bad output)" "mstage: log of app.bad: $work/store/runs/$(measurement app.bad run)/output.log"
}

@test "a person who runs a test sees no tags" {
    configure
    build
    succeeds mstage run --plan build/.mstage/app/plan.json --test app.test
    same "first
second" "$out"
}

@test "REPEAT runs a test so often, on the same state, and tells who failed" {
    cat >project/more.cmake <<'END'
# Every fourth run fails; the state is new for each, the cache counts.
multi_stage_add_test(app NAME flaky FROM deps-installed REPEAT 12 CACHE /c
  COMMAND "[ ! -e /mine ] && touch /mine; echo x >>/c/n; n=$(wc -l </c/n); echo run $n; [ $((n % 4)) != 0 ] || exit 5")
multi_stage_add_test(app NAME steady FROM deps-installed REPEAT 5 COMMAND "[ ! -e /mine ] && touch /mine")
END
    configure
    run_ctest -T Test --output-junit "$work/junit.xml"
    same 8 "$code"
    matches "$out" "app.steady \.+ +Passed"
    matches "$out" "app.flaky \.+\*+Failed"
    local told
    told=$(measurement app.flaky output)
    same "mstage: error: test 'app.flaky': 3 of 12 forks failed: 3 x exit code 5
  fork 4: exit code 5 after TIME, log: WORK/store/runs/UUID/output.log
  fork 8: exit code 5 after TIME, log: WORK/store/runs/UUID/output.log
  fork 12: exit code 5 after TIME, log: WORK/store/runs/UUID/output.log
  last lines of fork 4's output:
    | run 4
  each ran on a copy of 'deps-installed', which is as it was" "$(normalised "${told%%$'\n'"    to look around"*}")"
    # As after one that ran once.
    has "$told" "$MSTAGE_EXECUTABLE -C $work/build shell app.deps-installed"
    has "$told" "ctest --test-dir $work/build -R '^app\.flaky\$' --output-on-failure"
    has "$told" "$MSTAGE_EXECUTABLE -C $work/build rollback app.setup-base"
    same "mstage: test 'app.steady': 5 of 5 forks passed, in TIME to TIME each" \
        "$(normalised "$(measurement app.steady output)")"
    has "$(junit app.flaky)" "app.flaky fail: mstage: error: test 'app.flaky': 3 of 12 forks failed"
    same "12 3" "$(measurement app.flaky forks) $(measurement app.flaky failed_forks)"
    same "5 0" "$(measurement app.steady forks) $(measurement app.steady failed_forks)"
    same "run 8" "$(measurement app.flaky "log of fork 8")"
    # Each that failed has its report.
    same "app.flaky deps-installed 5
app.flaky deps-installed 5
app.flaky deps-installed 5" "$(for report in store/runs/*/report.json; do
        json "$(cat "$report")" '"{test} {from} {exit_code}".format(**d)'
    done)"
    same "$(image_of deps-installed)" "$(measurement app.flaky image)"
    nothing_to_do deps-installed
}

@test "REPEAT finds what chance does, PROCESSORS at once, each with its own time" {
    cat >project/more.cmake <<'END'
multi_stage_add_test(app NAME chance FROM deps-installed REPEAT 40 PROCESSORS 4
  COMMAND "[ $(od -An -N1 -tu1 /dev/urandom) -lt 128 ]")
multi_stage_add_test(app NAME late FROM deps-installed REPEAT 4 PROCESSORS 4 TIMEOUT 5
  COMMAND "mkdir /c/first 2>/dev/null || exec sleep 1000" CACHE /c,id=late)
END
    configure
    run_ctest -T Test
    same 8 "$code"
    same 40 "$(measurement app.chance forks)"
    local failed
    failed=$(measurement app.chance failed_forks)
    [[ $failed -gt 0 && $failed -lt 40 ]] || blame "$failed of 40 failed"
    has "$(measurement app.chance output)" "$failed of 40 forks failed: $failed x exit code 1"
    has "$(measurement app.late output)" "3 of 4 forks failed: 3 x time-out"
    eventually test -z "$(ls store/tmp)"
}

@test "Ctrl-C ends all forks of a test" {
    local duration
    duration=$(odd_duration)
    cat >project/more.cmake <<END
multi_stage_add_test(app NAME slow FROM deps-installed REPEAT 9 PROCESSORS 3 COMMAND "trap '' INT TERM; sleep $duration; sleep $duration")
END
    configure
    build deps-installed
    "$MSTAGE_EXECUTABLE" run --plan build/.mstage/app/plan.json --test app.slow >out 2>&1 3>&- &
    local pid=$!
    eventually is_running "$duration"
    kill -TERM "$pid"
    code=0
    wait "$pid" || code=$?
    same 143 "$code"
    eventually is_gone "$duration"
    same "mstage: error: interrupted by signal 15" "$(cat out)"
    # One that is killed leaves nobody either.
    "$MSTAGE_EXECUTABLE" run --plan build/.mstage/app/plan.json --test app.slow >out 2>&1 3>&- &
    pid=$!
    eventually is_running "$duration"
    kill -KILL "$pid"
    wait "$pid" || true
    eventually is_gone "$duration"
}

@test "where there are no sandboxes, tests are skipped and say why" {
    configure
    build
    call unshare --user --map-root-user --mount sh -c \
        'echo 0 >/proc/sys/user/max_user_namespaces && exec ctest --test-dir build --output-junit "$1"' sh "$work/junit.xml"
    [[ $code == 0 ]] || blame "ctest failed"
    matches "$out" "app.test \.+\*+Skipped"
    has "$(junit app.test)" "app.test notrun: mstage: skip: making a user namespace"
}

# junit TEST...: "NAME STATUS: OUTPUT" of each, from junit.xml.
junit() {
    python3 - "$work/junit.xml" "$@" <<'END'
import sys, xml.etree.ElementTree as tree
cases = {case.get("name"): case for case in tree.parse(sys.argv[1]).iter("testcase")}
for name in sys.argv[2:]:
    print(f"{name} {cases[name].get('status')}: {cases[name].findtext('system-out').strip()}")
END
}
