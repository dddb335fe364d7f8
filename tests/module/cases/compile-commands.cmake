# The compilation database of a stage: what the helper is told, and what is refused.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

write_project(app "
multi_stage_build(app SOURCE ../source INSTALL_COMMAND i BUILD_COMMAND b WORKDIR /srv/app/)
multi_stage_add_compile_commands(app)
multi_stage_add_compile_commands(app FROM deps-installed PATH /b/cc.json DESTINATION \"in here\" MAP /b=/here/b \"/c;d=/e f\")
get_target_property(folder app.compile-commands FOLDER)
message(STATUS \"folder \${folder}\")")
file(WRITE "${WORK_DIR}/source/file" "1")
configure(app STDOUT "folder MultiStageBuild/app\n")
build(app compile-commands)
set(tree "${WORK_DIR}/app-build")
set(map "--map /srv/app=${WORK_DIR}/source")
expect_calls("compile-commands" app
  "stage app.setup-base: run" "scan app: install build" "stage app.install: run" "stage app.build: run"
  "compile-commands app.build-complete:/srv/app/build/compile_commands.json ${tree}/compile_commands.json ${map}"
  "compile-commands app.deps-installed:/b/cc.json ${tree}/in here/compile_commands.json ${map} --map /b=/here/b --map /c%3Bd=/e f")
build(app artifacts)
build(app app.compile-commands)
expect_calls("again" app)
file(REMOVE "${tree}/compile_commands.json")
build(app artifacts)
expect_calls("a deleted file" app
  "compile-commands app.build-complete:/srv/app/build/compile_commands.json ${tree}/compile_commands.json ${map}")

function(expect_error arguments regex)
  write_project(wrong "multi_stage_build(app INSTALL_COMMAND i BUILD_COMMAND b)
multi_stage_build(top INSTALL_COMMAND i BUILD_COMMAND b WORKDIR /)
multi_stage_add_compile_commands(${arguments})")
  configure(wrong RESULT "^1$" STDERR "multi_stage_add_compile_commands: ${regex}")
endfunction()
expect_error("app FROM docs" "no such checkpoint")
expect_error("app PATH build/cc.json" "not an absolute path in the image")
expect_error("app MAP /build" "not of the form <absolute path>=.*MAP: '/build'")
expect_error("app MAP build=/x" "not of the form")
expect_error("top" "in '/' the source cannot be told from")

passed()
