# A project that includes the presets, inherits from them, and goes through configure, build, test
# and the workflow of all three.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

write_project(app "multi_stage_build(app INSTALL_COMMAND i BUILD_COMMAND b TEST_COMMAND t)")
# A project's file may name the helper too, as any cache variable.
file(WRITE "${WORK_DIR}/app/CMakePresets.json" "{
  \"version\": 6,
  \"include\": [\"${MODULE_DIR}/MultiStageBuildPresets.json\"],
  \"configurePresets\": [
    {\"name\": \"app\", \"inherits\": \"mstage\", \"cacheVariables\": {\"MSTAGE_EXECUTABLE\": \"${FAKE_HELPER}\"}},
    {\"name\": \"multi\", \"inherits\": [\"mstage-multi-config\", \"app\"]}
  ],
  \"buildPresets\": [
    {\"name\": \"deps\", \"inherits\": \"mstage-deps-installed\", \"configurePreset\": \"app\"},
    {\"name\": \"app\", \"inherits\": \"mstage-build-complete\", \"configurePreset\": \"app\"},
    {\"name\": \"release\", \"inherits\": \"mstage-build-complete\", \"configurePreset\": \"multi\",
     \"configuration\": \"Release\"}
  ],
  \"testPresets\": [{\"name\": \"app\", \"inherits\": \"mstage\", \"configurePreset\": \"app\"}],
  \"workflowPresets\": [{\"name\": \"app\", \"steps\": [
    {\"type\": \"configure\", \"name\": \"app\"},
    {\"type\": \"build\", \"name\": \"app\"},
    {\"type\": \"test\", \"name\": \"app\"}]}]
}
")

# in_app(<what> [<what run() takes>...] COMMAND <word>...): where presets are found.
function(in_app what)
  list(FIND ARGN COMMAND place)
  math(EXPR place "${place} + 1")
  list(INSERT ARGN ${place} "${CMAKE_COMMAND}" -E chdir "${WORK_DIR}/app")
  run("${what}" ${ARGN})
endfunction()

function(expect_log what tree)
  set(log "${WORK_DIR}/app/build/${tree}/fake.log")
  set(calls "")
  if(EXISTS "${log}")
    file(STRINGS "${log}" calls)
    file(REMOVE "${log}")
  endif()
  list(SORT calls)
  expect_equal("${what}: calls of the helper" "${calls}" "${ARGN}")
endfunction()

in_app("configure" COMMAND "${CMAKE_COMMAND}" --preset app)
in_app("build the first stage" COMMAND "${CMAKE_COMMAND}" --build --preset deps)
expect_log("deps" app "scan app: install build" "stage app.install: run" "stage app.setup-base: run")
in_app("build" COMMAND "${CMAKE_COMMAND}" --build --preset app)
expect_log("app" app "stage app.build: run")
in_app("test" STDOUT "100% tests passed" COMMAND "${CMAKE_CTEST_COMMAND}" --preset app)
expect_log("ctest" app "test app.test")

in_app("configure with several configurations" COMMAND "${CMAKE_COMMAND}" --preset multi)
in_app("build one" COMMAND "${CMAKE_COMMAND}" --build --preset release)
if(NOT EXISTS "${WORK_DIR}/app/build/multi/.mstage/app/Release/build-complete.checkpoint")
  fail("the preset did not build its configuration")
endif()

if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.25)
  file(REMOVE_RECURSE "${WORK_DIR}/app/build")
  in_app("workflow" STDOUT "100% tests passed" COMMAND "${CMAKE_COMMAND}" --workflow --preset app)
  expect_log("workflow" app "scan app: install build"
    "stage app.build: run" "stage app.install: run" "stage app.setup-base: run" "test app.test")
endif()

passed()
