# Several pipelines, in several directories, with odd paths (CMake itself takes no # and no $ in
# that of a build tree).

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

# Declared in a subdirectory, extended from others, before and after.
write_project("many dirs ü" "
include(MultiStageBuild)
add_subdirectory(one)
add_subdirectory(two)
multi_stage_add_stage(app top FROM docs-built COMMAND t CHECKPOINT top-built INPUTS data)
multi_stage_build(side SOURCE one INSTALL_COMMAND \"\" BUILD_COMMAND b)")
set(project "${WORK_DIR}/many dirs ü")
file(WRITE "${project}/one/CMakeLists.txt" "
include(MultiStageBuild)
multi_stage_build(app SOURCE \"../src #\$x\" INSTALL_COMMAND i INSTALL_INPUTS setup BUILD_COMMAND b)
add_subdirectory(deeper)")
file(WRITE "${project}/one/deeper/CMakeLists.txt" "
multi_stage_add_test(app NAME deep FROM deps-installed COMMAND t)
multi_stage_add_artifact(app FROM build-complete PATH /app/a DESTINATION out)")
file(WRITE "${project}/two/CMakeLists.txt" "
multi_stage_add_stage(app docs FROM deps-installed COMMAND d CHECKPOINT docs-built INPUTS NONE)
multi_stage_add_artifact(app FROM docs-built PATH /app/b DESTINATION out)")
file(WRITE "${project}/src #$x/a file" "1")
file(WRITE "${project}/src #$x/setup" "1")
file(WRITE "${project}/src #$x/data" "1")
set(name "many dirs ü")
configure("${name}")
read_plan(plan "${name}" app)
string(JSON source GET "${plan}" source)
expect_equal("source" "${source}" "${project}/src #$x")
string(JSON tool GET "${plan}" build_tool)
if(GENERATOR STREQUAL "Ninja")
  expect_equal("build tool" "${tool}" "ninja -C '${project}-build'")
endif()

build("${name}" "artifacts")
expect_calls("artifacts" "${name}"
  "stage app.setup-base: run" "scan app: install build docs top" "stage app.install: run" "stage app.build: run"
  "stage app.docs: run"
  "cp [\"app.build-complete:/app/a\"] ${project}-build/one/deeper/out/"
  "cp [\"app.docs-built:/app/b\"] ${project}-build/two/out/")
build("${name}" "top-built")
expect_calls("top-built" "${name}" "stage app.top: run")
build("${name}" "artifacts")
build("${name}" "top-built")
expect_calls("nothing to do" "${name}")

change("${name}/src #$x/setup" "2")
build("${name}" "top-built")
expect_calls("an input of the first stage" "${name}"
  "scan app: install build" "stage app.install: run" "stage app.docs: run" "stage app.top: run")
change("${name}/src #$x/data" "2")
build("${name}" "top-built")
expect_calls("an input of the last stage" "${name}" "scan app: build top" "stage app.top: run")

build("${name}" "side.build-complete")
expect_calls("the other pipeline" "${name}" "stage side.setup-base: run" "scan side: build" "stage side.build: run")

set(config "")
if(GENERATOR MATCHES "Multi-Config")
  set(config "--config Debug ")
endif()
build("${name}" "rollback-docs-built")
build("${name}" "side.rollback-setup-base")
expect_calls("rollbacks" "${name}" "${config}rollback app.docs-built" "${config}rollback side.setup-base")

run("ctest" STDOUT "2/2 Test.*100% tests passed"
  COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${project}-build" -C Debug -R deep)

passed()
