#!/usr/bin/env bats
# ninja app.prompt: a pipeline as instructions for an agent, in all states that it can be in. What they say to do is done
# here.

load ../support.bash
load project.bash

# prompt [ARGUMENT...]: what Ninja prints of it, without Ninja's own lines, in `text`.
prompt() {
    call ninja --quiet -C build "${@:-app.prompt}"
    [[ $code == 0 ]] || blame "no prompt" || return
    text=$(grep -v '^ninja: Entering' <<<"$out")
    [[ ${#text} -lt 8000 ]] || blame "longer than 8 KB"
}

# printed REGEX: the one command of those in code spans that matches.
printed() {
    python3 - "$text" "$1" <<'END'
import re, sys
text, pattern = sys.argv[1:]
spans = [code[1:-1] if fence != "`" and code[:1] == code[-1:] == " " else code
         for fence, code in re.findall(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", text)]
found = sorted({span for span in spans if re.search(pattern, span)})
if len(found) != 1:
    sys.exit(f"{len(found)} commands match {pattern}: {found}\nin:\n{text}")
print(found[0])
END
}

# does REGEX: runs the command that is printed, as a shell does.
does() {
    local command
    command=$(printed "$1") || { echo "$command"; return 1; }
    call sh -c "$command"
    [[ $code == 0 ]] || blame "what is printed fails"
}

# state CHECKPOINT: what is said of it.
state() {
    sed -nE "s/^[0-9]+\. \`$1\`[^:]*: (.*)/\1/p" <<<"$text"
}

configured() {
    later
    configure "$@"
}

@test "before anything is built: the stages as they are configured" {
    configure
    prompt
    has "$text" '# Pipeline `app`'
    has "$text" "Build tree: \`$work/build\`"
    same "**not built** (next build: import)" "$(state setup-base)"
    same "**not built** (next build: run)" "$(state build-complete)"
    for part in '`cat deps.txt >/deps`' '`cat src/* >/result; find . | sort >/listing`' 'source files: `deps.txt`' \
        'network off' "base: \`rootfs:$file_dir/rootfs\`" "2. \`deps-installed\`, from \`setup-base\`: " \
        "resume from \`deps-installed\`; further back: \`setup-base\`"; do
        has "$text" "$part"
    done
    has_not "$text" "its last attempt"
    local first=$text
    prompt prompt
    same "$first" "$text"
    succeeds mstage -C build prompt --pipeline
    same "$first" "$out"
    succeeds mstage prompt --pipeline app -C build --json
    same "$first" "$(json "$out" 'd["text"]')"
    misused mstage -C build prompt --pipeline nowhere
    has "$err" "it has: app"
    # Nothing was built for it.
    absent build/.mstage/app/setup-base.checkpoint
}

@test "the commands that it prints build, test, and tell" {
    configure
    prompt
    does '^ninja .* deps-installed$'
    prompt
    has "$(state deps-installed)" "**current**, image \`$(image_of deps-installed)\`"
    has "$(state build-complete)" "not built"
    does '^ninja .* build-complete$'
    does '^ninja .* app.checkpoints$'
    same "install 1, build 1" "$(runs)"
    does '^ctest .*app'
    has "$out" "100% tests passed"
    does ' status$'
    has "$out" "build-complete"
    does ' why '
    does ' history '
    prompt
    for checkpoint in setup-base deps-installed build-complete; do
        same "**current**, image \`$(image_of $checkpoint)\`" "$(state $checkpoint)"
    done
    later
    echo changed >project/src/a.txt
    prompt
    same "**out of date**, image \`$(image_of build-complete)\` (next build: run)" "$(state build-complete)"
}

@test "after a failure: what it left is looked at, and the build resumes" {
    configure -D SAMPLE_BUILD="echo half >/half; exit 3"
    build_fails
    prompt
    has "$(state deps-installed)" "current"
    same "**failed** (next build: run)" "$(state build-complete)"
    has "$text" "its last attempt failed with exit code 3"
    has "$text" "$(json "$(cat build/.mstage/app/build-complete.failed)" 'd["attempts"][0]["state"]')"
    does " run build-complete@failed "
    local cat
    cat=$(printed ' cat build-complete@failed:/PATH$')
    succeeds sh -c "${cat%/PATH}/half"
    same half "$out"
    [[ -f $(printed '/output.log$') ]]
    [[ -f $(dirname "$(printed '/output.log$')")/report.json ]]
    configured
    prompt
    does '^ninja .* build-complete$'
    same "install 1, build 2" "$(runs)"
    prompt
    has "$(state build-complete)" "current"
    has_not "$text" "its last attempt"
}

@test "after a rollback, with a generation put back, and taken back again" {
    configure
    build
    local old
    old=$(image_of deps-installed)
    configured -D SAMPLE_INSTALL="echo upgraded >/deps"
    build
    prompt
    does ' rollback deps-installed$'
    prompt
    same "**not built** (next build: run)" "$(state build-complete)"
    does ' rollback --undo$'
    prompt
    has "$(state build-complete)" "current"
    does ' rollback deps-installed --to @-1$'
    prompt
    matches "$(state deps-installed)" "^\*\*pinned\*\*, image \`$old\`, let go with "
    does ' rollback --unpin deps-installed$'
    does '^ninja .* build-complete$'
    prompt
    same "**restored**, image \`$(image_of deps-installed)\`" "$(state deps-installed)"
    does ' rollback setup-base$'
    prompt
    has "$(state deps-installed)" "not built"
}

@test "branches, joins, settings, and of secrets the ids" {
    printf 'the-value-of-it' >"$work/token-file"
    cat >project/more.cmake <<END
multi_stage_add_stage(app docs FROM deps-installed CHECKPOINT docs-built INPUTS NONE COMMAND "echo docs >/docs"
  ENVIRONMENT "LEVEL=a \`b\`" TIMEOUT 90 CACHE /root/.cache SECRET "token=$work/token-file" other=env:OTHER_SECRET)
multi_stage_add_stage(app pack FROM build-complete CHECKPOINT packed INPUTS NONE COPY docs-built:/docs
  COMMAND "cat /docs /result >/packed")
multi_stage_add_test(app NAME again FROM packed COMMAND "cat /packed")
multi_stage_build(lib BASE "rootfs:$file_dir/rootfs" INSTALL_COMMAND "true" BUILD_COMMAND "true" NETWORK OFF)
END
    export OTHER_SECRET=the-value-of-another
    configure
    build checkpoints
    prompt
    has "$text" '`docs-built`, from `deps-installed`'
    has "$text" '`packed`, from `build-complete`'
    has "$text" 'joins: `/docs` of `docs-built`'
    has "$text" '`` LEVEL=a `b` ``, network off, time-out 90 s, cache `/root/.cache`, secret `/run/secrets/other`, secret `/run/secrets/token`'
    has_not "$text" OTHER_SECRET
    does_not_tell the-value-of-it "$text"
    does_not_tell the-value-of-another "$text"
    has "$text" '- `packed`, and all before it: '
    has_not "$text" '- `build-complete`, and all before it: '
    does '^ctest .*again'
    prompt lib.prompt
    has "$text" '# Pipeline `lib`'
    does '^ninja .* lib.build-complete$'
    does ' rollback lib.deps-installed$'
    succeeds mstage -C build prompt --pipeline lib
    same '# Pipeline `lib`: a multi-stage build with rollback points' "${out%%$'\n'*}"
}

@test "several configurations" {
    configure -G "Ninja Multi-Config"
    prompt -f build-Release.ninja app.prompt
    has "$text" 'Configuration: `Release`'
    does '^ninja .*build-complete$'
    does ' --config Release rollback deps-installed$'
    does ' --config Release status$'
    does '^ctest .*Release'
}
