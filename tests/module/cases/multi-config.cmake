# Each configuration of a multi-config generator has a plan, checkpoints, tests and artifacts of its
# own.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

set(tree "${WORK_DIR}/app-build")

# build_config(<config> <target>): what that configuration's build file makes of it.
function(build_config config target)
  run("${target} of ${config}" COMMAND ninja -C "${tree}" -f build-${config}.ninja ${target} ${ARGN})
endfunction()

write_project(app [==[
set(COMMON INSTALL_COMMAND i BUILD_COMMAND make $<CONFIG> ENVIRONMENT "MODE=$<IF:$<CONFIG:Debug>,d,r>")
multi_stage_build(app SOURCE ../source ${COMMON} TEST_COMMAND test $<CONFIG>)
multi_stage_build(second SOURCE ../source ${COMMON})
multi_stage_add_artifact(app FROM build-complete PATH /app/a DESTINATION "out/$<CONFIG>")
multi_stage_add_artifact(second FROM build-complete PATH /app/b DESTINATION shared)
]==])
file(WRITE "${WORK_DIR}/source/file" "1")
set(CONFIGURE_OPTIONS "-DCMAKE_CONFIGURATION_TYPES=Release\;Debug")
configure(app)

# What the plans say.
foreach(config IN ITEMS Debug Release)
  set(mode r)
  if(config STREQUAL Debug)
    set(mode d)
  endif()
  file(READ "${tree}/.mstage/app/${config}/plan.json" plan)
  string(JSON actual GET "${plan}" config)
  expect_equal("configuration" "${actual}" "${config}")
  string(JSON actual GET "${plan}" default_config)
  expect_equal("default configuration" "${actual}" "Release")
  string(JSON actual GET "${plan}" state_dir)
  expect_equal("state" "${actual}" "${tree}/.mstage/app/${config}")
  string(JSON actual GET "${plan}" build_tool)
  expect_equal("build tool" "${actual}" "ninja -C ${tree} -f build-${config}.ninja")
  string(JSON actual GET "${plan}" stages 1 command)
  expect_equal("command" "${actual}" "make '${config}'")
  string(JSON actual GET "${plan}" stages 1 environment MODE)
  expect_equal("environment" "${actual}" "${mode}")
  string(JSON actual GET "${plan}" tests 0 command)
  expect_equal("test" "${actual}" "test '${config}'")
endforeach()

# One does not build the other, and each knows when it has nothing to do.
build_config(Debug build-complete)
expect_calls("Debug" app
  "stage app.setup-base: run" "scan app: install build" "stage app.install: run" "stage app.build: run")
if(EXISTS "${tree}/.mstage/app/Release/build-complete.checkpoint")
  fail("Release was built too")
endif()
build_config(Release build-complete)
expect_calls("Release" app
  "stage app.setup-base: run" "scan app: install build" "stage app.install: run" "stage app.build: run")
build(app build-complete STDOUT "no work to do")
build_config(Debug build-complete)
build_config(Release build-complete)
expect_calls("nothing to do" app)

# Each goes back in its own.
build_config(Debug rollback-build-complete)
build_config(Release second.rollback-deps-installed)
expect_calls("rollbacks" app
  "--config Debug rollback app.build-complete" "--config Release rollback second.deps-installed")
change(source/file "2")
build_config(Debug build-complete)
expect_calls("a change, in Debug" app "scan app: install build" "stage app.install: run" "stage app.build: run")

# Tests are those of the configuration.
run("ctest" STDOUT "100% tests passed" COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${tree}" -C Debug)
expect_calls("ctest -C Debug" app "test app.test")

# So are artifacts; where two go to one place the last one wins, and nobody else's is taken for it.
build_config(Debug artifacts)
expect_calls("Debug's artifacts" app "cp [\"app.build-complete:/app/a\"] ${tree}/out/Debug/")
build_config(Debug artifacts)
expect_calls("Debug's artifacts again" app)
file(REMOVE "${tree}/out/Debug/a")
build_config(Debug artifacts)
expect_calls("a file deleted" app "cp [\"app.build-complete:/app/a\"] ${tree}/out/Debug/")
build_config(Debug second.artifacts)
build_config(Release second.artifacts)
file(REMOVE "${tree}/fake.log")
build_config(Debug second.artifacts)
expect_calls("artifacts that the other configuration has replaced" app
  "cp [\"second.build-complete:/app/b\"] ${tree}/shared/")
build_config(Debug second.artifacts)
expect_calls("nothing to do" app)

# Cross-config targets.
list(APPEND CONFIGURE_OPTIONS -DCMAKE_CROSS_CONFIGS=all -DCMAKE_DEFAULT_BUILD_TYPE=Debug)
configure(app)
read_plan(plan app app)
string(JSON actual GET "${plan}" default_config)
expect_equal("default configuration" "${actual}" "Debug")
build_config(Debug app.build-complete:Release)
expect_calls("the other configuration's target" app "scan app: install build"
  "stage app.setup-base: unchanged" "stage app.install: run" "stage app.build: run")
build_config(Debug app.build-complete:Release)
expect_calls("nothing to do" app)

# A configuration and a pipeline that are no more.
set(CONFIGURE_OPTIONS -DCMAKE_CONFIGURATION_TYPES=Debug)
write_project(app "multi_stage_build(app SOURCE ../source BUILD_COMMAND b)")
configure(app)
file(GLOB_RECURSE plans RELATIVE "${tree}/.mstage" "${tree}/.mstage/*plan.json")
expect_equal("plans" "${plans}" "app/Debug/plan.json")

passed()
