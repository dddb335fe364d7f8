# What the cases have in common. A case is a script, run with `cmake -P`, that makes little projects
# below WORK_DIR, which is new for each case, goes when the case has passed, and stays for a look
# when it failed.
#
# Given by CMakeLists.txt: PROJECT_DIR (the project whose module is under test), WORK_DIR, PYTHON,
# GENERATOR.

cmake_policy(VERSION 3.22...4.4)

foreach(variable IN ITEMS
    MSTAGE_STAGE MSTAGE_STORE CMAKE_GENERATOR CMAKE_TOOLCHAIN_FILE MAKEFLAGS NINJA_STATUS DESTDIR)
  unset(ENV{${variable}})
endforeach()

set(MODULE_DIR "${PROJECT_DIR}/cmake")

file(REMOVE_RECURSE "${WORK_DIR}")
file(MAKE_DIRECTORY "${WORK_DIR}")
set(FAKE_HELPER "${WORK_DIR}/mstage")
# Each configuration asks for the version: Python would take longer than all the rest of it.
file(WRITE "${FAKE_HELPER}" "#!/bin/sh
[ \"$1\" != --version ] || exec echo mstage 1.0
exec '${PYTHON}' '${CMAKE_CURRENT_LIST_DIR}/fake_mstage.py' \"$@\"
")
file(CHMOD "${FAKE_HELPER}" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)

function(fail what)
  message(FATAL_ERROR "${what}\n  Kept: ${WORK_DIR}\n")
endfunction()

function(expect_equal what actual expected)
  if(NOT actual STREQUAL expected)
    string(REPLACE "\n" "\n  actual>   " actual "\n${actual}")
    string(REPLACE "\n" "\n  expected> " expected "\n${expected}")
    fail("${what}:\n${actual}\n${expected}\n")
  endif()
endfunction()

# run(<what> [RESULT <regex>] [STDERR <regex>] [STDOUT <regex>] [OUTPUT <variable>] COMMAND
# <word>...) Expects success and an empty stderr if nothing else is said.
function(run what)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "RESULT;STDERR;STDOUT;OUTPUT" "COMMAND")
  if(NOT DEFINED arg_RESULT)
    set(arg_RESULT "^0$")
  endif()
  if(NOT DEFINED arg_STDERR)
    set(arg_STDERR "^$")
  endif()
  execute_process(COMMAND ${arg_COMMAND}
    WORKING_DIRECTORY "${WORK_DIR}" RESULT_VARIABLE result OUTPUT_VARIABLE stdout ERROR_VARIABLE stderr)
  set(complaint "")
  if(NOT result MATCHES "${arg_RESULT}")
    string(APPEND complaint "  result '${result}' does not match '${arg_RESULT}'\n")
  endif()
  if(NOT stderr MATCHES "${arg_STDERR}")
    string(APPEND complaint "  stderr does not match '${arg_STDERR}'\n")
  endif()
  if(DEFINED arg_STDOUT AND NOT stdout MATCHES "${arg_STDOUT}")
    string(APPEND complaint "  stdout does not match '${arg_STDOUT}'\n")
  endif()
  if(NOT complaint STREQUAL "")
    list(JOIN arg_COMMAND " " command)
    string(REPLACE "\n" "\n  stdout> " stdout "\n${stdout}")
    string(REPLACE "\n" "\n  stderr> " stderr "\n${stderr}")
    fail("${what}:\n${complaint}  command: ${command}${stdout}${stderr}")
  endif()
  if(DEFINED arg_OUTPUT)
    set(${arg_OUTPUT} "${stdout}" PARENT_SCOPE)
  endif()
endfunction()

# Writes <name>/CMakeLists.txt: a project that has the module and testing, then `body`.
function(write_project name body)
  file(WRITE "${WORK_DIR}/${name}/CMakeLists.txt" "cmake_minimum_required(VERSION 3.22...4.4)
project(case LANGUAGES NONE)
enable_testing()
list(APPEND CMAKE_MODULE_PATH [==[${MODULE_DIR}]==])
include(MultiStageBuild)
${body}
")
endfunction()

# configure(<name> [<what run() takes>...]): project <name> into <name>-build.
function(configure name)
  run("configuring ${name}" ${ARGN} COMMAND "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${WORK_DIR}/${name}"
    -B "${WORK_DIR}/${name}-build" "-DMSTAGE_EXECUTABLE=${FAKE_HELPER}" ${CONFIGURE_OPTIONS})
endfunction()

# build(<name> <target> [<what run() takes>...])
function(build name target)
  run("building ${target} of ${name}" ${ARGN}
    COMMAND "${CMAKE_COMMAND}" --build "${WORK_DIR}/${name}-build" --target ${target})
endfunction()

# What the fake helper logged for project <name> since the last call must be these lines, in any
# order.
function(expect_calls what name)
  set(log "${WORK_DIR}/${name}-build/fake.log")
  set(calls "")
  if(EXISTS "${log}")
    file(STRINGS "${log}" calls ENCODING UTF-8)
    file(REMOVE "${log}")
  endif()
  set(expected "${ARGN}")
  list(SORT calls)
  list(SORT expected)
  list(JOIN calls "\n" calls)
  list(JOIN expected "\n" expected)
  expect_equal("${what}: calls of the helper" "${calls}" "${expected}")
endfunction()

# A generator or build tool that goes by whole seconds or by the file system's clock ticks must see
# a difference.
function(change file content)
  execute_process(COMMAND "${CMAKE_COMMAND}" -E sleep 0.05)
  file(WRITE "${WORK_DIR}/${file}" "${content}")
endfunction()

# Where the plan and the markers of a pipeline are; with several configurations those of Debug, the
# default.
function(state_dir out name pipeline)
  set(dir "${WORK_DIR}/${name}-build/.mstage/${pipeline}")
  if(GENERATOR MATCHES "Multi-Config")
    string(APPEND dir /Debug)
  endif()
  set(${out} "${dir}" PARENT_SCOPE)
endfunction()

function(read_plan out name pipeline)
  state_dir(state "${name}" "${pipeline}")
  file(READ "${state}/plan.json" plan)
  set(${out} "${plan}" PARENT_SCOPE)
endfunction()

# Each case ends with this.
function(passed)
  file(REMOVE_RECURSE "${WORK_DIR}")
endfunction()
