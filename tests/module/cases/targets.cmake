# Which targets there are, what they build, and what `all` does not.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

# expect_targets(<name> <target>...): those of the build that look like ours.
function(expect_targets name)
  run("targets of ${name}" OUTPUT lines COMMAND ninja -C "${WORK_DIR}/${name}-build" -t targets all)
  string(REGEX MATCHALL "\n[A-Za-z0-9_.+-]+: phony" lines "\n${lines}")
  set(actual "")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "\n(.*): phony" "\\1" target "${line}")
    if(NOT target MATCHES "^(all|test|edit_cache|rebuild_cache|list_install_components|install|codegen|package.*)$"
        AND NOT target MATCHES "[.](txt|cmake|ninja|json)$")
      list(APPEND actual "${target}")
    endif()
  endforeach()
  set(expected "${ARGN}")
  list(SORT actual)
  list(SORT expected)
  expect_equal("targets of ${name}" "${actual}" "${expected}")
endfunction()

# Short names for the first pipeline only, and never for a name that is taken, before or after, or
# reserved.
write_project(names "
add_custom_target(docs-built COMMAND \${CMAKE_COMMAND} -E echo mine)
multi_stage_build(app BUILD_COMMAND b INSTALL_COMMAND a)
multi_stage_add_stage(app docs FROM build-complete COMMAND d CHECKPOINT docs-built)
multi_stage_add_stage(app deploy FROM build-complete COMMAND d CHECKPOINT install)
multi_stage_add_artifact(app FROM install PATH /x DESTINATION out)
multi_stage_build(lib BUILD_COMMAND b INSTALL_COMMAND a)
multi_stage_add_artifact(lib FROM setup-base PATH /x DESTINATION out)
add_custom_target(deps-installed COMMAND \${CMAKE_COMMAND} -E echo mine)
")
configure(names)
expect_targets(names
  docs-built deps-installed
  shell-setup-base shell-deps-installed shell-build-complete shell-docs-built shell-install
  app.shell-setup-base app.shell-deps-installed app.shell-build-complete app.shell-docs-built app.shell-install
  lib.shell-setup-base lib.shell-deps-installed lib.shell-build-complete
  checkpoints app.checkpoints app.scan app.status app.report app.prompt app.setup-base app.deps-installed app.build-complete app.docs-built app.install
  app.rollback-setup-base app.rollback-deps-installed app.rollback-build-complete app.rollback-docs-built
  app.rollback-install rollback-setup-base rollback-deps-installed rollback-build-complete rollback-docs-built
  rollback-install
  app.artifacts app.artifacts.1 setup-base build-complete artifacts report prompt
  lib.rollback-setup-base lib.rollback-deps-installed lib.rollback-build-complete
  lib.checkpoints lib.scan lib.status lib.report lib.prompt lib.setup-base lib.deps-installed lib.build-complete lib.artifacts lib.artifacts.1)
read_plan(plan names app)
foreach(pair IN ITEMS "0 app.deps-installed" "1 build-complete" "2 app.docs-built" "3 app.install")
  string(REPLACE " " ";" pair "${pair}")
  list(GET pair 0 i)
  list(GET pair 1 expected)
  string(JSON target GET "${plan}" stages ${i} target)
  expect_equal("target of stage ${i}" "${target}" "${expected}")
endforeach()

build(names all)
expect_calls("all" names)
build(names docs-built STDOUT "mine")
expect_calls("a target of the project's own" names)
build(names setup-base)
expect_calls("setup-base" names "stage app.setup-base: run")
build(names build-complete)
expect_calls("build-complete" names
  "scan app: install build docs deploy" "stage app.install: run" "stage app.build: run")
build(names app.install)
expect_calls("app.install" names "stage app.deploy: run")
build(names app.status STDOUT "status of [^\n]*names-build\n")
expect_calls("app.status" names)
build(names rollback-deps-installed)
build(names app.rollback-install)
build(names lib.rollback-setup-base)
expect_calls("rollbacks" names
  "rollback app.deps-installed" "rollback app.install" "rollback lib.setup-base")
build(names report STDOUT "report app in [^\n]*names-build\n")
build(names lib.report STDOUT "report lib in [^\n]*names-build\n")
expect_calls("reports" names)
build(names prompt STDOUT "prompt --pipeline app in [^\n]*names-build\n")
build(names lib.prompt STDOUT "prompt --pipeline lib in [^\n]*names-build\n")
expect_calls("prompts" names)
build(names shell-build-complete)
build(names lib.shell-deps-installed)
expect_calls("shells" names
  "shell --last-attempt app.build-complete" "shell --last-attempt lib.deps-installed")
build(names app.checkpoints)
expect_calls("app.checkpoints" names "stage app.docs: run")
build(names lib.deps-installed)
expect_calls("lib.deps-installed" names "stage lib.setup-base: run" "scan lib: install build" "stage lib.install: run")

# Targets are there right after the call, so that a project can hang its own on them.
write_project(order "
multi_stage_build(app BUILD_COMMAND b INSTALL_COMMAND \"\")
add_custom_target(generate COMMAND \${CMAKE_COMMAND} -E echo GENERATED)
add_dependencies(app.build-complete generate)
add_custom_target(deploy DEPENDS build-complete)
get_target_property(folder app.build-complete FOLDER)
message(STATUS \"folder \${folder}\")
")
configure(order STDOUT "folder MultiStageBuild/app")
build(order deploy STDOUT "GENERATED.*app: build-complete")
expect_calls("deploy" order "stage app.setup-base: run" "scan app: build" "stage app.build: run")

# LIVE stages have the terminal for themselves, the others run side by side.
write_project(live "
multi_stage_build(app BUILD_COMMAND b INSTALL_COMMAND a LIVE ON)
multi_stage_add_stage(app docs FROM build-complete COMMAND d CHECKPOINT docs-built LIVE OFF)")
configure(live)
file(READ "${WORK_DIR}/live-build/build.ninja" ninja)
foreach(pair IN ITEMS "setup-base FALSE" "deps-installed TRUE" "build-complete TRUE" "docs-built FALSE")
  string(REPLACE " " ";" pair "${pair}")
  list(GET pair 0 checkpoint)
  list(GET pair 1 expected)
  string(FIND "${ninja}" "build .mstage/app/${checkpoint}.checkpoint " start)
  string(SUBSTRING "${ninja}" ${start} 1500 edge)
  string(REGEX REPLACE "\n\n.*" "" edge "${edge}")
  set(actual FALSE)
  if(edge MATCHES "pool = console")
    set(actual TRUE)
  endif()
  expect_equal("terminal of ${checkpoint}" "${actual}" "${expected}")
endforeach()

# Each target of ours is in a folder, for IDEs.
write_project(folders [==[
multi_stage_build(app BUILD_COMMAND b INSTALL_COMMAND a)
multi_stage_add_artifact(app FROM build-complete PATH /x DESTINATION out)
multi_stage_add_compile_commands(app)
function(say_folders)
  get_property(targets DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(folder ${target} FOLDER)
    if(NOT folder STREQUAL "MultiStageBuild/app")
      message(SEND_ERROR "${target} is in folder '${folder}'")
    endif()
  endforeach()
  list(LENGTH targets count)
  message(STATUS "${count} targets")
endfunction()
cmake_language(DEFER CALL say_folders)
]==])
configure(folders STDOUT "-- 32 targets\n")

# A pipeline without a stage.
write_project(base "multi_stage_build(app INSTALL_COMMAND \"\" BUILD_COMMAND \"\" TEST_COMMAND \"\")")
configure(base)
expect_targets(base app.status app.report app.prompt app.setup-base setup-base report prompt app.checkpoints checkpoints
  app.rollback-setup-base rollback-setup-base app.shell-setup-base shell-setup-base)
build(base setup-base)
expect_calls("setup-base alone" base "stage app.setup-base: run")

passed()
