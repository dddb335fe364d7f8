#!/usr/bin/env bats
# Completion: what real shells make of a line, on a build tree with a plan that nobody's CMake wrote.

load ../support.bash

setup_file() {
    make_base
    mkdir "$file_dir/bin"
    ln -s "$MSTAGE_EXECUTABLE" "$file_dir/bin/mstage"
    export PATH="$file_dir/bin:$PATH"
}

setup() {
    make_work_dir
    mkdir -p build/.mstage/app 'a directory/sub'
    touch 'a directory/file' plain
    write_plan app true first second >build/.mstage/app/plan.json
}

# write_plan PIPELINE DEFAULT CHECKPOINT...
write_plan() {
    python3 - "$work" "$MSTAGE_STORE" "$@" <<'END'
import json, sys
work, store, pipeline, default, *checkpoints = sys.argv[1:]
print(json.dumps({
    "version": 1, "pipeline": pipeline, "default": default == "true", "config": None,
    "default_config": None, "source": work, "build_dir": work + "/build",
    "state_dir": work + "/build/.mstage/" + pipeline, "store": store, "engine": "local", "base": "tag:base",
    "workdir": "/app", "exclude": [], "scan_every_build": False, "build_tool": "ninja", "tests": [],
    "stages": [{"name": "make-" + name, "from": "setup-base", "command": "true", "environment": {}, "workdir": "/app",
                "user": "", "caches": [], "exclude": [], "copies": [], "network": False, "timeout": 0,
                "checkpoint": name, "target": name, "inputs": None, "live": False}
               for name in checkpoints]}))
END
}

# The words that bash offers for the line, sorted, one a line; a space stays behind those that are ended by one.
offers_of_bash() {
    bash --norc -c '
        source <(mstage completion bash)
        compopt() { [[ $* != "-o nospace" ]] || space=; }
        COMP_LINE=$1 COMP_POINT=${#1} space=" "
        # As readline has it: its word breaks are words of their own.
        eval "words=($(sed -E "s/([:=@]+)/ \1 /g; s/\\\\ /__/g" <<<"$1"))"
        COMP_WORDS=("${words[@]//__/\\ }")
        [[ $1 != *" " ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _mstage mstage
        for word in "${COMPREPLY[@]}"; do
            echo "$word$space"
        done
    ' bash "$1" | sort
}

# offers LINE WORD...: these and no others, in bash, and, whole words as they are there, in fish.
offers() {
    local line=$1
    shift
    same "$(printf '%s\n' "$@" | sort)" "$(offers_of_bash "$line")"
}

offers_in_fish() {
    local line=$1
    shift
    command -v fish >/dev/null || unavailable "no fish"
    same "$(printf '%s\n' "$@" | sort)" \
        "$(fish --no-config -c 'mstage completion fish | source; complete -C $argv[1]' -- "$line" | cut -f 1 | sort)"
}

# typed SHELL KEYS: a terminal with the shell in it, and these keys and a tab: what the command then gets.
typed() {
    python3 - "$work" "$@" <<'END'
import os, pty, select, sys
work, shell, keys = sys.argv[1:]
command, start = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source <(command mstage completion bash)"),
    "zsh": (["zsh", "-f", "-i"], f"autoload -U compinit; compinit -u -d {work}/.dump; unsetopt zle_bracketed_paste; "
                                 "source <(command mstage completion zsh)"),
}[shell]
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(PS1="", INPUTRC="/dev/null", TERM="dumb")
    os.execlp(command[0], *command)
def read_until(mark):
    seen = b""
    while mark not in seen:
        ready, _, _ = select.select([fd], [], [], 20)
        if not ready:
            sys.exit(f"no {mark} in {seen}")
        seen += os.read(fd, 4096)
    return seen
os.write(fd, b"PS1=; mstage() { printf 'words:'; printf '<%s>' \"$@\"; printf ':en''d\\n'; }\n")
os.write(fd, start.encode() + b"; echo re''ady\n")
read_until(b"ready\r\n")
os.write(fd, keys.encode() + b"\t")
# zsh takes what comes in one go for pasted.
select.select([fd], [], [], 1)
os.write(fd, b"\n")
seen = read_until(b":end")
print(seen.split(b"words:")[-1].split(b":end")[0].decode())
os.write(fd, b"exit\n")
os.waitpid(pid, 0)
END
}

@test "verbs and options are those of help" {
    mapfile -t verbs < <(mstage --help | sed -n '/^Verbs:/,/^$/s/^  \([-a-z]*\) .*/\1 /p')
    [[ ${#verbs[@]} -gt 8 ]]
    offers "mstage " "${verbs[@]}"
    offers "mstage st" "stage " "status "
    offers "mstage -C build sta" "stage " "status "
    offers "mstage --v" "--version "
    offers "mstage nonsense " ""
    for verb in "${verbs[@]}"; do
        # Names at the beginning of lines are those of options.
        local names
        mapfile -t names < <(mstage "${verb% }" --help | grep -oE '^ +-[-a-zA-Z,]+' | grep -oE -- '--?[-a-zA-Z]+' |
            sed 's/$/ /')
        offers "mstage $verb-" "${names[@]}"
    done
}

@test "checkpoints, and full names when they are begun" {
    cd build
    offers "mstage run " "setup-base " "first " "second " "tag:base "
    offers "mstage ls f" "first:/"
    offers "mstage run app.f" "app.first "
    # A second pipeline: what has a short name already has none of this one's.
    mkdir .mstage/other
    write_plan other false first third >.mstage/other/plan.json
    offers "mstage run " "setup-base " "first " "second " "third " "other.first " "other.setup-base " "tag:base "
    offers "mstage -C / run " "tag:base "
    offers "mstage -C $work/build run t" "tag:base " "third "
    offers "mstage run -C $work/build sec" "second "
}

@test "a failed state" {
    python3 - >build/.mstage/app/second.failed <<'END'
import json, uuid
print(json.dumps({"version": 1, "run": str(uuid.uuid4()), "state": str(uuid.uuid4())}))
END
    cd build
    offers "mstage run se" "setup-base " "second " "second@failed "
    # What stands before the '@' is no part of readline's word any more.
    offers "mstage run second@" "failed "
    python3 - >.mstage/app/second.failed <<'END'
import json, uuid
attempts = [{"run": str(uuid.uuid4()), "state": str(uuid.uuid4())} for _ in range(2)]
print(json.dumps({"version": 2, "attempts": attempts, "last_failed": False, "leftovers": []}))
END
    offers "mstage run second@" "failed " "failed-1 "
}

@test "generations, once they are asked for; and checkpoints to go back to" {
    python3 - >build/.mstage/app/history <<'END'
import json, uuid
for i in range(3):
    print(json.dumps({"version": 1, "time": "2026-01-31T12:00:00.000000Z", "checkpoint": "second", "event": "ran",
                      "image": str(uuid.uuid4()), "parent": None, "key": None, "run": None, "duration_s": None,
                      "phases": [], "pinned": False}))
END
    cd build
    offers "mstage run se" "setup-base " "second "
    offers "mstage run second@" "-1 " "-2 "
    offers "mstage run second@-2" "-2 "
    offers "mstage rollback " "setup-base " "first " "second "
    offers "mstage history app.s" "app.second " "app.setup-base "
}

@test "tags and UUIDs" {
    require_sandbox
    offers "mstage run tag:" "base "
    offers "mstage tag --remove " "base "
    image=$(mstage tag | cut -d ' ' -f 1)
    offers "mstage run ${image:0:3}" ""
    offers "mstage run ${image:0:4}" "$image "
}

@test "files of images" {
    require_sandbox
    export MSTAGE_STORE="$work/store"
    mkdir -p more/etc/withdir
    touch more/etc/passwd "more/etc/with space" "more/etc/with
line end"
    mstage import --tag more "rootfs:$work/more" >/dev/null
    offers "mstage ls tag:more:/et" "/etc/"
    offers "mstage cat tag:more:/etc/pa" "/etc/passwd "
    same '/etc/with\ space
/etc/withdir/' "$(offers_of_bash "mstage cp tag:more:/etc/w" | sed 's/ $//')"
    offers "mstage cat tag:more:/nowhere/" ""
}

@test "files of the machine, where a file is wanted" {
    offers "mstage -C a" 'a\ directory/'
    offers "mstage ls -C a" 'a\ directory/'
    same 'a\ directory/file
a\ directory/sub/' "$(offers_of_bash 'mstage scan a\ directory/' | sed 's/ $//')"
    offers "mstage import ho" "host "
    offers "mstage import rootfs:pl" "plain "
    offers "mstage run --plan=pl" "plain "
    offers "mstage cp tag:base:/x pl" "plain "
}

@test "within quotes" {
    local quote
    for quote in \" \'; do
        same "<-C><build><run><first>" "$(typed bash "mstage -C build run ${quote}fir")"
        same "<run><tag:base>" "$(typed bash "mstage run ${quote}tag:b")"
        same "<import><rootfs:plain>" "$(typed bash "mstage import ${quote}rootfs:pl")"
    done
    # What a shell would make something else of is no name there.
    # shellcheck disable=SC2016
    touch 'odd $HOME' 'odd name'
    same "<import><rootfs:odd name>" "$(typed bash 'mstage import "rootfs:odd')"
}

@test "values that are words" {
    offers "mstage completion " "bash " "fish " "zsh "
    offers "mstage run --timeout " ""
    offers "mstage run tag:base ls " ""
}

@test "places for an export, ways to compress, caches" {
    offers "mstage export tag:base " "oci:" "oci-archive:" "docker-archive:" "docker://"
    offers "mstage export --compression " "gzip " "zstd " "none "
    require_sandbox
    mstage run --cache /c,id=of-mine tag:base -- true
    offers "mstage caches --rm of" "of-mine "
}

@test "prompts, what is not given yet of their parameters, sections of the guide, pipelines" {
    offers "mstage prompt run-" "run-python " "run-shell "
    offers "mstage prompt sync-and-run " "source=" "command=" "image="
    offers "mstage prompt sync-and-run command=ls s" "source="
    offers "mstage prompt sync-and-run command=ls c" ""
    same 'a\ directory/' "$(offers_of_bash 'mstage prompt sync-and-run source=a' | sed 's/ $//')"
    offers "mstage prompt nothing " ""
    offers "mstage prompt --guide s" "state "
    cd build
    offers "mstage prompt --pipeline " "app "
}

@test "a configuration is no tag" {
    cd build
    offers "mstage --config " ""
    sed 's/"config": null/"config": "Debug"/; s/"default_config": null/"default_config": "Debug"/' \
        .mstage/app/plan.json >plan
    mv plan .mstage/app/plan.json
    offers "mstage status --config D" "Debug "
}

@test "nothing is said, and nothing made, when there is nothing" {
    succeeds env MSTAGE_STORE="$work/none" "$MSTAGE_EXECUTABLE" __complete run ""
    absent "$work/none"
    echo nonsense >build/.mstage/app/plan.json
    succeeds mstage -C build __complete run ""
    succeeds mstage __complete -C build run ""
    same "" "$out"
    succeeds env -u HOME -u MSTAGE_STORE "$MSTAGE_EXECUTABLE" __complete run ""
    same "" "$out"
    succeeds mstage __complete
    has "$out" "status"
}

complete_at_a_terminal() {
    command -v "$1" >/dev/null || unavailable "no $1"
    same "<-C><build><run><second>" "$(typed "$1" "mstage -C build run sec")"
    same "<ls><tag:base:/>" "$(typed "$1" "mstage ls tag:b")"
    # zsh takes the slash back when nothing follows it.
    same "<-C><a directory" "$(typed "$1" "mstage -C a" | sed 's|/*>$||')"
    same "<-C><a directory/sub" "$(typed "$1" "mstage -C a\\ directory/s" | sed 's|/*>$||')"
    same "<import><rootfs:plain>" "$(typed "$1" "mstage import rootfs:pl")"
    same "<cat><tag:base:/etc/passwd>" "$(typed "$1" "mstage cat tag:base:/etc/p")"
}

@test "in a bash at a terminal" {
    require_sandbox
    complete_at_a_terminal bash
}

@test "in a zsh at a terminal" {
    require_sandbox
    complete_at_a_terminal zsh
}

@test "in fish" {
    cd build
    offers_in_fish "mstage st" stage status
    offers_in_fish "mstage run tag:" tag:base
    offers_in_fish "mstage run --no-d" --no-disposable
    offers_in_fish "mstage import rootfs:../pl" rootfs:../plain
}

@test "an unknown shell" {
    misused mstage completion tcsh
    has "$err" "'tcsh'"
}

@test "the scripts are good ones" {
    succeeds mstage completion bash
    printf '%s' "$out" >script.bash
    succeeds shellcheck script.bash
    succeeds mstage completion zsh
    if command -v zsh >/dev/null; then
        printf '%s' "$out" >script.zsh
        succeeds zsh -n script.zsh
    fi
}
