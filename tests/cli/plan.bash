# A build tree with a plan of two stages, `one` (first) and `two` (second), that nobody's CMake wrote.
# shellcheck shell=bash

# write_plan FIRST SECOND [FIELDS]: the commands, and more fields of all stages as JSON.
write_plan() {
    mkdir -p source build/.mstage/app
    echo one >source/file
    python3 - "$work" "$MSTAGE_STORE" "$@" >build/.mstage/app/plan.json <<'END'
import json, sys
work, store, first, second, *fields = sys.argv[1:]
def stage(name, start, checkpoint, command):
    return {"name": name, "from": start, "command": command, "environment": {}, "workdir": "/app", "network": False,
            "timeout": 0, "checkpoint": checkpoint, "target": checkpoint, "inputs": None, "exclude": [],
            "copies": [], "live": False} | json.loads(fields[0] if fields else "{}")
print(json.dumps({
    "version": 1, "pipeline": "app", "default": True, "source": work + "/source", "build_dir": work + "/build",
    "state_dir": work + "/build/.mstage/app", "store": store, "engine": "local", "base": "tag:base",
    "workdir": "/app", "exclude": [], "scan_every_build": False, "build_tool": "ninja -C " + work + "/build",
    "stages": [stage("one", "setup-base", "first", first), stage("two", "first", "second", second)], "tests": []}))
END
}

# As a build tool does.
build_first() {
    local plan=build/.mstage/app/plan.json
    succeeds mstage scan "$plan"
    succeeds mstage stage "$plan" setup-base
    succeeds mstage stage "$plan" one
}

build_first_fails() {
    local plan=build/.mstage/app/plan.json
    succeeds mstage scan "$plan"
    succeeds mstage stage "$plan" setup-base
    exits 1 mstage stage "$plan" one
}
