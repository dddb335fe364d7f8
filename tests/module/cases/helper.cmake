# Where the helper comes from, in order: MSTAGE_EXECUTABLE, an imported target, a target of the same
# build, PATH, and a build of its own. Each helper here is a program that only says who it is.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

# No mstage that the machine may have; CMake is called by its full name, and told the build tool's.
set(plain_path "/usr/bin:/bin")
find_program(NINJA NAMES ninja REQUIRED)
find_program(COMPILER NAMES cc REQUIRED)
set(CONFIGURE "${CMAKE_COMMAND}" -G "${GENERATOR}" "-DCMAKE_MAKE_PROGRAM=${NINJA}"
  -S "${WORK_DIR}/who" -B "${WORK_DIR}/who-build")

function(write_helper file name)
  file(WRITE "${WORK_DIR}/${file}" "#!/bin/sh\n[ \"$1\" != --version ] || exec echo mstage 1.0\necho helper ${name}\n")
  file(CHMOD "${WORK_DIR}/${file}" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endfunction()

# Configures with `options`, with <work>/path-bin in PATH or not, and asks the target app.status who
# it ran.
function(expect_helper what expected in_path)
  file(REMOVE_RECURSE "${WORK_DIR}/who-build")
  set(path "${plain_path}")
  if(in_path)
    string(PREPEND path "${WORK_DIR}/path-bin:")
  endif()
  run("${what}: configuring" COMMAND "${CMAKE_COMMAND}" -E env "PATH=${path}" ${CONFIGURE} ${ARGN})
  build(who app.status STDOUT "helper ${expected}\n")
endfunction()

write_helper(path-bin/mstage path)
write_helper(chosen chosen)
write_helper(package/mstage package)
set(imported "
add_executable(MultiStageBuild::mstage IMPORTED)
set_target_properties(MultiStageBuild::mstage PROPERTIES
  IMPORTED_LOCATION_RELEASE ../package/mstage IMPORTED_CONFIGURATIONS RELEASE)")
string(REPLACE "../package" "${WORK_DIR}/package" imported "${imported}")
set(in_tree "
enable_language(C)
file(WRITE \${CMAKE_BINARY_DIR}/mstage.c [[#include <stdio.h>
int main(void) { puts(\"helper in-tree\"); return 0; }
]])
add_executable(mstage \${CMAKE_BINARY_DIR}/mstage.c)
add_executable(MultiStageBuild::mstage ALIAS mstage)")
set(pipeline "
multi_stage_build(app BUILD_COMMAND b)")

# The module is included before any of the targets is there, by write_project().
write_project(who "${imported}${pipeline}")
expect_helper("MSTAGE_EXECUTABLE" chosen TRUE "-DMSTAGE_EXECUTABLE=${WORK_DIR}/chosen")
expect_helper("an imported target" package TRUE)
write_project(who "${in_tree}${pipeline}")
expect_helper("a target of this build" in-tree TRUE)
write_project(who "${pipeline}")
expect_helper("PATH" path TRUE)

# Imported targets belong to a directory; the edges that are made at the end of the top-level one
# need it too.
write_project(who "add_subdirectory(sub)")
file(WRITE "${WORK_DIR}/who/sub/CMakeLists.txt" "${imported}\nmulti_stage_build(app SOURCE .. BUILD_COMMAND b)")
expect_helper("an imported target of a subdirectory" package FALSE)
build(who build-complete RESULT "." STDERR "" STDOUT "helper package")

# When cross-compiling, a target of this build runs elsewhere.
write_project(who "${in_tree}${pipeline}")
file(WRITE "${WORK_DIR}/toolchain.cmake" "
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR other)
set(CMAKE_C_COMPILER \"${COMPILER}\")
set(CMAKE_FIND_ROOT_PATH \"${WORK_DIR}/nowhere\")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM ONLY)\n")
expect_helper("cross-compiling" path TRUE "-DCMAKE_TOOLCHAIN_FILE=${WORK_DIR}/toolchain.cmake")

# A module without the helper's source.
file(COPY "${MODULE_DIR}/" DESTINATION "${WORK_DIR}/repository/cmake")
set(MODULE_DIR "${WORK_DIR}/repository/cmake")
write_project(who "${pipeline}")
set(no_path "${CMAKE_COMMAND}" -E env "PATH=${plain_path}" ${CONFIGURE})
file(REMOVE_RECURSE "${WORK_DIR}/who-build")
run("no helper anywhere" RESULT "^1$"
  STDERR "multi_stage_build: the helper program mstage was not found.*MSTAGE_EXECUTABLE"
  COMMAND ${no_path})
run("a helper that is not there" RESULT "^1$" STDERR "no such program.*MSTAGE_EXECUTABLE: '/nonexistent/mstage'"
  COMMAND ${no_path} -DMSTAGE_EXECUTABLE=/nonexistent/mstage)
foreach(program IN ITEMS /bin/false /bin/echo /etc/passwd)
  run("a helper that is another program" RESULT "^1$" STDERR "not the program mstage.*MSTAGE_EXECUTABLE: '${program}'"
    COMMAND ${no_path} -DMSTAGE_EXECUTABLE=${program})
endforeach()

# With the source (of a helper that is quick to build) it is built, once, and again when the source
# changes.
set(tree "${WORK_DIR}/repository")
file(WRITE "${tree}/tool/CMakeLists.txt" "add_executable(mstage mstage.c)\n")
file(WRITE "${tree}/tool/mstage.c" "#include <stdio.h>\nint main(void) { puts(\"helper one\"); return 0; }\n")
file(WRITE "${tree}/CMakeLists.txt" "cmake_minimum_required(VERSION 3.22...4.4)\nproject(helper C)
if(CMAKE_CROSSCOMPILING OR NOT CMAKE_BUILD_TYPE STREQUAL \"Release\" OR MSTAGE_BUILD_TESTS)
  message(FATAL_ERROR \"not the way to build a helper\")\nendif()\nadd_subdirectory(tool)\n")
foreach(options IN ITEMS "" "-DCMAKE_TOOLCHAIN_FILE=${WORK_DIR}/toolchain.cmake")
  file(REMOVE_RECURSE "${WORK_DIR}/who-build")
  run("building the helper" STDOUT "building the helper mstage, once" COMMAND ${no_path} ${options})
  build(who app.status STDOUT "helper one\n")
endforeach()
run("the helper is there" OUTPUT output COMMAND ${no_path})
if(output MATCHES "building the helper")
  fail("the helper was configured twice")
endif()
change(repository/tool/mstage.c "#include <stdio.h>\nint main(void) { puts(\"helper two\"); return 0; }\n")
run("a new source" COMMAND ${no_path})
build(who app.status STDOUT "helper two\n")
change(repository/tool/mstage.c "no C\n")
run("a source that does not build" RESULT "^1$"
  STDERR "building the helper mstage failed.*Needs: .*Hint: .*MSTAGE_EXECUTABLE.*Output:.*mstage\\.c"
  COMMAND ${no_path})
file(REMOVE_RECURSE "${WORK_DIR}/who-build")
file(APPEND "${tree}/CMakeLists.txt" "find_package(NoSuchThing REQUIRED)\n")
run("a source that does not configure" RESULT "^1$" STDERR "configuring the helper mstage failed.*NoSuchThing"
  COMMAND ${no_path})
if(EXISTS "${WORK_DIR}/who-build/.mstage/.helper/CMakeCache.txt")
  fail("the next run would take the helper's tree for configured")
endif()

passed()
