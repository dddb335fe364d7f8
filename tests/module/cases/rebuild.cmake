# What runs again after what: the least that can be, and nothing at all when nothing changed. Ninja
# only, which alone knows that an output which was left alone needs nothing behind it to run.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

function(write_stages install docs)
  write_project(app "
multi_stage_build(app SOURCE ../source EXCLUDE ignored INSTALL_COMMAND ${install} INSTALL_INPUTS setup BUILD_COMMAND b
  BUILD_INPUTS main util)
multi_stage_add_stage(app docs FROM deps-installed COMMAND ${docs} CHECKPOINT docs-built INPUTS manual)
multi_stage_add_stage(app site FROM docs-built COMMAND s CHECKPOINT site-built INPUTS NONE)
add_custom_target(everything DEPENDS site-built build-complete)")
endfunction()

function(expect_nothing what)
  build(app everything STDOUT "no work to do")
  expect_calls("${what}" app)
endfunction()

foreach(file IN ITEMS setup main util manual ignored sub/main)
  file(WRITE "${WORK_DIR}/source/${file}" "1")
endforeach()
write_stages(i d)
configure(app)
build(app everything)
expect_calls("the first build" app
  "stage app.setup-base: run" "scan app: install build docs site" "stage app.install: run"
  "stage app.build: run" "stage app.docs: run" "stage app.site: run")
expect_nothing("the second build")

# Files of the source: changed, new, gone, of no interest.
change(source/main "2")
build(app everything)
expect_calls("a file of one stage" app "scan app: build" "stage app.build: run")
change(source/sub/util "1")
build(app everything)
expect_calls("a new file in a folder" app "scan app: build" "stage app.build: run")
file(REMOVE "${WORK_DIR}/source/sub/util")
build(app everything)
expect_calls("a file that is gone" app "scan app: build" "stage app.build: run")
change(source/ignored "2")
build(app everything)
expect_calls("an excluded file" app "scan app: unchanged")
expect_nothing("after all that")

# A scan that finds nothing leaves its outputs alone, and what is behind them does not start.
file(TOUCH "${WORK_DIR}/source/manual")
build(app everything)
expect_calls("a touched file" app "scan app: unchanged")
expect_nothing("after a touched file")

# The plan: the same again, another command of one stage.
execute_process(COMMAND "${CMAKE_COMMAND}" -E sleep 0.05)
configure(app)
expect_nothing("the same plan again")
write_stages(i other)
configure(app)
build(app everything)
expect_calls("a changed command" app
  "scan app: unchanged" "stage app.setup-base: unchanged" "stage app.install: unchanged"
  "stage app.build: unchanged" "stage app.docs: run" "stage app.site: run")
expect_nothing("after a changed command")
change(app/CMakeLists.txt "# nothing but a comment\n")
file(REMOVE "${WORK_DIR}/app/CMakeLists.txt")
write_stages(i other)
build(app everything)
expect_calls("CMake runs again by itself" app)

# A new helper.
execute_process(COMMAND "${CMAKE_COMMAND}" -E sleep 0.05)
file(TOUCH "${FAKE_HELPER}")
expect_nothing("a new helper")

# With very many files in the source the depfile names a path that never exists: the scan then runs
# each time, and alone.
execute_process(COMMAND "${CMAKE_COMMAND}" -E sleep 0.05)
file(TOUCH "${WORK_DIR}/source/manual")
set(ENV{FAKE_NEVER} 1)
foreach(i RANGE 1 3)
  build(app everything STDOUT "app: scan" OUTPUT output)
  expect_calls("a scan that is never up to date" app "scan app: unchanged")
  if(output MATCHES "app: (setup-base|deps-installed|build-complete|docs-built|site-built)")
    fail("not the scan alone:\n${output}")
  endif()
endforeach()
change(source/manual "2")
build(app everything)
expect_calls("a change among very many files" app "scan app: docs" "stage app.docs: run" "stage app.site: run")
unset(ENV{FAKE_NEVER})
# Where Ninja keeps the depfile's entries in its own log (CMake 3.29 and newer), it takes a second
# look to know the new ones.
build(app everything)
build(app everything)
file(REMOVE "${WORK_DIR}/app-build/fake.log")
expect_nothing("few files again")

# A stage that fails leaves the checkpoints before it.
change(source/setup "2")
run("a failure" RESULT "^[^0]" STDOUT "mstage: error: stage 'build' failed" COMMAND "${CMAKE_COMMAND}" -E env
  FAKE_FAIL=build "${CMAKE_COMMAND}" --build "${WORK_DIR}/app-build" --target build-complete)
expect_calls("a failure" app "scan app: install" "stage app.install: run")
build(app build-complete)
expect_calls("going on from there" app "stage app.build: run")

# A marker that was dropped, which is what a rollback does, comes back and what is behind it looks
# at it, no more.
build(app everything)
expect_calls("the other branch" app "stage app.docs: run" "stage app.site: run")
state_dir(state app app)
file(REMOVE "${state}/docs-built.checkpoint")
build(app everything)
expect_calls("a dropped marker" app "stage app.docs: run" "stage app.site: unchanged")
expect_nothing("at last")

# `clean` takes the markers, not the plan.
build(app clean)
if(NOT EXISTS "${state}/plan.json")
  fail("the plan is gone")
endif()
build(app site-built)
expect_calls("after clean" app "stage app.setup-base: run" "scan app: install build docs site" "stage app.install: run"
  "stage app.docs: run" "stage app.site: run")

# A helper of the same build is built first, and building it anew runs nothing again.
write_project(own "
enable_language(C)
configure_file(../mstage.in mstage.c)
add_executable(mstage \${CMAKE_CURRENT_BINARY_DIR}/mstage.c)
multi_stage_build(app SOURCE ../source INSTALL_COMMAND \"\" BUILD_COMMAND b)")
set(program "#include <stdio.h>\n#include <unistd.h>\nint main(int argc, char** argv) {
    (void)argc; puts(\"version 1\"); fflush(stdout); argv[0] = \"fake\"; return execv(\"${FAKE_HELPER}\", argv); }\n")
file(WRITE "${WORK_DIR}/mstage.in" "${program}")
set(FAKE_HELPER "")
configure(own)
build(own build-complete)
expect_calls("a helper of the same build" own "stage app.setup-base: run" "scan app: build" "stage app.build: run")
string(REPLACE "version 1" "version 2" program "${program}")
change(mstage.in "${program}")
build(own build-complete STDOUT "Linking")
expect_calls("the helper linked again" own)

passed()
