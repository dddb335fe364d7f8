#!/usr/bin/env bats
# Base `host`: the machine's own system, which no stage can change.

load ../support.bash
load project.bash

setup_file() {
    make_file_dir
}

listing() {
    find /etc /usr/local /usr/bin /usr/lib/os-release /var/lib/dpkg -xdev -printf '%p %y %m %U:%G %s %T@ %l\n' \
        2>/dev/null | sort
}

@test "as root: what a stage does to the system stays in its image" {
    is_root || skip "for root only"
    configure -D SAMPLE_BASE=host -D SAMPLE_INSTALL="echo mine >/usr/local/bin/mine && echo mine >/etc/mine && \
rm /etc/passwd && mkdir -p /var/lib/mine /opt/mine && touch /var/lib/mine/x && chmod 700 /usr/bin/env && mkdir /new && \
touch /new/x /root/x && cat /usr/local/bin/mine" -D SAMPLE_BUILD="cat /usr/local/bin/mine /etc/mine >/result && \
[ ! -e /etc/passwd ] && [ -e /var/lib/mine/x ] && [ -d /opt/mine ] && [ -e /new/x ] && [ -e /root/x ]"
    listing >before
    build
    listing >after
    cmp before after || { diff before after; false; }
    absent /usr/local/bin/mine /etc/mine /var/lib/mine /opt/mine /new /root/x
    same "mine
mine" "$(image_file build-complete:/result)"
    has "$(mstage -C build ls build-complete:/usr/bin/env)" f0700
    nothing_to_do
}

@test "as root: system directories keep their modes and owners" {
    is_root || skip "for root only"
    local directories=(/usr /etc /var /opt /usr/local /var/lib)
    configure -D SAMPLE_BASE=host -D SAMPLE_INSTALL="touch $(printf '%s/mstage-test ' "${directories[@]}")" \
        -D SAMPLE_BUILD="stat -c '%n 0%a %u:%g' ${directories[*]} >/modes && touch /etc/more"
    build
    same "$(stat -c '%n 0%a %u:%g' "${directories[@]}")" "$(image_file build-complete:/modes)"
    local listed
    listed=$(json "$(mstage -C build ls --json build-complete:/)" \
        '"\n".join("%s %s %s:%s" % (f["path"], f["mode"], f["uid"], f["gid"]) for f in d["files"])')
    for directory in /etc /opt /usr /var; do
        has "$listed" "$(stat -c '%n 0%a %u:%g' "$directory")"
    done
}

@test "as root: a project that lies on a mount below a system directory" {
    is_root || skip "for root only"
    place=/opt/mstage-test-$$
    # shellcheck disable=SC2016  # the inner shell's variables
    unshare --mount bash -c '
        set -e
        mkdir "$1" && trap "cd /; umount -l $1" EXIT
        mount -t tmpfs none "$1"
        cp -r project "$1/project"
        cmake -G Ninja -S "$1/project" -B "$1/build" -D SAMPLE_MODULE_DIR="$2" -D MSTAGE_EXECUTABLE="$3" \
            -D SAMPLE_BASE=host -D SAMPLE_BUILD="echo made >/usr/local/made" >/dev/null
        ninja -C "$1/build" build-complete
        ninja -C "$1/build" build-complete | grep "no work to do"
        "$3" -C "$1/build" cp build-complete:/usr/local/made "$1/out/"
        grep made "$1/out/made"
    ' bash "$place" "$module_dir" "$MSTAGE_EXECUTABLE" >log 2>&1 || { cat log; rmdir "$place"; false; }
    rmdir "$place"
    absent /usr/local/made
}

@test "as an ordinary user: the system is read-only, and a stage that writes to it says so" {
    is_root && skip "for ordinary users only"
    configure -D SAMPLE_BASE=host -D SAMPLE_INSTALL="echo mine >/usr/local/mine"
    build_fails
    has "$out" "Read-only file system"
    absent /usr/local/mine
    configure -D SAMPLE_BASE=host -D SAMPLE_INSTALL="mkdir /new; cat deps.txt >/new/deps"
    build
    same "a library" "$(image_file build-complete:/new/deps)"
}

@test "the machine's tools are there, its people's files are not" {
    mkdir -p "$work/secret"
    echo secret >"$work/secret/file"
    configure -D SAMPLE_BASE=host -D SAMPLE_BUILD="ls -A /home /root /tmp /mnt /srv /media >/empty; cat --version >/version; \
! cat $work/secret/file"
    build
    same "/home:

/media:

/mnt:

/root:

/srv:

/tmp:" "$(image_file build-complete:/empty)"
    has "$(image_file build-complete:/version)" cat
}
