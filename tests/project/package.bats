#!/usr/bin/env bats
# The package, unpacked beside the system, and what projects make of it.

load ../support.bash
load packages.bash

setup_file() {
    make_file_dir
    make_rootfs "$file_dir/rootfs"
    make_package "$file_dir"
}

setup() {
    make_work_dir
}

field() {
    dpkg-deb -f "$package" "$1"
}

@test "the package says what it is and what it needs" {
    version=$("$MSTAGE_EXECUTABLE" --version | cut -d ' ' -f 2)
    same "mstage_${version}_$(dpkg --print-architecture).deb" "${package##*/}"
    same mstage "$(field Package)"
    same "$version" "$(field Version)"
    same devel "$(field Section)"
    for needed in bubblewrap uidmap libarchive libc6 libstdc++6 libseccomp2; do
        has "$(field Depends)" "$needed"
    done
    has "$(field Recommends)" ninja-build
    has "$(field Suggests)" skopeo
    has "$(field Description)" "multi-stage builds"
    # The library is loaded by this name.
    grep -aq 'libarchive\.so\.13' "$file_dir/root/usr/bin/mstage" || has "$(field Depends)" libarchive1
}

@test "lintian finds nothing" {
    call lintian --fail-on error,warning "$package"
    [[ $code == 0 ]] || blame "lintian finds fault"
    same "" "$out"
}

@test "what it brings" {
    cd "$file_dir/root"
    same "usr/bin/mstage
usr/lib/cmake
usr/share/bash-completion/completions/mstage
usr/share/doc/mstage/changelog.gz
usr/share/doc/mstage/copyright
usr/share/fish/vendor_completions.d/mstage.fish
usr/share/lintian/overrides/mstage
usr/share/man/man1/mstage.1.gz
usr/share/multi-stage-build/agents/AGENTS.md
usr/share/multi-stage-build/agents/skills/multi-stage-build/SKILL.md
usr/share/zsh/vendor-completions/_mstage" "$(find . -type f -printf '%P\n' | sed 's|^usr/lib/cmake/.*|usr/lib/cmake|' | sort -u)"
    same "" "$(find . ! -perm 755 -type d -o ! -perm 644 -type f ! -path ./usr/bin/mstage)"
    same "$(md5sum usr/bin/mstage)" "$(dpkg-deb -I "$package" md5sums | grep usr/bin/mstage)"
    has "$(file usr/bin/mstage)" ", stripped"
    [[ -e usr/lib/cmake/MultiStageBuild/MultiStageBuildConfig.cmake ]]
    [[ -e usr/lib/cmake/MultiStageBuild/MultiStageBuild/Stages.cmake ]]
    absent usr/lib/cmake/MultiStageBuild/MultiStageBuild/Install.cmake
    # Nothing of the place where it was made.
    run ! grep -rlF "$(dirname "$MSTAGE_BUILD_DIR")" usr/lib usr/share
    has "$(zcat usr/share/man/man1/mstage.1.gz)" ".TH MSTAGE 1"
    has "$(cat usr/share/doc/mstage/copyright)" "Apache License"
    has "$(cat usr/share/doc/mstage/copyright)" "CLI11"
}

@test "the same tree makes the same package" {
    export SOURCE_DATE_EPOCH=1700000000
    mkdir one other
    for place in one other; do
        (make_package "$work/$place" && cp "$package" "$place.deb")
    done
    cmp one.deb other.deb
}

@test "find_package, from a prefix" {
    require_sandbox
    write_project project "find_package(MultiStageBuild REQUIRED)"
    # A helper in PATH is not the one that comes with the module.
    succeeds cmake -G Ninja -S project -B build -D CMAKE_PREFIX_PATH="$file_dir/root/usr"
    works_in build "$file_dir/root/usr/bin/mstage"
}

@test "FetchContent, with the helper built by it" {
    repository=$(realpath "$BATS_TEST_DIRNAME/../..")
    mkdir sources
    cp -r "$repository"/{CMakeLists.txt,cmake,templates,tool} sources
    chmod -R u+w sources
    write_project project 'enable_language(CXX)
include(FetchContent)
FetchContent_Declare(MultiStageBuild URL "${FROM}/sources.tar")
FetchContent_MakeAvailable(MultiStageBuild)'
    tar -cf sources.tar sources
    # As fast as it can be built, that is; there is nothing to be fast for.
    call cmake -G Ninja -S project -B build -D FROM="$work" -D CMAKE_CXX_FLAGS=-O0 -D CMAKE_BUILD_TYPE=
    [[ $code == 0 ]] || blame "configuring failed"
    # What its users do not ask for is not built: no tests, no manual, no package.
    has_not "$(ninja -C build -t targets all)" mstage_documentation
    has_not "$(ninja -C build -t targets all)" mstage_base_test
    # All of it has been compiled for these tests already: a part shows whether it is put together right here. What the
    # helper does when it comes this way, module.consumers sees with a smaller one.
    call ninja -C build mstage_store
    [[ $code == 0 ]] || blame "building a part of the helper failed"
    # The helper is built before it is called.
    has "$(ninja -C build -t inputs build-complete)" "_deps/multistagebuild-build/tool/mstage"
    grep -qF "$work/build/_deps/multistagebuild-build/tool/mstage stage " build/build.ninja
}
