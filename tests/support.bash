# What the bats files of cli/ and project/ share. The environment says which program is tested: MSTAGE_EXECUTABLE.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

: "${MSTAGE_EXECUTABLE:?names the program to test}"

# No message depends on the machine's language, and nothing on what the developer has set.
export LC_ALL=C.UTF-8
unset work XDG_DATA_HOME CTEST_PARALLEL_LEVEL CMAKE_GENERATOR CMAKE_BUILD_PARALLEL_LEVEL NINJA_STATUS MAKEFLAGS

UUID_PATTERN='[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

# --- Directories ------------------------------------------------------------------------------------------------

# A directory of the bats file's own, in `file_dir`, and the store in it. For setup_file.
make_file_dir() {
    file_dir=$(mktemp -d "${TMPDIR:-/tmp}/mstage-test.XXXXXX")
    export file_dir MSTAGE_STORE="$file_dir/store"
    make_home "$file_dir"
}

# In the directory: what programs keep for a user. Without a runtime directory of his own skopeo and podman would look
# for credentials in one of the machine's, which may be closed to him.
make_home() {
    export HOME="$1/home" XDG_RUNTIME_DIR="$1/run"
    mkdir -m 700 "$HOME" "$XDG_RUNTIME_DIR"
}

# A directory of the test's own, in `work`. For setup.
make_work_dir() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/mstage-test.XXXXXX")
    cd "$work" || return
}

# What a bats file needs to clean up, unless it has more to do.
teardown_file() {
    [[ -z ${file_dir:-} ]] || remove_tree "$file_dir"
}

teardown() {
    [[ -z ${work:-} ]] || remove_tree "$work"
}

# Removes a tree that may have read-only directories, files of other ids of this user's ranges, and somebody who still
# writes to it for a moment (a store is brought to disk in the background).
remove_tree() {
    cd /
    for _ in {1..50}; do
        rm -rf -- "$1" 2>/dev/null && return
        chmod -R u+rwX -- "$1" 2>/dev/null || true
        unshare --map-auto --map-root-user rm -rf -- "$1" 2>/dev/null && return
        sleep 0.1
    done
    rm -rf -- "$1"
}

# make_rootfs DIR [PROGRAM...]: the root file system that most tests use as their base: a shell and a handful of tools.
make_rootfs() {
    "${BATS_TEST_DIRNAME:?}/../make-rootfs" "$@"
}

# In setup_file: $file_dir with `rootfs`, and its image in the store as tag:base.
make_base() {
    make_file_dir
    make_rootfs "$file_dir/rootfs"
    if sandboxes_work; then
        mstage import --tag base "rootfs:$file_dir/rootfs" >/dev/null
    fi
}

# --- What this machine can do -----------------------------------------------------------------------------------

# Skips the test; fails it where everything has to work.
unavailable() {
    if [[ ${MSTAGE_TEST_MUST_WORK:-} == 1 ]]; then
        echo "this has to work here: $1"
        return 1
    fi
    skip "$1"
}

sandboxes_work() {
    unshare --user --map-root-user --mount true 2>/dev/null && command -v bwrap >/dev/null
}

require_sandbox() {
    sandboxes_work || unavailable "no sandboxes here: user namespaces are forbidden, or bwrap is missing"
}

is_root() {
    [[ $(id -u) == 0 ]]
}

# --- Running and comparing --------------------------------------------------------------------------------------

mstage() {
    "$MSTAGE_EXECUTABLE" "$@"
}

# Runs a command, and keeps its exit code in `code`, its stdout in `out` and its stderr in `err`.
call() {
    # Of bash alone: there are thousands of calls, and programs to name, read and remove the files would take longer than most
    # of what is called.
    local files="${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/call.$BASHPID.$((++calls))"
    called="$*"
    code=0
    "$@" >"$files.out" 2>"$files.err" 3>&- || code=$?
    # NUL bytes cannot be in a variable, which bash has to tell; tests of those compare files.
    { out=$(<"$files.out") err=$(<"$files.err"); } 2>/dev/null
}

# Says what came of the last call, and fails.
blame() {
    printf '%s\n' "$1" "command: $called" "exit code: $code" "stdout:" "$out" "stderr:" "$err"
    return 1
}

# The command succeeds and has nothing to complain about.
succeeds() {
    call "$@"
    [[ $code == 0 ]] || blame "expected exit code 0" || return
    [[ -z $err ]] || blame "expected nothing on stderr"
}

# exits CODE COMMAND...
exits() {
    local expected=$1
    shift
    call "$@"
    [[ $code == "$expected" ]] || blame "expected exit code $expected"
}

# The command fails with exit code 1 and with a message (on stderr) only.
fails() {
    exits 1 "$@" || return
    [[ -z $out ]] || blame "expected nothing on stdout" || return
    [[ $err == *"mstage: error: "* ]] || blame "expected an error message"
}

# The same for wrong usage.
misused() {
    exits 2 "$@" || return
    [[ -z $out ]] || blame "expected nothing on stdout" || return
    [[ $err == "mstage: error: "* ]] || blame "expected an error message"
}

# same EXPECTED ACTUAL: two texts.
same() {
    [[ $1 == "$2" ]] && return
    printf '%s\n' "differs (- expected, + actual):"
    diff -u --label expected --label actual <(printf '%s\n' "$1") <(printf '%s\n' "$2")
    return 1
}

# has TEXT PART
has() {
    [[ $1 == *"$2"* ]] && return
    printf '%s\n' "expected to find: $2" "in:" "$1"
    return 1
}

has_not() {
    [[ $1 != *"$2"* ]] && return
    printf '%s\n' "expected not to find: $2" "in:" "$1"
    return 1
}

# matches TEXT REGEX
matches() {
    [[ $1 =~ $2 ]] && return
    printf '%s\n' "expected a match of: $2" "in:" "$1"
    return 1
}

# absent PATH...
absent() {
    local path
    for path; do
        if [[ -e $path || -L $path ]]; then
            echo "expected not to be there: $path"
            return 1
        fi
    done
}

# is_nowhere VALUE PATH...: no file, name or link below the paths has the value in plain, base64, URL, JSON or hexadecimal form.
is_nowhere() {
    local found value_file as=()
    value_file=$(mktemp "${TMPDIR:-/tmp}/mstage-test.XXXXXX")
    printf '%s' "$1" >"$value_file"
    shift
    # Files may belong to other ids of this user's ranges.
    if ! is_root && unshare --map-auto --map-root-user true 2>/dev/null; then
        as=(unshare --map-auto --map-root-user)
    fi
    found=$("${as[@]}" "$BATS_TEST_DIRNAME/../find-secret" "$value_file" "$@")
    rm "$value_file"
    same "" "$found"
}

# The same for a text.
does_not_tell() {
    local value=$1 text
    text=$(mktemp "${TMPDIR:-/tmp}/mstage-test.XXXXXX")
    printf '%s\n' "$2" >"$text"
    is_nowhere "$value" "$text" || { cat "$text"; rm "$text"; return 1; }
    rm "$text"
}

# The text with what differs from run to run replaced: directories, UUIDs, times, sizes.
normalised() {
    printf '%s\n' "$1" | sed -E \
        -e "s|${work:-/nowhere}|WORK|g" -e "s|${file_dir:-/nowhere}|FILES|g" \
        -e "s/$UUID_PATTERN/UUID/g" \
        -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z?/TIMESTAMP/g' \
        -e 's/\b[0-9.]+ (ms|s|min|h|days)\b/TIME/g' \
        -e 's/\b[0-9.]+ (B|KiB|MiB|GiB)\b/SIZE/g'
}

# golden FILE TEXT: compares the normalised text with the file beside the test. MSTAGE_TEST_ACCEPT=1 writes it instead.
golden() {
    local file="$BATS_TEST_DIRNAME/golden/$1" text
    text=$(normalised "$2")
    if [[ ${MSTAGE_TEST_ACCEPT:-} == 1 ]]; then
        mkdir -p "${file%/*}"
        printf '%s\n' "$text" >"$file"
    fi
    same "$(cat "$file")" "$text"
}

# json TEXT EXPRESSION: the value of a Python expression about the document `d`; true, false and null as in JSON.
json() {
    python3 -c '
import json, sys
d = json.loads(sys.argv[1])
value = eval(sys.argv[2])
print(value if isinstance(value, str) else json.dumps(value))' "$1" "$2"
}

# --- Time -------------------------------------------------------------------------------------------------------

now_ms() {
    echo $(($(date +%s%N) / 1000000))
}

# eventually COMMAND...: it succeeds within a minute, which only a busy machine needs.
eventually() {
    for _ in {1..600}; do
        "$@" && return
        sleep 0.1
    done
    echo "did not come true: $*"
    return 1
}

# Whether a process has the word in its arguments. Tests mark what they start in sandboxes with odd durations of sleep.
is_running() {
    # The word comes by a pipe, for grep has arguments too.
    grep -qszxF -f - /proc/[0-9]*/cmdline <<<"$1"
}

is_gone() {
    ! is_running "$1"
}

# A duration in seconds that no other process sleeps.
odd_duration() {
    echo "$((1000 + RANDOM)).$BASHPID$RANDOM"
}
