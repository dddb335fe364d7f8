#!/usr/bin/env bats
# mstage run: what goes in, what comes out, and what becomes of what was written.

load ../support.bash

setup_file() {
    make_base
}

setup() {
    require_sandbox
    make_work_dir
}

image_count() {
    json "$(mstage images --json)" 'len(d["images"])'
}

# --- Exit codes -------------------------------------------------------------------------------------------------

@test "the command's exit code is that of mstage" {
    for expected in 0 1 2 3 42 124 125 126 127 128 200 254 255; do
        exits "$expected" mstage run tag:base -c "exit $expected"
        same "" "$out$err"
    done
}

@test "a command that a signal ended is 128 + its number" {
    for signal in 1 2 3 6 8 9 10 11 13 14 15; do
        exits $((128 + signal)) mstage run tag:base -c "kill -$signal \$\$"
        same "" "$out$err"
    done
}

@test "a program that is not there" {
    exits 127 mstage run tag:base -- /bin/frobnicate
    same "mstage: error: the image has no program '/bin/frobnicate'" "$err"
    exits 127 mstage run tag:base 'cat /etc/passwd'
    same "mstage: error: the image has no program 'cat /etc/passwd'
  its name has blanks in it: a line for the shell goes with -c" "$err"
    exits 127 mstage run -e PATH=/sbin:/bin tag:base -- frobnicate
    same "mstage: error: the image has no program 'frobnicate'
  PATH is there: /sbin:/bin" "$err"
    exits 127 mstage run tag:base -c frobnicate
    has "$err" "frobnicate: not found"
}

@test "a program whose interpreter is not there" {
    cp -a "$file_dir/rootfs" foreign
    printf '#!/opt/perl\n' >foreign/bin/script
    chmod 755 foreign/bin/script
    mstage import --tag foreign "rootfs:$work/foreign" >/dev/null
    exits 127 mstage run tag:foreign -- script
    has "$err" "program '/bin/script' cannot be started: its interpreter '/opt/perl' is not in the image"
}

@test "a program for another kind of processor" {
    cp -a "$file_dir/rootfs" foreign
    # The processor is a number in the header: here one that nobody has.
    printf '\177\177' | dd of=foreign/bin/cat bs=1 seek=18 conv=notrunc status=none
    printf '#!/bin/cat\n' >foreign/bin/script
    chmod 755 foreign/bin/script
    mstage import --tag foreign "rootfs:$work/foreign" >/dev/null
    exits 126 mstage run tag:foreign -- cat /etc/passwd
    has "$err" "mstage: error: program '/bin/cat' cannot be started: it is for another kind of processor (number 32639)"
    has "$err" "take an image for this machine, or install an emulator"
    exits 126 mstage run tag:foreign -- script
    has "$err" "program '/bin/script' cannot be started: its interpreter '/bin/cat' is for another kind of processor"
    cp foreign/bin/cat foreign/bin/sh
    mstage import --tag foreign-too "rootfs:$work/foreign" --refresh >/dev/null
    exits 126 mstage run tag:foreign-too -c true
    has "$err" "program '/bin/sh' cannot be started: it is for another kind of processor"
    same "" "$out"
}

@test "links that go in circles" {
    cp -a "$file_dir/rootfs" circles
    ln -s loop circles/bin/loop
    ln -s loop circles/loop
    mstage import --tag circles "rootfs:$work/circles" >/dev/null
    exits 126 mstage run tag:circles -- loop
    same "mstage: error: '/bin/loop' of the image: Too many levels of symbolic links" "$err"
    exits 126 mstage run -w /loop tag:circles -- true
    same "mstage: error: '/loop' of the image, to work in: Too many levels of symbolic links" "$err"
}

@test "what is below /tmp, /run and /proc is not there, and said to be so" {
    exits 127 mstage run tag:base -- /tmp/program
    same "mstage: error: the image has no program '/tmp/program'" "$err"
    exits 127 mstage run tag:base -- /proc/program
    same "mstage: error: program '/proc/program' cannot be started: No such file or directory" "$err"
    exits 126 mstage run -w /run/x tag:base -- true
    same "mstage: error: the image has no directory '/run/x' to work in
  /tmp and /run are empty at the beginning of every run" "$err"
}

@test "a working directory that is not there, or none" {
    exits 126 mstage run -w /nowhere tag:base -- true
    same "mstage: error: the image has no directory '/nowhere' to work in" "$err"
    exits 126 mstage run -w /etc/passwd tag:base -- true
    same "mstage: error: '/etc/passwd' of the image, to work in, is no directory" "$err"
}

@test "words behind a command line" {
    misused mstage run tag:base -c echo hello world
    same "mstage: error: mstage run: 'hello' is one word too many: -c takes the whole command line as one argument
  quote it: -c 'echo hello world'" "$err"
}

@test "what follows the image is the command, with or without --" {
    exits 0 mstage run tag:base ls -d /bin
    same /bin "$out"
    exits 0 mstage run tag:base -- ls -d /bin
    same /bin "$out"
    exits 2 mstage run tag:base --frobnicate -- true
    has "$err" "option '--frobnicate' is unknown"
    exits 2 mstage run --disposable --tag x tag:base -- true
}

@test "nothing of the kernel's settings can be written" {
    is_root || skip "for others than root the kernel sees to it; the sandbox's own settings they may write"
    exits 0 mstage run tag:base -- find /proc/sys /proc/irq /proc/bus -writable
    same "" "$out"
    # No more than what is writable for everybody, and what is a process's own.
    exits 0 mstage run tag:base -c 'cd /proc && for place in *; do
        case $place in [0-9]* | self | thread-self | net | mounts) continue ;; esac
        find "./$place" -type f -perm /222 ! -perm -002
    done 2>/dev/null | while read -r file; do
        echo "$file" >>/tmp/looked-at
        (: >>"$file") 2>/dev/null && echo "$file"
    done; cat /tmp/looked-at >&2'
    same "" "$out"
    # Something was looked at.
    has "$err" "./sys/"
}

@test "the caller's umask and limits do not show in what a command makes" {
    (
        umask 077
        ulimit -S -n 77
        ulimit -S -f 100000
        mstage run --tag umask tag:base -c 'touch /made; ulimit -n >/files; ulimit -f >/size' 2>/dev/null
    )
    has "$(mstage ls tag:umask:/made)" f0644
    [[ $(mstage cat tag:umask:/files) -gt 77 ]]
    [[ $(mstage cat tag:umask:/size) == unlimited ]]
}

@test "a program that is none" {
    exits 126 mstage run tag:base -- /etc/passwd
    same "mstage: error: '/etc/passwd' of the image is no executable file" "$err"
    exits 126 mstage run tag:base -- /etc
}

# --- Streams ----------------------------------------------------------------------------------------------------

@test "stdout and stderr are apart, byte for byte" {
    mstage run tag:base -c 'printf "a\0b\377\n\n"; printf "c\0d" >&2' >stdout 2>stderr
    printf 'a\0b\377\n\n' | cmp - stdout
    printf 'c\0d' | cmp - stderr
}

@test "stdin passes through" {
    printf 'a\0b\nc' >input
    mstage run tag:base -- cat <input >output
    cmp input output
    same 3 "$(printf '1\n2\n3\n' | mstage run tag:base -- wc -l)"
    same "" "$(mstage run tag:base -- cat </dev/null)"
    # A closed one is an error for those who read, and no open door to our own files.
    exits 1 mstage run tag:base -- cat <&-
    has "$err" "Bad file descriptor"
    succeeds mstage run tag:base -- true <&-
}

@test "a stdin that nobody reads is left to who comes next" {
    same "second" "$(printf 'second\n' | { mstage run tag:base -- true; cat; })"
}

@test "a file on stdin can be read, and that is all" {
    echo text >input
    chmod 644 input
    mstage run tag:base -c 'chmod 600 /proc/self/fd/0; echo changed >/proc/self/fd/0; true' 0<>input 2>/dev/null
    same "text 644" "$(cat input) $(stat -c %a input)"
    # The mode that it has: a failing test is not to change the machine.
    exits 1 mstage run tag:base -- chmod 666 /proc/self/fd/0 </dev/null
    has "$err" "Read-only file system"
    fails mstage run tag:base -- true </
    has "$err" "stdin is a directory"
}

@test "a FIFO on stdin can be read, and that is all" {
    mkfifo -m 600 fifo
    exec 8<>fifo
    echo line >&8
    mstage run tag:base -c 'chmod 666 /proc/self/fd/0; echo typed >/proc/self/fd/0; head -n 1' <fifo >out 2>/dev/null
    same line "$(head -n 1 out)"
    same 600 "$(stat -c %a fifo)"
    # Nothing came back into it.
    echo end >&8
    same end "$(head -n 1 <&8)"
    exec 8>&-
}

@test "a terminal on stdin can be read, and that is all" {
    # The command is to change the terminal's mode, to write to it, and to become its session's leader's heir.
    cat >script <<'END'
readlink /proc/self/fd/0
test -t 0 && echo "a terminal"
chmod 600 /proc/self/fd/0
echo typed >/proc/self/fd/0
(: >/dev/tty) 2>/dev/null && echo "a controlling terminal"
while read -r line; do echo "read: $line"; done
echo the end
END
    python3 - "$MSTAGE_EXECUTABLE" run tag:base -c "$(cat script)" >out <<'END'
import os, pty, select, stat, subprocess, sys, termios

# Its own session, whose controlling terminal it is: as for a program that somebody started in a shell.
pid, terminal = pty.fork()
if pid == 0:
    before = termios.tcgetattr(0), stat.S_IMODE(os.fstat(0).st_mode)
    output, writer = os.pipe()
    child = subprocess.Popen(sys.argv[1:], stdout=writer, stderr=subprocess.DEVNULL)
    os.close(writer)
    said = b""
    while piece := os.read(output, 4096):
        said += piece
    code = child.wait()
    after = termios.tcgetattr(0), stat.S_IMODE(os.fstat(0).st_mode)
    os.write(1, b"said:" + said + b"code: %d, same: %d\n" % (code, before == after))
    os._exit(0)
os.write(terminal, b"hello\n\x04")  # Ctrl-D
seen = b""
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    seen += piece
os.waitpid(pid, 0)
sys.stdout.write(seen.decode().replace("\r\n", "\n"))
END
    has "$(cat out)" "read: hello"
    has "$(cat out)" "the end"
    has "$(cat out)" "code: 0, same: 1"
    matches "$(cat out)" 'said:pipe:'
    has_not "$(cat out)" "terminal"
    # The pipe it may write to: it is its own.
    has_not "$(cat out)" $'\ntyped'
}

@test "a run in the background leaves the terminal to others" {
    # What is typed is for the shell that started it; a read would stop the run.
    python3 - "$MSTAGE_EXECUTABLE" run tag:base -c 'echo ready; read -r line; echo "$line"' >out <<'END'
import os, pty, signal, subprocess, sys

pid, terminal = pty.fork()
if pid == 0:
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, process_group=0)
    child.stdout.readline()
    os.write(1, b"type\n")
    mine = os.read(0, 100)
    _, status = os.waitpid(child.pid, os.WNOHANG | os.WUNTRACED)
    os.write(1, b"mine: %s, stopped: %d\n" % (mine.strip(), status != 0))
    # Brought to the foreground it reads.
    os.tcsetpgrp(0, child.pid)
    os.write(1, b"type\n")
    said = child.stdout.read()
    os.write(1, b"said: " + said)
    os._exit(0)
seen = b""
typed = [b"first\n", b"second\n"]
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    seen += piece
    while typed and seen.count(b"type\r\n") > 2 - len(typed):
        os.write(terminal, typed.pop(0))
os.waitpid(pid, 0)
sys.stdout.write(seen.decode().replace("\r\n", "\n"))
END
    has "$(cat out)" "mine: first, stopped: 0"
    has "$(cat out)" "said: second"
}

@test "what is not read of a file on stdin is left to who comes next" {
    printf '%s\n' first second >input
    same "$(printf '%s\n' first second)" "$({ mstage run tag:base -- true; cat; } <input)"
}

@test "50 MB of output arrive whole" {
    local line='yes 0123456789abcdef0123456789abcdef0123456789abcdef | head -n 1000000'
    mstage run tag:base -c "$line" | sha256sum >got
    sh -c "$line" | sha256sum >expected
    cmp expected got
}

@test "output comes as it is written, not at the end" {
    local duration
    duration=$(odd_duration)
    mkfifo pipe
    "$MSTAGE_EXECUTABLE" run tag:base -c "echo early; exec sleep $duration" >pipe 3>&- &
    local pid=$!
    read -r -t 10 line <pipe
    same early "$line"
    kill -TERM "$pid"
    wait "$pid" || true
}

@test "nobody to read stdout ends the command, quietly, and a full disk with an error" {
    local began code=0
    began=$(now_ms)
    { timeout 100 "$MSTAGE_EXECUTABLE" run tag:base -- yes 2>err || echo "$?" >code; } | head -n 1 >first
    same y "$(cat first)"
    same 141 "$(cat code)" # as by SIGPIPE
    same "" "$(cat err)"
    (($(now_ms) - began < 60000))
    timeout 100 "$MSTAGE_EXECUTABLE" run tag:base -- yes >/dev/full 2>err || code=$?
    same 1 "$code"
    has "$(cat err)" "No space left on device"
}

@test "the log has what was written" {
    exits 0 mstage run --json tag:base -c 'echo to-stdout; echo to-stderr >&2'
    local log
    log=$(json "$out" 'd["log"]')
    same "to-stderr
to-stdout" "$(sort "$log")"
}

@test "what is left running in the background ends with the command" {
    local duration began
    duration=$(odd_duration)
    began=$(now_ms)
    succeeds mstage run tag:base -c "sleep $duration & echo started"
    same started "$out"
    eventually is_gone "$duration"
    (($(now_ms) - began < 60000))
}

# --- What the command finds -------------------------------------------------------------------------------------

@test "arguments arrive as they are" {
    succeeds mstage run tag:base -- printf '<%s>' a 'b c' '' '$HOME' '*' "it's" '"' -x -- '--json'
    same "<a><b c><><\$HOME><*><it's><\"><-x><--><--json>" "$out"
    succeeds mstage run tag:base printf '<%s>' a b
    same "<a><b>" "$out"
    succeeds mstage run tag:base -c 'echo "$0"; echo a  b | tr a b; echo ";"'
    has "$out" "b b"
}

@test "paths of this machine are given their names in the image" {
    mkdir -p here/tmp here/none
    cd here/tmp
    succeeds mstage run --map "$work/here=/" --map "$work=/app" tag:base -- \
        sh -c 'pwd; printf "<%s>" "$@"' sh "$work/here/etc/x" "--a=$work/b" "$work.c"
    same "/tmp
</etc/x><--a=/app/b><$work.c>" "$out"
    succeeds mstage run --map "$work/here=/" -w /etc tag:base -c pwd
    same /etc "$out"
    cd ../none
    exits 126 mstage run --map "$work/here=/" tag:base -c pwd
    has "$err" "the image has no directory '/none' to work in"
    misused mstage run --map here=/var tag:base -c pwd
    cd /
    succeeds mstage run --map "$work/here=/etc" tag:base -c pwd
    same / "$out"
}

@test "CTest, and nobody else, is told what a run took" {
    unset CTEST_INTERACTIVE_DEBUG_MODE DASHBOARD_TEST_FROM_CTEST
    succeeds mstage run --ctest tag:base -c 'echo x'
    same x "$out"
    export DASHBOARD_TEST_FROM_CTEST=3.25.1
    exits 4 mstage run --ctest tag:base -c 'echo x; exit 4'
    same x "$out"
    matches "$err" '<CTestMeasurement type="numeric/double" name="wall_s">[0-9.e-]+</CTestMeasurement>'
    matches "$err" "<CTestMeasurement type=\"text/string\" name=\"image\">$(mstage import tag:base)</CTestMeasurement>"
    matches "$err" "<CTestMeasurementFile type=\"file\" name=\"log\">$MSTAGE_STORE/runs/$UUID_PATTERN/output.log</CTestMeasurementFile>\$"
    exits 0 mstage run --ctest tag:base true
    has_not "$err" CTestMeasurementFile
    same 1 "$(wc -l <<<"$err")"
}

@test "the environment is clean, and -e adds to it" {
    misused mstage run -e =x tag:base true
    same "mstage: error: '=x' is neither NAME=VALUE nor NAME" "$err"
    export FROM_OUTSIDE=secret
    unset SSL_CERT_FILE CURL_CA_BUNDLE GIT_SSL_CAINFO CARGO_HTTP_CAINFO NODE_EXTRA_CA_CERTS PIP_CERT REQUESTS_CA_BUNDLE
    succeeds mstage run tag:base -- env
    same "HOME=/root
LANG=C.UTF-8
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
PWD=/
TERM=dumb" "$(sort <<<"$out" | grep -v _proxy=)"
    succeeds mstage run -e A=1 --env 'B=x y=z' -e C= -e LANG=de -e A=2 tag:base -c 'echo "$A|$B|$C|$LANG"'
    same "2|x y=z||de" "$out"
    # By its name alone a variable comes from the caller, who need not have it.
    succeeds mstage run -e FROM_OUTSIDE -e NOT_THERE tag:base -c 'echo "${FROM_OUTSIDE-none} ${NOT_THERE-none}"'
    same "secret none" "$out"
}

@test "proxy variables pass through" {
    export http_proxy=http://127.0.0.1:9 NO_PROXY=localhost
    succeeds mstage run tag:base -c 'echo "$http_proxy $NO_PROXY"'
    same "http://127.0.0.1:9 localhost" "$out"
    # ... but do not stay in an image.
    mstage run --tag with-proxy tag:base -- touch /x
    unset http_proxy
    succeeds mstage run tag:with-proxy -c 'echo "<$http_proxy>"'
    same "<>" "$out"
    same "" "$(grep -r --include='*.json' 127.0.0.1:9 "$MSTAGE_STORE")"
}

@test "files with certificate authorities are there under their variables" {
    echo authority >mine.pem
    export SSL_CERT_FILE=mine.pem PIP_CERT=/nowhere/at.pem
    unset NODE_EXTRA_CA_CERTS
    succeeds mstage run tag:base -c 'cat "$SSL_CERT_FILE"; echo "<$PIP_CERT$NODE_EXTRA_CA_CERTS>"'
    same "authority
<>" "$out"
    # ... but do not stay in an image.
    succeeds mstage run --json --no-disposable tag:base -- true
    same false "$(json "$out" 'd["filesystem_changed"]')"
    same "" "$(grep -r --include='*.json' mine.pem "$MSTAGE_STORE")"
}

@test "-w, and the working directory of the image" {
    succeeds mstage run -w /etc tag:base -c pwd
    same /etc "$out"
    succeeds mstage run tag:base -c pwd
    same / "$out"
    mstage run -w /etc --tag in-etc tag:base -- touch /x
    succeeds mstage run tag:in-etc -c pwd
    same /etc "$out"
    call mstage run -w /missing tag:base -c pwd
    [[ $code != 0 ]] || blame "expected it to fail"
    has "$err" /missing
}

@test "--no-network leaves nothing but a loopback" {
    succeeds mstage run --no-network tag:base -- cat /proc/net/dev
    same "lo" "$(sed -n 's/^ *\([^ :]*\):.*/\1/p' <<<"$out")"
    succeeds mstage run tag:base -- cat /proc/net/dev
    same "$(sed -n 's/^ *\([^ :]*\):.*/\1/p' /proc/net/dev)" "$(sed -n 's/^ *\([^ :]*\):.*/\1/p' <<<"$out")"
}

@test "the command is root of its own, with its own processes" {
    succeeds mstage run tag:base -c 'id -u; id -g; ls /proc | grep -c "^[0-9]"'
    matches "$out" $'^0\n0\n[2-6]$'
}

@test "the host's files are not there" {
    echo precious >"$work/precious"
    fails_inside() {
        call mstage run tag:base -c "$1"
        [[ $code != 0 ]] || blame "expected it to fail"
    }
    fails_inside "cat $work/precious"
    fails_inside "cat /proc/1/root$work/precious"
    fails_inside "ls $MSTAGE_STORE"
    same precious "$(cat "$work/precious")"
}

# --- What becomes of what was written ---------------------------------------------------------------------------

@test "a disposable run leaves no image and no trace" {
    local before
    before=$(image_count)
    succeeds mstage run tag:base -c 'echo x >/x; rm /etc/passwd; cat /x'
    same x "$out"
    exits 1 mstage run --disposable tag:base -c 'cat /etc/passwd; [ -e /x ]'
    has "$out" root
    same "$before" "$(image_count)"
    same "" "$(ls "$MSTAGE_STORE/tmp")"
}

@test "--no-disposable makes an image and says which" {
    exits 0 mstage run --no-disposable tag:base -c 'echo x >/x; mkdir -p /a/b; rm /etc/passwd; ln -s x /link'
    same "" "$out"
    matches "$err" "^mstage: image $UUID_PATTERN\$"
    local image=${err#mstage: image }
    succeeds mstage run "$image" -c 'cat /x /link; ls /a; [ ! -e /etc/passwd ] && echo gone'
    same "x
x
b
gone" "$out"
    # The image before is what it was.
    succeeds mstage run tag:base -- cat /etc/passwd
}

@test "nothing written is no new image" {
    local before
    before=$(image_count)
    exits 0 mstage run --no-disposable tag:base -- cat /etc/passwd
    same "mstage: image $(mstage import tag:base)" "$err"
    same "$before" "$(image_count)"
    # What is in memory does not count.
    exits 0 mstage run --no-disposable --json tag:base -c 'echo x >/tmp/x; echo x >/run/x; echo x >/dev/shm/x'
    same false "$(json "$out" 'd["filesystem_changed"]')"
    same "$before" "$(image_count)"
}

@test "--tag names the new image; it stays where it was when the command fails" {
    exits 0 mstage run --tag new tag:base -- touch /first
    succeeds mstage ls tag:new:/first
    local image
    image=$(mstage import tag:new)
    exits 3 mstage run --tag new tag:new -c 'touch /second; exit 3'
    matches "$err" "^mstage: failed state $UUID_PATTERN\$"
    same "$image" "$(mstage import tag:new)"
    # The failed state can be looked at.
    succeeds mstage ls "${err#mstage: failed state }:/second"
}

@test "runs stack up" {
    mstage run --tag stack tag:base -c 'echo 0 >/count'
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
        mstage run --tag stack tag:stack -c "echo $i >>/count; echo $i >/file-$i"
    done
    succeeds mstage run tag:stack -c 'cat /count; ls / | grep -c file-'
    same "$(seq 0 12)
12" "$out"
}

@test "modes, owners, links and times come back as they were written" {
    mstage run --tag kept tag:base -c 'umask 0; mkdir /d; chmod 1750 /d; echo x >/d/a; ln /d/a /d/b; chmod 4711 /d/a
        ln -s /nowhere /d/l; mkfifo /d/p; touch -d "2001-02-03 04:05:06.123456789 UTC" /d/a
        chown 5:6 /d/p 2>/dev/null || true; : >/d/owner; stat -c "%a %h %i" /d/a /d/b >/dev/null'
    succeeds mstage run tag:kept -c 'stat -c "%n %F %a" /d /d/a /d/l /d/p; stat -c %h /d/a; stat -c %y /d/a; cat /d/b'
    same "/d directory 1750
/d/a regular file 4711
/d/l symbolic link 777
/d/p fifo 644
2
2001-02-03 04:05:06.123456789 +0000
x" "${out/fifo 666/fifo 644}"
    succeeds mstage run tag:kept -c 'stat -c %u:%g /d/p'
    same 5:6 "$out"
}

@test "what was removed stays removed, and a directory put in its place is empty" {
    mstage run --tag made tag:base -c 'mkdir /d; echo old >/d/old; echo f >/f'
    mstage run --tag removed tag:made -c 'rm -r /d /f; mkdir /d /f; echo new >/d/new'
    succeeds mstage run tag:removed -c 'ls /d; ls /f'
    same new "$out"
    succeeds mstage ls -R tag:removed:/d
    has_not "$out" old
    succeeds mstage cp tag:removed:/d "$work/d"
    same new "$(ls "$work/d")"
}

@test "--json: the record on stdout, the command's output on stderr" {
    exits 3 mstage run --json --no-disposable tag:base -c 'echo hello; echo x >/x; exit 3'
    same hello "$err"
    same '["exit_code", "failed_state", "filesystem_changed", "leaks", "log", "peak_memory_bytes", "result_image", "run", '\
'"timed_out", "wall_s"]' "$(json "$out" 'sorted(d)')"
    same '[3, false, true, null]' \
        "$(json "$out" '[d["exit_code"], d["timed_out"], d["filesystem_changed"], d["result_image"]]')"
    matches "$(json "$out" 'd["failed_state"]')" "^$UUID_PATTERN\$"
    same hello "$(cat "$(json "$out" 'd["log"]')")"
    same true "$(json "$out" '0 < d["wall_s"] < 60 and d["peak_memory_bytes"] > 0')"
    exits 0 mstage run --json tag:base -- true
    same '[0, null, null, false]' \
        "$(json "$out" '[d["exit_code"], d["result_image"], d["failed_state"], d["filesystem_changed"]]')"
}

@test "every run has its record in the store" {
    exits 0 mstage run --json -e A=1 tag:base -- true
    local record
    record=$(cat "$(json "$out" 'd["log"].replace("output.log", "run.json")')")
    same '["caches", "command", "disposable", "environment", "exit_code", "failed_state", "filesystem_changed", "id", "image", '\
'"interrupted_by", "key", "key_parts", "leaks", "network", "origin", "peak_memory_bytes", "phases", "read_bytes", '\
'"result_image", "secrets", "signal", "source_workdir", "started", "system_s", "timed_out", "timeout_s", "user", '\
'"user_s", "version", "wall_s", "workdir", "written_bytes"]' "$(json "$record" 'sorted(d)')"
    same '{"A": "1"}' "$(json "$record" 'd["environment"]')"
}

@test "eight runs on one image at once do not see each other" {
    local pids=() i
    for i in 1 2 3 4 5 6 7 8; do
        mstage run tag:base -c "[ ! -e /mine ] && echo $i >/mine && sleep 0.2 && cat /mine" >"out-$i" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i"
    done
    same "$(seq 8)" "$(cat out-?)"
}

@test "an image without a shell, without /etc, and an empty one" {
    mkdir empty
    mstage import --tag empty "rootfs:$work/empty" >/dev/null
    exits 127 mstage run tag:empty -c true
    same "mstage: error: the image has no program '/bin/sh'" "$err"
    cp -a "$file_dir/rootfs" no-etc
    rm -r no-etc/{etc,proc,dev,sys,tmp,run}
    mstage import --tag no-etc "rootfs:$work/no-etc" >/dev/null
    succeeds mstage run tag:no-etc -c 'echo x >/tmp/x; cat /tmp/x; ls /dev/null'
    same "x
/dev/null" "$out"
}

@test "an image whose /tmp or /proc is a link is refused, not followed" {
    cp -a "$file_dir/rootfs" evil
    rmdir evil/tmp
    ln -s "$work" evil/tmp
    mstage import --tag evil "rootfs:$work/evil" >/dev/null
    fails mstage run tag:evil -- true
    has "$err" "the image's '/tmp' is not a directory"
}

@test "in a process-id namespace, as in a container, where hardly any process is" {
    is_root || skip "for root only, who can make one without losing his ids"
    # The first few numbers belong to nobody any more.
    # shellcheck disable=SC2016  # the inner shell's variables
    succeeds timeout 60 unshare --pid --fork --mount-proc bash -c '
        for i in {1..20}; do /bin/true; done
        "$1" run tag:base -c "echo works"
    ' bash "$MSTAGE_EXECUTABLE"
    same works "$out"
}

@test "a bwrap that fails and leaves a child" {
    mkdir bin
    duration=$(odd_duration)
    printf '#!/bin/sh\nsleep %s &\necho "no luck" >&2\nexit 1\n' "$duration" >bin/bwrap
    chmod +x bin/bwrap
    exits 1 timeout 60 env PATH="$work/bin:$PATH" "$MSTAGE_EXECUTABLE" run tag:base -- true
    has "$err" "starting the sandbox: bwrap ended with exit code 1: no luck"
    is_gone "$duration"
}

@test "where parts of /proc are covered: a message that says so" {
    is_root || skip "for root only"
    # shellcheck disable=SC2016  # the inner shell's variables
    fails unshare --pid --fork --mount-proc bash -c '
        mount -t tmpfs none /proc/sys
        "$1" run tag:base -c true
    ' bash "$MSTAGE_EXECUTABLE"
    has "$err" "mounting /proc for the sandbox: Operation not permitted"
    has "$err" "container"
}

@test "a command cannot change the machine's devices, and can use them" {
    local before
    before=$(stat -c '%n %a %u:%g %Y' /dev/{null,zero,full,random,urandom,tty})
    for device in null zero full random urandom tty; do
        exits 1 mstage run tag:base -- chmod 0600 "/dev/$device"
        exits 1 mstage run tag:base -- chown 0:12 "/dev/$device"
        exits 1 mstage run tag:base -- touch -d @0 "/dev/$device"
    done
    same "$before" "$(stat -c '%n %a %u:%g %Y' /dev/{null,zero,full,random,urandom,tty})"
    succeeds mstage run tag:base -c 'echo x >/dev/null; head -c 3 /dev/zero | wc -c'
    same 3 "$out"
}
