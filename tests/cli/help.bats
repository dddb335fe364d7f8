#!/usr/bin/env bats
# Help, usage errors and what is the same for all verbs.

load ../support.bash

verbs=(status watch history rollback why report run shell images tag caches import export ls cat cp diff lineage
    prompt mcp compile-commands completion scan stage)

setup_file() {
    make_file_dir
}

# is_good_help TEXT: it has something to say and fits a terminal.
is_good_help() {
    local line
    [[ $1 == *"Usage: mstage"* ]] || { echo "no usage line in: $1"; return 1; }
    while IFS= read -r line; do
        if ((${#line} > 100)); then
            echo "longer than 100 columns: $line"
            return 1
        fi
    done <<<"$1"
}

@test "mstage help is the same" {
    same "$(mstage --help)" "$(mstage help)"
    same "$(mstage run --help)" "$(mstage help run)"
    misused mstage help frobnicate
    has "$err" "verb 'frobnicate' is unknown"
}

@test "mstage --help lists every verb with a summary" {
    succeeds mstage --help
    is_good_help "$out"
    for verb in "${verbs[@]}"; do
        matches "$out" $'\n  '"$verb"' +[A-Z]'
    done
    local with_long_option=$out
    succeeds mstage -h
    same "$with_long_option" "$out"
}

@test "every verb has help on stdout" {
    for verb in "${verbs[@]}"; do
        succeeds mstage "$verb" --help
        is_good_help "$out"
        has "$out" "mstage $verb"
        has "$out" "-C DIR"
        # The summary is the one of the list.
        local summary=${out%%$'\n'*}
        [[ -n $summary ]] || blame "no summary"
        has "$(mstage --help)" "$summary"
    done
}

@test "help needs no store and makes none" {
    succeeds env -u HOME "$MSTAGE_EXECUTABLE" --help
    succeeds env -u HOME "$MSTAGE_EXECUTABLE" run --help
    succeeds env MSTAGE_STORE="$file_dir/unused" "$MSTAGE_EXECUTABLE" images --help
    absent "$file_dir/unused"
}

@test "the manual page tells of every verb and its options" {
    succeeds env -u HOME SOURCE_DATE_EPOCH=86400 "$MSTAGE_EXECUTABLE" __manual
    local page=$out
    printf '%s\n' "$page" >"$file_dir/mstage.1"
    succeeds mandoc -T lint "$file_dir/mstage.1"
    local text
    text=$(mandoc -T ascii "$file_dir/mstage.1" | sed 's/.\x08//g')
    matches "$text" 'mstage [0-9.]+ +1970-01-02'
    for section in NAME SYNOPSIS DESCRIPTION OPTIONS VERBS "IMAGE REFERENCES" ENVIRONMENT FILES "EXIT STATUS" \
        EXAMPLES; do
        matches "$text" $'\n'"$section"$'\n'
    done
    for verb in "${verbs[@]}"; do
        matches "$text" $'\n   '"$verb"$'\n       mstage '"$verb"
        for option in $(mstage "$verb" --help | grep -oE '^ +-[-a-zA-Z,]+' | grep -oE -- '--[-a-z]+'); do
            has "$text" "$option"
        done
    done
    has_not "$text" __manual
}

@test "mstage --version" {
    succeeds mstage --version
    matches "$out" '^mstage [0-9]+\.[0-9]+\.[0-9]+$'
}

@test "without a verb" {
    misused mstage
    same "mstage: error: a verb is missing
  mstage --help" "$err"
}

@test "an unknown verb, with a guess at what was meant" {
    misused mstage imgaes
    same "mstage: error: verb 'imgaes' is unknown
  did you mean 'images'?" "$err"
    misused mstage stat
    has "$err" "did you mean 'status'?"
    misused mstage frobnicate
    same "mstage: error: verb 'frobnicate' is unknown
  'mstage --help' lists the verbs" "$err"
    misused mstage ""
    has "$err" "verb '' is unknown"
}

@test "an unknown option, before and after the verb" {
    misused mstage --frobnicate
    has "$err" "'--frobnicate'"
    for verb in "${verbs[@]}"; do
        misused mstage "$verb" --frobnicate
        has "$err" "mstage $verb: "
        has "$err" "mstage $verb --help"
    done
    misused mstage images --frobnicate
    same "mstage: error: mstage images: The following argument was not expected: --frobnicate
  mstage images --help" "$err"
}

@test "an option that lacks its value" {
    misused mstage -C
    misused mstage images -C
    misused mstage run --timeout
}

@test "too few and too many arguments" {
    misused mstage import
    misused mstage import host rootfs:/x
    misused mstage images surplus
    misused mstage status surplus
    misused mstage ls
    misused mstage ls a b
    misused mstage cat
    misused mstage cp
    misused mstage cp tag:base:/x
    misused mstage tag only-an-image
    misused mstage tag a b c
    misused mstage tag --remove a b c
    misused mstage run
    misused mstage run tag:base
    misused mstage run tag:base --
    misused mstage run tag:base -c true -- true
    misused mstage scan
    misused mstage stage plan.json
}

@test "values that are none" {
    misused mstage run --timeout soon tag:base true
    misused mstage run --timeout 5d tag:base true
    misused mstage run --timeout -1 tag:base true
    misused mstage run --plan x tag:base true
    misused mstage run --test x tag:base true
    misused mstage cp --depfile x tag:base:/a "$file_dir"
}

@test "-C names the directory to stand in, before and after the verb" {
    mkdir "$file_dir/elsewhere"
    fails mstage -C "$file_dir/elsewhere" status
    local before=$err
    has "$before" "$file_dir/elsewhere"
    fails mstage status -C "$file_dir/elsewhere"
    same "$before" "$err"
}

@test "-C with a directory that is not there" {
    fails mstage -C "$file_dir/nowhere" status
    has "$err" "$file_dir/nowhere"
}
