# One consumer project and the four ways to the module. The repository is the real one, but for the
# helper: that is a program which is quick to build and hands over to the stand-in.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

set(repository "${WORK_DIR}/repository")
file(COPY "${PROJECT_DIR}/CMakeLists.txt" "${PROJECT_DIR}/cmake" "${PROJECT_DIR}/templates" DESTINATION "${repository}")
file(WRITE "${repository}/tool/CMakeLists.txt" "add_executable(mstage main.cpp)
add_executable(MultiStageBuild::mstage ALIAS mstage)\n")
file(WRITE "${repository}/tool/main.cpp" "#include <unistd.h>
int main(int, char** argv) { return execv(\"${FAKE_HELPER}\", argv); }\n")

set(prefix "${WORK_DIR}/prefix")
run("configuring the repository" COMMAND "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${repository}" -B "${WORK_DIR}/own"
  -DMSTAGE_BUILD_TESTS=OFF -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_LIBDIR=lib)
run("building the repository" COMMAND "${CMAKE_COMMAND}" --build "${WORK_DIR}/own")
foreach(component IN ITEMS Runtime Development)
  run("installing ${component}"
    COMMAND "${CMAKE_COMMAND}" --install "${WORK_DIR}/own" --component ${component} --prefix "${prefix}/${component}")
endforeach()
file(GLOB_RECURSE files RELATIVE "${prefix}" "${prefix}/*")
list(JOIN files "\n" files)
set(package Development/lib/cmake/MultiStageBuild)
file(GLOB parts RELATIVE "${MODULE_DIR}" "${MODULE_DIR}/MultiStageBuild/*.cmake")
list(REMOVE_ITEM parts MultiStageBuild/Install.cmake)
set(expected MultiStageBuild.cmake ${parts} MultiStageBuildConfig.cmake MultiStageBuildConfigVersion.cmake
  MultiStageBuildPresets.json MultiStageBuildTargets-release.cmake MultiStageBuildTargets.cmake)
list(TRANSFORM expected PREPEND "${package}/")
list(APPEND expected Runtime/bin/mstage Runtime/share/bash-completion/completions/mstage
  Runtime/share/fish/vendor_completions.d/mstage.fish Runtime/share/man/man1/mstage.1
  Runtime/share/multi-stage-build/agents/AGENTS.md
  Runtime/share/multi-stage-build/agents/skills/multi-stage-build/SKILL.md
  Runtime/share/zsh/site-functions/_mstage)
list(SORT expected)
list(JOIN expected "\n" expected)
expect_equal("installed files" "${files}" "${expected}")

run("installing it all" COMMAND "${CMAKE_COMMAND}" --install "${WORK_DIR}/own" --prefix "${prefix}/all")
# A package is moved about freely.
file(RENAME "${prefix}/all" "${WORK_DIR}/moved here")

foreach(how IN ITEMS find_package add_subdirectory fetch_content module_path)
  set(name "${how}-consumer")
  file(COPY "${CMAKE_CURRENT_LIST_DIR}/../projects/consumer/" DESTINATION "${WORK_DIR}/${name}")
  run("configuring: ${how}" COMMAND
    "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${WORK_DIR}/${name}" -B "${WORK_DIR}/${name}-build"
    --no-warn-unused-cli "-DHOW=${how}" "-DREPOSITORY=${repository}" "-DCMAKE_PREFIX_PATH=${WORK_DIR}/moved here")
  build("${name}" artifacts)
  expect_calls("${how}: artifacts" "${name}" "stage app.setup-base: run" "scan app: install build docs"
    "stage app.install: run" "stage app.build: run"
    "cp [\"app.build-complete:/app/dist/hello.txt\"] ${WORK_DIR}/${name}-build/dist/")
  run("${how}: ctest" STDOUT "100% tests passed, 0 tests failed out of 4"
    COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${WORK_DIR}/${name}-build")
  expect_calls("${how}: ctest" "${name}" "stage app.docs: run" "test app.test" "test app.docs")
  run("${how}: all" COMMAND "${CMAKE_COMMAND}" --build "${WORK_DIR}/${name}-build")
  run("${how}: installing the consumer"
    COMMAND "${CMAKE_COMMAND}" --install "${WORK_DIR}/${name}-build" --prefix "${WORK_DIR}/${name}-prefix")
  if(EXISTS "${WORK_DIR}/${name}-prefix")
    fail("${how}: the consumer installs something of ours")
  endif()
endforeach()

# Versions of the package: the same major one, no older.
file(WRITE "${WORK_DIR}/versions/CMakeLists.txt" "cmake_minimum_required(VERSION 3.22...4.4)
project(case LANGUAGES NONE)
foreach(version IN ITEMS 0.1 0.99 99.0)
  find_package(MultiStageBuild \${version} QUIET)
  message(STATUS \"\${version}: \${MultiStageBuild_FOUND}\")
endforeach()")
run("versions" STDOUT "0\\.1: 1.*0\\.99: 0.*99\\.0: 0" COMMAND
  "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${WORK_DIR}/versions" -B "${WORK_DIR}/versions-build"
  "-DCMAKE_PREFIX_PATH=${WORK_DIR}/moved here")

passed()
