#!/usr/bin/env bats
# mstage mcp, spoken to by Python programs that send what clients should send, and what they should not.

load ../support.bash
load project.bash
load mcp.bash

setup() {
    make_project
    import_base
}

@test "what is no JSON is a parse error, and the server lives on" {
    checks messages.py NoJson
}

@test "what is no request is refused, and what nobody asked for ignored" {
    checks messages.py NoRequest
}

@test "an id comes back as it was sent" {
    checks messages.py Ids
}

@test "messages in pieces, many in one, huge and deep ones" {
    checks messages.py Framing
}

@test "requests with a wrong method or wrong parameters" {
    checks messages.py WrongRequests
}

@test "each revision of the protocol" {
    checks messages.py Versions
}

@test "the end of the input, wherever it comes" {
    checks messages.py Ends
}

@test "every argument of every tool with wrong types, bounds and texts" {
    configure
    build
    checks arguments.py
}

@test "runs: what they return and what is kept" {
    checks runs.py Runs
}

@test "runs side by side: waiting for all, for any, until the time is up" {
    checks runs.py SideBySide
}

@test "runs that are cancelled or watched" {
    checks runs.py Ending
}

@test "operations and directory states outlive the server" {
    checks runs.py Restart
}

@test "no result is above 8 KB, and all of it can be had" {
    seq -f 'project/src/file-with-a-long-name-%05.0f' 3000 | xargs touch
    cat >project/more.cmake <<'CMAKE'
multi_stage_add_stage(app shout FROM setup-base CHECKPOINT loud INPUTS NONE LIVE ON
  COMMAND "seq 100000 1500000; exit 1")
foreach(number RANGE 100)
  multi_stage_add_stage(app stage-${number} FROM setup-base CHECKPOINT made-by-stage-${number} INPUTS NONE COMMAND true)
endforeach()
CMAKE
    configure
    build
    for file in project/src/*; do echo changed >>"$file"; done
    checks sizes.py
}

@test "nothing outside of the roots is read or written" {
    checks roots.py
}
