#!/usr/bin/env bats
# What can be seen of a build while it goes on.

load ../support.bash
load project.bash

setup() {
    make_project
    # Stages whose commands say so and wait for a file in a cache.
    cat >project/more.cmake <<'END'
multi_stage_add_stage(app slow FROM setup-base CHECKPOINT slow-done INPUTS NONE LIVE ${SLOW_LIVE} CACHE /c,id=live
  COMMAND "echo begun; until [ -e /c/go ]; do sleep 0.02; done; echo over")
END
}

release() {
    touch "$(compgen -G "store/caches/live@*.0")/go"
}

@test "LIVE shows lines as they come" {
    configure -D SLOW_LIVE=ON
    ninja -C build app.slow-done >shown 2>&1 3>&- &
    local pid=$!
    eventually grep -qx begun shown
    has_not "$(cat shown)" over
    release
    wait "$pid"
    has "$(cat shown)" "begun
over"
}

@test "mstage watch follows the stages of a build, LIVE or not" {
    configure -D SLOW_LIVE=OFF
    ninja -C build app.slow-done >shown 2>&1 3>&- &
    local pid=$!
    eventually test -e build/.mstage/app/slow-done.running
    "$MSTAGE_EXECUTABLE" -C build watch --until-idle >watched 2>&1 3>&- &
    local watcher=$!
    eventually grep -q "app.slow-done: running, .*: begun" watched
    has_not "$(cat shown)" begun
    call ninja -C build app.status
    has "$out" "running, "
    has "$out" "mstage"
    release
    wait "$pid"
    wait "$watcher"
    matches "$(tail -n 1 watched)" "^app\.slow-done: ran in "
}
