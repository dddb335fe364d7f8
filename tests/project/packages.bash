# For tests of what is installed.
# shellcheck shell=bash

# make_package DIR: the package of the build tree that is tested, and its tree in DIR/root.
make_package() {
    local log="$1/cpack.log"
    : "${MSTAGE_BUILD_DIR:?names the build tree}"
    (cd "$1" && cpack --config "$MSTAGE_BUILD_DIR/CPackConfig.cmake" -G DEB -B "$1/packages" >"$log" 2>&1) || {
        cat "$log"
        return 1
    }
    package=$(find "$1/packages" -maxdepth 1 -name '*.deb')
    export package
    dpkg-deb -x "$package" "$1/root"
}

# write_project DIR HOW: a project that gets the module by the CMake code HOW, with a pipeline on base $file_dir/rootfs.
write_project() {
    mkdir -p "$1"
    echo something >"$1/file"
    cat >"$1/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.22)
project(consumer LANGUAGES NONE)
enable_testing()
$2
multi_stage_build(app
  BASE            "rootfs:$file_dir/rootfs"
  INSTALL_COMMAND "echo deps >/deps"
  INSTALL_INPUTS  NONE
  BUILD_COMMAND   "cat /deps file >/result"
  TEST_COMMAND    "test -s /result"
  NETWORK         OFF)
END
}

# works_in BUILD HELPER: what was configured there builds, with this helper, and its tests pass.
works_in() {
    grep -qF -- "$2 " "$1/build.ninja" || { echo "the helper is not $2"; return 1; }
    succeeds ninja -C "$1" build-complete
    succeeds ninja -C "$1" build-complete
    has "$out" "no work to do"
    same "deps
something" "$("$2" -C "$1" cat build-complete:/result)"
    succeeds ctest --test-dir "$1"
    has "$out" "100% tests passed"
}
