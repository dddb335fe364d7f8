# Stages that take files of other checkpoints, of their own pipeline and of another one.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

set(usual "multi_stage_build(lib SOURCE ../other INSTALL_COMMAND \"\" BUILD_COMMAND l BUILD_INPUTS lib)
multi_stage_build(app SOURCE ../source INSTALL_COMMAND i INSTALL_INPUTS setup BUILD_COMMAND b BUILD_INPUTS main)
multi_stage_add_stage(app docs FROM deps-installed COMMAND d CHECKPOINT docs-built INPUTS manual)")
# In other directories than the pipelines, so that under Makefiles the markers have no rule where
# they are wanted.
write_project(app "${usual}
add_subdirectory(sub)")
file(WRITE "${WORK_DIR}/app/sub/CMakeLists.txt" [==[
multi_stage_add_stage(app pack FROM build-complete CHECKPOINT packed INPUTS NONE EXCLUDE "*.md" "/x y"
  COPY docs-built:/app/html "lib.build-complete:/usr/lib/a=b;[c]=/opt/lib/" COMMAND p)
]==])
foreach(file IN ITEMS source/setup source/main source/manual other/lib)
  file(WRITE "${WORK_DIR}/${file}" "1")
endforeach()
configure(app)

read_plan(plan app app)
string(JSON copies GET "${plan}" stages 3 copies)
string(JSON actual GET "${copies}" 0)
string(REGEX REPLACE "[ \n]+" " " actual "${actual}")
expect_equal("a copy from the same pipeline" "${actual}"
  [==[{ "checkpoint" : "docs-built", "destination" : "", "path" : "/app/html", "plan" : null }]==])
string(JSON actual GET "${copies}" 1 path)
expect_equal("path" "${actual}" "/usr/lib/a=b;[c]")
string(JSON actual GET "${copies}" 1 destination)
expect_equal("destination" "${actual}" "/opt/lib/")
string(JSON actual GET "${copies}" 1 plan)
state_dir(state app lib)
expect_equal("plan" "${actual}" "${state}/plan.json")
string(JSON actual GET "${plan}" stages 3 exclude 1)
expect_equal("exclude" "${actual}" "/x y")

# Everything that it takes is there before it, and a change of either is noticed.
run("the join" COMMAND "${CMAKE_COMMAND}" --build "${WORK_DIR}/app-build" --target app.packed -j4)
expect_calls("the join" app
  "stage lib.setup-base: run" "scan lib: build" "stage lib.build: run"
  "stage app.setup-base: run" "scan app: install build docs pack" "stage app.install: run" "stage app.build: run"
  "stage app.docs: run" "stage app.pack: run")
build(app app.packed)
expect_calls("again" app)
change(source/manual "2")
build(app app.packed)
expect_calls("a change of what is copied" app
  "scan app: docs" "stage app.docs: run" "stage app.pack: run")
change(other/lib "2")
build(app app.packed)
set(looks "")
if(GENERATOR MATCHES "Makefiles")
  # To whom outputs that were left alone are still out of date.
  set(looks "scan app: unchanged")
endif()
expect_calls("a change in the other pipeline" app
  ${looks} "scan lib: build" "stage lib.build: run" "stage app.pack: run")
build(app app.packed)
if(GENERATOR MATCHES "Ninja")
  expect_calls("at last" app)
endif()

# What is wrong is said before anything is made.
function(expect_error what copy regex)
  write_project(wrong "${usual}
multi_stage_add_stage(app pack FROM build-complete CHECKPOINT packed COPY [==[${copy}]==] COMMAND p)")
  configure(wrong RESULT "^1$" STDERR "multi_stage_add_stage: ${regex}")
endfunction()
set(form "not of the form <checkpoint>:<absolute.*COPY: ")
expect_error("no path" "docs-built" "${form}'docs-built'")
expect_error("a relative path" "docs-built:html" "${form}'docs-built:html'")
expect_error("an unknown checkpoint" "docs:/html"
  "no such checkpoint.*COPY: 'docs:/html'.*Known: setup-base, deps-installed, build-complete, docs-built, and")
expect_error("an unknown pipeline" "other.build-complete:/html" "no such checkpoint")
expect_error("the stage itself" "packed:/html" "no such checkpoint")
expect_error("a way up" "docs-built:/html/../x" "a path with '..'")
expect_error("a way up" "docs-built:/html=/../x" "a path with '..'")
expect_error("a place that is not the image's" "docs-built:/html=/tmp/x" "not a place for copies: it is the sandbox's own")

passed()
