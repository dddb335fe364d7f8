#!/usr/bin/env bats
# A project's own suite, add_test() and gtest_discover_tests() as ever, run in throw-away copies of the image in which a
# stage has built it: multi_stage_test_launcher().

load ../support.bash
load project.bash

setup_file() {
    make_file_dir
}

setup() {
    require_sandbox
    [[ -e /usr/include/gtest/gtest.h ]] || unavailable "no GoogleTest on this machine"
    make_work_dir
    export MSTAGE_STORE="$work/store"
    module_dir=$(realpath "$BATS_TEST_DIRNAME/../../cmake")
    mkdir -p project/data
    echo 42 >project/data/answer
    write_project
}

# The suite does not know where it runs: it reads the source, writes where it stands, and wants a variable.
write_project() {
    cat >project/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.22)
project(suite LANGUAGES CXX)
enable_testing()
if(NOT DEFINED ENV{MSTAGE_STAGE})
  list(APPEND CMAKE_MODULE_PATH "${MODULE_DIR}")
  include(MultiStageBuild)
  multi_stage_build(suite NETWORK OFF TEST_COMMAND ""
    BUILD_COMMAND "cmake -S . -B /build -G Ninja -D WITH_GOOGLE=${WITH_GOOGLE} && cmake --build /build")
  multi_stage_test_launcher(suite FROM build-complete MAP /build=${CMAKE_BINARY_DIR} PASS_ENVIRONMENT MODE)
  multi_stage_add_artifact(suite FROM build-complete PATH /build/google DESTINATION ${CMAKE_BINARY_DIR})
endif()

add_executable(plain plain.cpp)
add_test(NAME reads COMMAND plain ${CMAKE_CURRENT_SOURCE_DIR}/data/answer)
add_test(NAME again COMMAND plain ${CMAKE_CURRENT_SOURCE_DIR}/data/answer)
add_test(NAME fails COMMAND plain ${CMAKE_CURRENT_SOURCE_DIR}/data/none)
set_tests_properties(reads again fails PROPERTIES ENVIRONMENT MODE=strict)
add_test(NAME outside COMMAND ${CMAKE_COMMAND} -E true)

if(WITH_GOOGLE)
  include(GoogleTest)
  find_package(GTest REQUIRED)
  add_executable(google google.cpp)
  target_link_libraries(google GTest::gtest_main)
  gtest_discover_tests(google DISCOVERY_MODE PRE_TEST PROPERTIES FIXTURES_REQUIRED suite.build-complete)
endif()
END
    cat >project/plain.cpp <<'END'
#include <cstdlib>
#include <fstream>
#include <iostream>

int main(int, char** argv) {
    const char* mode = std::getenv("MODE");
    std::ifstream old("written");
    std::ofstream("written") << "once";
    std::string answer;
    std::ifstream(argv[1]) >> answer;
    std::cout << argv[0] << ' ' << argv[1] << ' ' << (mode ? mode : "?") << (old ? " used" : " fresh") << '\n';
    return answer == "42" && !old && std::ifstream("written") ? 0 : 1;
}
END
    cat >project/google.cpp <<'END'
#include <gtest/gtest.h>

#include <fstream>

TEST(Fork, IsFresh) {
    EXPECT_FALSE(std::ifstream("/mark"));
    std::ofstream("/mark") << "x";
    EXPECT_TRUE(std::ifstream("/mark"));
}
TEST(Fork, IsFreshAgain) { EXPECT_FALSE(std::ifstream("/mark")); }
END
}

configure_suite() {
    call cmake -G Ninja -S project -B build -D MODULE_DIR="$module_dir" -D MSTAGE_EXECUTABLE="$MSTAGE_EXECUTABLE" "$@"
    [[ $code == 0 ]] || blame "configuring failed"
}

@test "add_test() as ever, in throw-away copies of the image" {
    configure_suite
    call ctest --test-dir build -T Test --output-on-failure -j2
    same 8 "$code"
    has "$out" "suite.build-complete"
    local name
    for name in reads again; do
        matches "$out" "$name \.+ +Passed"
        same "/build/plain /app/data/answer strict fresh" "$(measurement $name output)"
        same "$(json "$(cat build/.mstage/suite/build-complete.checkpoint)" 'd["image"]')" "$(measurement $name image)"
    done
    matches "$out" "fails \.+\*+Failed"
    has "$(measurement fails output)" "/build/plain /app/data/none strict fresh"
    has "$(measurement fails log)" "/build/plain /app/data/none strict fresh"
    matches "$out" "outside \.+ +Passed"
    # This machine has built nothing, and nothing was written here.
    absent build/plain build/written
}

@test "gtest_discover_tests(), with the program delivered" {
    configure_suite -D WITH_GOOGLE=ON
    call ninja -C build artifacts
    [[ $code == 0 ]] || blame "the build failed"
    call ctest --test-dir build --output-on-failure -R Fork
    [[ $code == 0 ]] || blame "ctest failed"
    matches "$out" "Fork.IsFresh \.+ +Passed"
    matches "$out" "Fork.IsFreshAgain \.+ +Passed"
    absent /mark
}
