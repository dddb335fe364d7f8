# What CTest makes of the tests: fixtures, skips, labels, time limits; and the warning when nobody
# enabled testing.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

set(tree "${WORK_DIR}/suite-build")
set(ctest "${CMAKE_CTEST_COMMAND}" --test-dir "${tree}" -C Debug)

write_project(suite "
multi_stage_build(app INSTALL_COMMAND i BUILD_COMMAND b TEST_COMMAND t TIMEOUT 10)
multi_stage_add_stage(app docs FROM deps-installed COMMAND d CHECKPOINT docs-built)
multi_stage_add_test(app NAME unit FROM build-complete COMMAND u LABELS quick \"two words\")
multi_stage_add_test(app NAME slow FROM build-complete COMMAND u TIMEOUT 0)
multi_stage_add_test(app NAME links FROM docs-built COMMAND l TIMEOUT 1)
multi_stage_add_test(app NAME wide FROM docs-built COMMAND l PROCESSORS 3 RESOURCE_LOCK port \"a name\"
  CACHE /a /b,sharing=locked /c,sharing=locked,id=see)
multi_stage_add_test(app NAME often FROM docs-built COMMAND l REPEAT 20 PROCESSORS 3)
multi_stage_add_test(app NAME locked FROM docs-built COMMAND l CACHE //b//,sharing=locked)
set_tests_properties(app.links PROPERTIES COST 7)")
configure(suite)

run("list of tests" OUTPUT list COMMAND ${ctest} --show-only=json-v1)
function(expect_property test property expected)
  string(JSON count LENGTH "${list}" tests)
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON name GET "${list}" tests ${i} name)
    if(name STREQUAL test)
      string(JSON properties GET "${list}" tests ${i} properties)
      string(JSON count LENGTH "${properties}")
      math(EXPR last "${count} - 1")
      foreach(p RANGE ${last})
        string(JSON name GET "${properties}" ${p} name)
        if(name STREQUAL property)
          string(JSON value GET "${properties}" ${p} value)
          string(REGEX REPLACE "[ \n]+" " " value "${value}")
          string(REGEX REPLACE "[.]0$" "" value "${value}")
          expect_equal("${property} of ${test}" "${value}" "${expected}")
          return()
        endif()
      endforeach()
      expect_equal("${property} of ${test}" "(none)" "${expected}")
      return()
    endif()
  endforeach()
  fail("there is no test ${test}")
endfunction()
expect_property(app.test FIXTURES_REQUIRED [==[[ "app.build-complete" ]]==])
expect_property(app.test TIMEOUT "40")
expect_property(app.unit LABELS [==[[ "quick", "two words" ]]==])
expect_property(app.unit TIMEOUT "40")
expect_property(app.slow TIMEOUT "(none)")
expect_property(app.slow SKIP_REGULAR_EXPRESSION [==[[ "mstage: skip: " ]]==])
expect_property(app.links TIMEOUT "31")
expect_property(app.links COST "7")
expect_property(app.links RESOURCE_LOCK "(none)")
expect_property(app.links PROCESSORS "(none)")
expect_property(app.wide PROCESSORS "3")
expect_property(app.often PROCESSORS "3")
expect_property(app.often TIMEOUT "100")  # seven rounds of 10 s, and the 30 for a helper that hangs
read_plan(plan suite app)
foreach(field IN ITEMS repeat=20 processors=3)
  string(REGEX MATCH "^(.*)=(.*)$" ignored "${field}")
  string(JSON value GET "${plan}" tests 5 "${CMAKE_MATCH_1}")
  expect_equal("${CMAKE_MATCH_1} of app.often" "${value}" "${CMAKE_MATCH_2}")
endforeach()
expect_property(app.wide RESOURCE_LOCK [==[[ "a name", "mstage-cache:/b", "mstage-cache:see", "port" ]]==])
expect_property(app.locked RESOURCE_LOCK [==[[ "mstage-cache:/b" ]]==])
expect_property(app.build-complete FIXTURES_SETUP [==[[ "app.build-complete" ]]==])
expect_property(app.build-complete RESOURCE_LOCK "[ \"${tree}\" ]")
expect_property(app.docs-built RESOURCE_LOCK "[ \"${tree}\" ]")

# One test brings its fixture, which builds no more than it must.
run("one test" COMMAND ${ctest} -R app.unit
  STDOUT "app.build-complete.*app.unit .*100% tests passed, 0 tests failed out of 2")
expect_calls("one test" suite "stage app.setup-base: run" "scan app: install build docs" "stage app.install: run"
  "stage app.build: run" "test app.unit")
run("all tests" COMMAND ${ctest} -j4 STDOUT "100% tests passed, 0 tests failed out of 9")
expect_calls("all tests" suite "stage app.docs: run" "test app.test" "test app.unit" "test app.slow" "test app.links"
  "test app.wide" "test app.often" "test app.locked")

# A machine that can't is a skip with its reason, a stage that fails stops the tests behind it.
run("skipped" STDOUT "skip: user namespaces are switched off.*app.unit .*Skipped.*100% tests passed"
  COMMAND "${CMAKE_COMMAND}" -E env FAKE_SKIP=1 ${ctest} -V -R app.unit)
expect_calls("skipped" suite "test app.unit")
build(suite clean)
run("all skipped" STDOUT "app.build-complete [.]+[*]+Skipped.*app.unit [.]+[*]+Skipped.*100% tests passed"
  COMMAND "${CMAKE_COMMAND}" -E env FAKE_SKIP=1 ${ctest} -R app.unit)
build(suite build-complete)
file(REMOVE "${tree}/fake.log")
write_project(suite "multi_stage_build(app INSTALL_COMMAND i BUILD_COMMAND other TEST_COMMAND t)")
configure(suite)
run("a stage that fails" RESULT "^8$" STDERR "Errors while running CTest"
  STDOUT "mstage: error: stage 'build' failed.*app.test [.]+[*]+Not Run"
  COMMAND "${CMAKE_COMMAND}" -E env FAKE_FAIL=build ${ctest} --output-on-failure)
expect_calls("a stage that fails" suite
  "scan app: install build" "stage app.setup-base: unchanged" "stage app.install: run")

# Nobody said that there should be tests.
set(warning "^CMake Warning \\(dev\\)[^\n]*\n  MultiStageBuild: CTest will not run the tests that are declared in")
set(plain "cmake_minimum_required(VERSION 3.22...4.4)\nproject(case LANGUAGES NONE)
list(APPEND CMAKE_MODULE_PATH [==[${MODULE_DIR}]==])\ninclude(MultiStageBuild)\n")
set(pipeline "multi_stage_build(app BUILD_COMMAND b TEST_COMMAND t)\n")
file(WRITE "${WORK_DIR}/quiet/CMakeLists.txt"
  "${plain}${pipeline}multi_stage_add_test(app NAME u FROM build-complete COMMAND c)\n")
configure(quiet STDERR "${warning}")
file(WRITE "${WORK_DIR}/quiet/CMakeLists.txt" "${plain}set(BUILD_TESTING OFF)\n${pipeline}")
configure(quiet)
file(WRITE "${WORK_DIR}/quiet/CMakeLists.txt" "${plain}${pipeline}enable_testing()\n")
configure(quiet)
file(WRITE "${WORK_DIR}/quiet/CMakeLists.txt" "${plain}multi_stage_build(app BUILD_COMMAND b TEST_COMMAND \"\")\n")
configure(quiet)
file(WRITE "${WORK_DIR}/quiet/sub/CMakeLists.txt" "${pipeline}")
file(WRITE "${WORK_DIR}/quiet/CMakeLists.txt" "${plain}add_subdirectory(sub)\nenable_testing()\n")
configure(quiet STDERR "${warning}[^\n]*\n  [^\n]*quiet/sub,")

passed()
