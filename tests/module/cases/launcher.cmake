# A project's own tests run by way of the helper: which words stand in front of them, and what they
# require.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

set(tree "${WORK_DIR}/suite-build")
set(ctest "${CMAKE_CTEST_COMMAND}" --test-dir "${tree}")
file(WRITE "${WORK_DIR}/suite/main.c" "int main(void) { return 1; }\n")
file(WRITE "${WORK_DIR}/suite/sub/CMakeLists.txt" "add_executable(other ../main.c)
add_test(NAME below COMMAND other)\n")
set(project "
enable_language(C)
multi_stage_build(app INSTALL_COMMAND i BUILD_COMMAND b TEST_COMMAND t ENVIRONMENT A=1 B=2 NETWORK OFF TIMEOUT 5
  USER me CACHE /c,sharing=locked SECRET token=TOKEN)
add_executable(before EXCLUDE_FROM_ALL main.c)
add_test(NAME native COMMAND before)")

write_project(suite "${project}
multi_stage_test_launcher(app FROM build-complete MAP /build=\${CMAKE_BINARY_DIR} \"/opt/a b=/srv/a b\"
  ENVIRONMENT B=3 C= PASS_ENVIRONMENT SEED)
add_executable(unit EXCLUDE_FROM_ALL main.c)
add_test(NAME unit COMMAND unit --data \${CMAKE_CURRENT_SOURCE_DIR}/data)
add_test(NAME script COMMAND \${CMAKE_COMMAND} -E true)
set_tests_properties(unit PROPERTIES FIXTURES_REQUIRED mine)
add_subdirectory(sub)")
configure(suite)

# The image's programs are tested: ours need not be there.
run("one test" COMMAND ${ctest} -R "^unit$" STDOUT "app.build-complete.*unit .*100% tests passed, 0 tests failed out of 2")
set(words "run -C ${tree} --ctest --map ${WORK_DIR}/suite=/app --map ${tree}=/build --map /srv/a b=/opt/a b -e A=1 -e B=2")
string(APPEND words " -e B=3 -e C= -e SEED --cache /c,sharing=locked --secret token=env:TOKEN --no-network --timeout 5 --user me")
expect_calls("one test" suite "stage app.setup-base: run" "scan app: install build" "stage app.install: run"
  "stage app.build: run"
  "${words} app.build-complete -- ${tree}/unit --data ${WORK_DIR}/suite/data")
run("the tests of the directory" COMMAND ${ctest} -R "^(script|native|below)$" RESULT "^8$" STDERR "Errors"
  STDOUT "app.build-complete.*script .*Passed")
expect_calls("the tests of the directory" suite "${words} app.build-complete -- ${tree}/sub/other")

# Those who want to choose get the words and nothing else.
write_project(suite "${project}
multi_stage_test_launcher(app FROM deps-installed VARIABLE launcher TIMEOUT 0 NETWORK ON USER you)
message(STATUS \"launcher: \${launcher}\")
add_executable(unit EXCLUDE_FROM_ALL main.c)
add_test(NAME unit COMMAND unit)
get_test_property(unit FIXTURES_REQUIRED fixtures)
get_target_property(emulator unit CROSSCOMPILING_EMULATOR)
message(STATUS \"of the test: \${fixtures} \${emulator}\")")
configure(suite STDOUT "launcher: ${FAKE_HELPER};run;-C;${tree};--ctest;--map;${WORK_DIR}/suite=/app;-e;A=1;-e;B=2;--cache;/c,sharing=locked;--secret;token=env:TOKEN;--user;you;app.deps-installed;--\n.*of the test: NOTFOUND emulator-NOTFOUND")

# Newer versions of CMake have a property for it.
file(COPY "${WORK_DIR}/suite/main.c" DESTINATION "${WORK_DIR}/new")
write_project(new "${project}
set(CMAKE_VERSION 3.29.0)
multi_stage_test_launcher(app FROM deps-installed)
message(STATUS \"launcher: \${CMAKE_TEST_LAUNCHER} (\${CMAKE_CROSSCOMPILING_EMULATOR})\")")
configure(new STDOUT "launcher: ${FAKE_HELPER};run;.*;app.deps-installed;-- \\(\\)")

# A helper of the same build is known by a generator expression, which an emulator cannot hold.
write_project(own "
enable_language(C)
add_executable(mstage ../helper.c)
multi_stage_build(app BUILD_COMMAND b TEST_COMMAND \"\")
multi_stage_test_launcher(app FROM build-complete)
add_executable(unit EXCLUDE_FROM_ALL ../suite/main.c)
add_test(NAME unit COMMAND unit)")
file(WRITE "${WORK_DIR}/helper.c" "#include <unistd.h>
int main(int c, char** argv) { (void)c; return execv(\"${FAKE_HELPER}\", argv); }\n")
run("configuring own" COMMAND "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${WORK_DIR}/own" -B "${WORK_DIR}/own-build")
run("own" COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${WORK_DIR}/own-build" -R unit STDOUT "100% tests passed")
expect_calls("own" own "stage app.setup-base: run" "scan app: build" "stage app.build: run"
  "run -C ${WORK_DIR}/own-build --ctest --map ${WORK_DIR}/own=/app app.build-complete -- ${WORK_DIR}/own-build/unit")

passed()
