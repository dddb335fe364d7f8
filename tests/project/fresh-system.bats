#!/usr/bin/env bats
# A Debian that has nothing but the package: what README says works there as it is written. This needs the network, and
# some minutes.

load ../support.bash
load packages.bash

setup_file() {
    make_file_dir
    is_root || return 0
    make_package "$file_dir"
    # shellcheck source=/dev/null
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    # What is thrown away in the end need not be brought to disk.
    mmdebstrap --quiet --variant=apt --dpkgopt=force-unsafe-io --include=ca-certificates,mount \
        "$suite" "$file_dir/system"
    cp "$package" "$file_dir/system/root"
}

setup() {
    is_root || skip "for root only: a system of its own"
    require_sandbox
}

# in_system COMMAND...: as root, with the fresh system as its root file system: no chroot, in which there can be no user
# namespaces, and no other tool's sandbox, which would cover parts of /proc.
in_system() {
    # shellcheck disable=SC2016  # the inner shell's variables
    unshare --mount --pid --fork --kill-child bash -ec '
        mount --make-rprivate /
        mount --bind "$1" "$1"
        cp -L --remove-destination /etc/resolv.conf "$1/etc/resolv.conf"
        mount --rbind /dev "$1/dev"
        mount --rbind /sys "$1/sys"
        mount -t proc proc "$1/proc"
        cd "$1"
        pivot_root . .
        umount -l .
        cd /root
        shift
        exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
    ' bash "$file_dir/system" "$@"
}

works() {
    call in_system "$@"
    [[ $code == 0 ]] || blame "failed"
}

# What README says under "In your project": all of it, its first CMake code, its first commands.
section() {
    awk '/^## /{ inside = /^## In your project/ } inside' "$BATS_TEST_DIRNAME/../../README.md"
}

cmake_code() {
    section | awk '/^```cmake/{ inside = 1; next } inside && /^```/{ exit } inside'
}

commands() {
    section | awk '/^    cmake /{ inside = 1 } inside && /^$/{ exit } inside'
}

make_project() {
    local project="$file_dir/system/root/project"
    mkdir "$project"
    {
        cmake_code
        cat <<'END'
find_package(tinyxml2 REQUIRED)
add_executable(app app.cpp)
target_link_libraries(app PRIVATE tinyxml2::tinyxml2)
enable_testing()
add_test(NAME app COMMAND app)
END
    } >"$project/CMakeLists.txt"
    cat >"$project/app.cpp" <<'END'
#include <tinyxml2.h>
int main() {
    tinyxml2::XMLDocument document;
    return document.Parse("<greeting/>") == tinyxml2::XML_SUCCESS ? 0 : 1;
}
END
}

@test "README's first project, with the package and a compiler installed" {
    has "$(cmake_code)" "find_package(MultiStageBuild REQUIRED)"
    same 3 "$(commands | wc -l)"
    # shellcheck disable=SC2016  # the inner shell's
    works sh -c 'apt-get -q update && apt-get -q install -y --no-install-recommends g++ &&
        apt-get -q install -y ./mstage_*.deb'
    works mstage --version
    make_project
    works sh -euc "cd project; $(commands)"
    has "$out" "build-complete"
    has "$out" "100% tests passed"
    works sh -euc "cd project; $(commands)"
    has "$out" "no work to do"
    works mstage -C project/build ls build-complete:/build/app
    # The package was not in the way of what the stage installed.
    works sh -c '! dpkg -s libtinyxml2-dev'
}

@test "removed, it leaves nothing" {
    works apt-get -q purge -y mstage
    cd "$file_dir/system"
    same "" "$(find bin etc lib opt sbin usr var -xdev -iname '*mstage*' -o -xdev -iname '*multistagebuild*')"
}
