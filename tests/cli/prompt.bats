#!/usr/bin/env bats
# mstage prompt: instructions, the guide, and what is wrong with a call. Those of a pipeline: project/prompt.bats.

load ../support.bash

templates=$BATS_TEST_DIRNAME/../../templates

setup() {
    make_work_dir
}

# Each prompt with its parameters: NAME (required), NAME=DEFAULT, or NAME.
TABLE="multi-stage-build source! install_cmd=pip install -e .;build_cmd=python -m build;test_cmd=pytest
build-project source! install_cmd=pip install -e .;test_cmd=pytest
debug-failure operation_id!
parallel-tasks tasks! image=ubuntu:noble
prepare-environment task! base=python:3.11-slim;project;packages
run-python code!
run-shell command! image=ubuntu:noble
sync-and-run source!;command! image=alpine:latest
install-packages packages! image=ubuntu:noble
inspect-image image!"

# The same of a list of prompts, each as in JSON.
table_of() {
    python3 -c '
import json, sys
for prompt in json.load(sys.stdin):
    required = [p["name"] + "!" for p in prompt["parameters"] if p.get("required")]
    others = [p["name"] + ("" if p.get("default") is None else "=" + p["default"])
              for p in prompt["parameters"] if not p.get("required")]
    print(" ".join(part for part in (prompt["name"], ";".join(required), ";".join(others)) if part))'
}

@test "the table of prompts, parameters and defaults" {
    succeeds mstage prompt --json
    same "$TABLE" "$(json "$out" 'd["prompts"]' | table_of)"
    # And of the templates themselves.
    python3 - "$templates" <<'END' >headers
import glob, json, os, sys
prompts = []
for path in glob.glob(sys.argv[1] + "/prompts/*"):
    header, body = open(path, encoding="utf-8").read().split("\n---\n", 1)
    prompts.append(json.loads(header) | {"name": os.path.basename(path).removesuffix(".md")})
print(json.dumps(prompts))
END
    same "$(sort <<<"$TABLE")" "$(table_of <headers | sort)"
}

@test "the list, for people" {
    succeeds mstage prompt
    same "$(cut -d ' ' -f 1 <<<"$TABLE")" "$(grep -oE '^[a-z]+-[-a-z]+' <<<"$out")"
    has "$out" "    install_cmd     Installs the dependencies (default: pip install -e .)"
    has "$out" "(required)"
    has "$out" "guide: workflow reference quickstart state async tagging errors"
}

@test "instructions with what is given and with defaults" {
    local arguments=(source=/home/user/project "install_cmd=pip install -e '.[dev]'" "test_cmd=pytest -v")
    succeeds mstage prompt multi-stage-build "${arguments[@]}"
    for part in 'Source: `/home/user/project`' "\`pip install -e '.[dev]'\`" '`python -m build`' '`pytest -v`' \
        '`tag:python:3.11-slim`' '`deps-installed`' '`build-complete`' '`disposable=false`' '`result_image`'; do
        has "$out" "$part"
    done
    has_not "$out" '`pytest`'
    has_not "$out" "{{"
    local all=$out
    succeeds mstage prompt --json multi-stage-build "${arguments[@]}"
    same multi-stage-build "$(json "$out" 'd["name"]')"
    same "$all" "$(json "$out" 'd["text"]')"
}

@test "every prompt can be printed, and with the guide names only tools and statuses that there are" {
    tools=(run rsync import_image list_images get_image set_tag list_files read_file upload download get_operation
        list_operations wait_operations cancel_operation get_guide pipeline_status build why diff history rollback
        shell_command)
    while read -r name required _; do
        local arguments=()
        for parameter in ${required//;/ }; do
            arguments+=("${parameter%!}=x")
        done
        succeeds mstage prompt "$name" "${arguments[@]}"
        cat <<<"$out" >>all
    done <<<"$TABLE"
    for section in workflow reference quickstart state async tagging errors; do
        succeeds mstage prompt --guide $section
        same "$(cat "$templates/guide/$section.md")" "$out"
        cat <<<"$out" >>all
    done
    while read -r tool; do
        has " ${tools[*]} " " $tool "
    done < <(grep -oE '\b[a-z_]+\([a-z_]+=' all | sed 's/(.*//' | sort -u)
    same "" "$(grep -nE '\b(pending|executing|success|cancelled)`' all)"
}

@test "values of any kind go in to the letter, and are not looked at again" {
    local value
    for value in 'echo `date`' '```' '{{image}} {{command}} {{' "it's \"quoted\" \\ \$HOME" 'Grüße, 世界 🥊' \
        '%s%n <b>&amp;' $'first\n  second\n```\nthird' 'a=b=c' '-x --json'; do
        succeeds mstage prompt run-shell "command=$value"
        python3 - "$out" "$value" <<'END'
import re, sys
out, value = sys.argv[1:]
assert out.count(value) == 1 or value == "```", out
if "\n" in value:
    fence, code = re.search(r"^(`{3,})\n(.*?)\n\1$", out, re.M | re.S).groups()
else:
    fence, code = re.search(r"Command: (`+)(?!`)(.*?)(?<!`)\1(?!`)", out).groups()
    if code.startswith(" ") and code.endswith(" "):
        code = code[1:-1]
assert code == value, (fence, code)
assert fence not in value
END
    done
    # No UTF-8 at all.
    succeeds mstage prompt --json run-shell $'command=a\377b'
    has "$(json "$out" 'd["text"]')" "a�b"
}

@test "parameters that are missing, empty, unknown, twice or none" {
    misused mstage prompt multi-stage-build
    same "mstage: error: prompt 'multi-stage-build': parameter 'source' is missing
  it takes: source (required), install_cmd (default: pip install -e .), build_cmd (default: python -m build), test_cmd (default: pytest)" "$err"
    misused mstage prompt sync-and-run source= comand=x
    has "$err" "parameter 'source' is empty, parameter 'command' is missing, parameter 'comand' is unknown"
    misused mstage prompt run-shell command=a command=b
    has "$err" "parameter 'command' is there twice"
    misused mstage prompt run-shell ls
    has "$err" "'ls' is no PARAMETER=VALUE"
    misused mstage prompt run-shell =ls
    has "$err" "parameter '' is unknown"
    succeeds mstage prompt run-shell command=ls image=
    has "$out" 'Image: `ubuntu:noble`'
}

@test "a prompt or a section that there is not, with a guess at what was meant" {
    misused mstage prompt nothing
    same "mstage: error: prompt 'nothing' is unknown
  'mstage prompt' lists prompts and sections of the guide" "$err"
    misused mstage prompt run-shel command=ls
    has "$err" "did you mean 'run-shell'?"
    misused mstage prompt multi
    has "$err" "did you mean 'multi-stage-build'?"
    misused mstage prompt --guide stat
    same "mstage: error: section of the guide 'stat' is unknown
  did you mean 'state'?" "$err"
    misused mstage prompt --guide
    misused mstage prompt --guide state run-shell command=ls
    has "$err" "only one of"
    misused mstage prompt --pipeline app --guide state
}

@test "a section of the guide" {
    succeeds mstage prompt --guide state
    has "$out" "# State management guide"
    succeeds mstage prompt --guide state --json
    same '["state", "State management guide"]' "$(json "$out" '[d["name"], d["title"]]')"
}

@test "instructions need no store and no build tree, and make none" {
    succeeds env -u HOME -u MSTAGE_STORE "$MSTAGE_EXECUTABLE" prompt
    succeeds env -u HOME -u MSTAGE_STORE "$MSTAGE_EXECUTABLE" prompt inspect-image image=tag:x
    export HOME="$work"
    fails mstage prompt --pipeline
    same "mstage: error: '.' is in no build tree with pipelines
  configure a project that uses MultiStageBuild, or name its build tree with -C" "$err"
    same "" "$(ls -A "$work")"
}

@test "the files for agents have the rules, and the skill its front matter" {
    local file rule
    for file in "$templates/agents/AGENTS.md" "$templates/agents/skills/multi-stage-build/SKILL.md"; do
        for rule in "[Oo]ne mutating step" "[Ll]ook before" "[Bb]ranch before risk" "[Tt]ag results" \
            "[Nn]ever retry blindly" "[Rr]oll back instead"; do
            matches "$(cat "$file")" "$rule"
        done
    done
    same "---
name: multi-stage-build" "$(head -n 2 "$file")"
    matches "$(sed -n 3p "$file")" '^description: .{50,}$'
    same "---" "$(sed -n 4p "$file")"
}
