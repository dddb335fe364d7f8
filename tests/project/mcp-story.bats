#!/usr/bin/env bats
# The instructions of the prompt multi-stage-build, followed to the letter by a program (mcp/story.py): a project is built in
# stages, a build that is broken is mended and resumed, and what was good before is not made again.

load ../support.bash
load project.bash
load mcp.bash

setup() {
    require_sandbox
    make_work_dir
    export MSTAGE_STORE="$work/store"
}

# broken FILE MENDED: a project's file as it is now is what mends it later.
broken() {
    cp "$1" "$1.mended"
    cat >"$1"
}

@test "a Python project, on a base of Debian packages" {
    command -v mmdebstrap >/dev/null || unavailable "no mmdebstrap"
    cp -r "$BATS_TEST_DIRNAME/../../examples/python-package" Greeter
    chmod -R u+w Greeter
    broken Greeter/src/greeter/__init__.py <<<'def greet(name:'
    checks story.py "$work/Greeter" src/greeter/__init__.py \
        'apt-get update && apt-get install -y --no-install-recommends python3-yaml' \
        'python3 -m compileall -q src && python3 -m build --wheel --no-isolation' \
        'pip install --no-deps --no-index dist/*.whl && python3 -m pytest -v tests' \
        'SyntaxError'
}

@test "commands of several lines, with quotes and backticks, on a base that is there" {
    import_base
    mstage tag tag:base python:3.11-slim
    mkdir -p Shop/src
    echo pears >Shop/src/goods
    echo twelve >Shop/deps
    # shellcheck disable=SC2016  # the project's own
    echo 'cat src/goods /deps >result && wc -l <result' >Shop/build.sh
    broken Shop/build.sh <<<'echo "no price for pears" >&2; exit 3'
    # shellcheck disable=SC2016  # the sandbox's own
    checks story.py "$work/Shop" build.sh \
        $'# 1. what is needed\n\nNUMBER=`cat deps`\ncat deps >/deps' \
        'sh "./build.sh" `echo now`' \
        $'## Stage 9: none\ntest "$(cat result)" = "pears\ntwelve"\necho written >/app/result\n```\ntrue\n```\necho "1 passed"' \
        'no price for pears'
}
