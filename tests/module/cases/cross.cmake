# A project for another machine: stages, tests and artifacts are this machine's business, run by a
# helper of this machine, whatever the toolchain file and the environment say.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

file(WRITE "${WORK_DIR}/toolchain.cmake" "
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_CROSSCOMPILING_EMULATOR \"${WORK_DIR}/emulator\")
set(CMAKE_FIND_ROOT_PATH \"${WORK_DIR}/nowhere\")
foreach(kind IN ITEMS PROGRAM LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_\${kind} ONLY)
endforeach()
")
# What must not be run.
foreach(name IN ITEMS emulator target-cc)
  file(WRITE "${WORK_DIR}/${name}" "#!/bin/sh\necho \"${name} was run\" >&2\nexit 1\n")
  file(CHMOD "${WORK_DIR}/${name}" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endforeach()

write_project(app "
if(NOT CMAKE_CROSSCOMPILING)
  message(FATAL_ERROR \"this is no cross build\")
endif()
multi_stage_build(app SOURCE ../source INSTALL_COMMAND \"\" BUILD_COMMAND b TEST_COMMAND t)
multi_stage_add_artifact(app FROM build-complete PATH /app/firmware DESTINATION out)")
file(WRITE "${WORK_DIR}/source/file" "1")
# CMake itself finds its build tool no more.
find_program(tool NAMES ninja REQUIRED)
if(GENERATOR MATCHES "Makefiles")
  find_program(make NAMES make REQUIRED)
  set(tool "${make}")
endif()
set(CONFIGURE_OPTIONS "-DCMAKE_TOOLCHAIN_FILE=${WORK_DIR}/toolchain.cmake" "-DCMAKE_MAKE_PROGRAM=${tool}")
configure(app)
run("ctest" STDOUT "100% tests passed"
  COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${WORK_DIR}/app-build" --output-on-failure)
build(app artifacts)
expect_calls("a cross build" app "stage app.setup-base: run" "scan app: build" "stage app.build: run" "test app.test"
  "cp [\"app.build-complete:/app/firmware\"] ${WORK_DIR}/app-build/out/")

# The helper in PATH is found although programs are looked for in the target's tree only; one that
# is built is built with this machine's compiler.
file(COPY "${FAKE_HELPER}" DESTINATION "${WORK_DIR}/path-bin")
get_filename_component(tool_dir "${tool}" DIRECTORY)
set(from_scratch -G "${GENERATOR}" -S "${WORK_DIR}/app" -B "${WORK_DIR}/app-build" ${CONFIGURE_OPTIONS})
file(REMOVE_RECURSE "${WORK_DIR}/app-build")
run("a helper in PATH" COMMAND "${CMAKE_COMMAND}" -E env "PATH=${WORK_DIR}/path-bin:/usr/bin:/bin:${tool_dir}"
  "${CMAKE_COMMAND}" ${from_scratch})
build(app build-complete)
expect_calls("a helper in PATH" app "stage app.setup-base: run" "scan app: build" "stage app.build: run")

set(tree "${WORK_DIR}/repository")
file(COPY "${MODULE_DIR}/" DESTINATION "${tree}/cmake")
file(WRITE "${tree}/CMakeLists.txt" "cmake_minimum_required(VERSION 3.22...4.4)\nproject(helper C)
if(CMAKE_CROSSCOMPILING)\n  message(FATAL_ERROR \"a helper for another machine\")\nendif()\nadd_subdirectory(tool)\n")
file(WRITE "${tree}/tool/CMakeLists.txt" "add_executable(mstage mstage.c)\n")
file(WRITE "${tree}/tool/mstage.c" "int main(void) { return 0; }\n")
set(MODULE_DIR "${tree}/cmake")
write_project(app "multi_stage_build(app SOURCE ../source INSTALL_COMMAND \"\" BUILD_COMMAND b)")
file(REMOVE_RECURSE "${WORK_DIR}/app-build")
run("a helper that is built" STDOUT "building the helper mstage, once"
  COMMAND "${CMAKE_COMMAND}" -E env "PATH=/usr/bin:/bin:${tool_dir}" "CC=${WORK_DIR}/target-cc"
  "CMAKE_TOOLCHAIN_FILE=${WORK_DIR}/toolchain.cmake" "${CMAKE_COMMAND}" ${from_scratch})
run("the helper runs here" COMMAND "${WORK_DIR}/app-build/.mstage/.helper/bin/mstage")

passed()
