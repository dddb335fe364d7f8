# What the public functions have declared so far. The plan of a pipeline is written when the
# top-level CMakeLists.txt has been read to its end, and until then any directory may add to it; so
# all of it is kept in global properties.
#
# Below _MultiStageBuild/ there are
#   pipelines                     names, in order of declaration
#   tests                         names of all tests, with the "<pipeline>." in front
#   fixture/<pipeline>.<c>        whether the test that builds a checkpoint was made
#   finished                      whether the plans were written
#   helper                        the program that was found to be the helper
#   <pipeline>/<key>              source, base, exclude (JSON), store, engine, helper,
#                                 default_* (the pipeline's own options)
#   <pipeline>/stages             names; a stage's parent is declared before it
#   <pipeline>/checkpoints        names, setup-base first
#   <pipeline>/stage/<s>/<key>    checkpoint, json (its fields in the plan, without "target"),
#                                 exclude (JSON), copies (JSON), copied_from (encoded
#                                 "<pipeline>/<checkpoint>")
#   <pipeline>/tests_json         the members of the plan's array "tests"
#   <pipeline>/short/<c>          whether the checkpoint goes by its own name too
#   <pipeline>/artifacts          how many deliveries there are
#   <pipeline>/helper_script      whether the script that starts the helper was written
#   <pipeline>/artifacts_json/<c> the members of the array "artifacts" of the stage that makes a
#                                 checkpoint

include_guard(GLOBAL)

function(_MultiStageBuild_set key value)
  set_property(GLOBAL PROPERTY "_MultiStageBuild/${key}" "${value}")
endfunction()

function(_MultiStageBuild_append key value)
  set_property(GLOBAL APPEND PROPERTY "_MultiStageBuild/${key}" "${value}")
endfunction()

function(_MultiStageBuild_get out key)
  get_property(value GLOBAL PROPERTY "_MultiStageBuild/${key}")
  set(${out} "${value}" PARENT_SCOPE)
endfunction()

# The directory of a pipeline's plan and checkpoints. A multi-config generator has one for each
# configuration; there it is a generator expression.
function(_MultiStageBuild_state_dir out pipeline)
  set(dir "${CMAKE_BINARY_DIR}/.mstage/${pipeline}")
  get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(multi_config)
    string(APPEND dir "/$<CONFIG>")
  endif()
  set(${out} "${dir}" PARENT_SCOPE)
endfunction()

function(_MultiStageBuild_marker out pipeline checkpoint)
  _MultiStageBuild_state_dir(state "${pipeline}")
  set(${out} "${state}/${checkpoint}.checkpoint" PARENT_SCOPE)
endfunction()

# The helper's option that chooses the configuration, for those of its verbs that know checkpoints
# by name.
function(_MultiStageBuild_config_option out)
  set(option "")
  get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(multi_config)
    set(option --config $<CONFIG>)
  endif()
  set(${out} "${option}" PARENT_SCOPE)
endfunction()

# Declares a pipeline that was checked: pairs of a key and its value, "" for an option that was not
# given. Its first checkpoint, setup-base, comes with it.
function(_MultiStageBuild_add_pipeline pipeline)
  _MultiStageBuild_get(pipelines pipelines)
  if(pipelines STREQUAL "")
    cmake_language(DEFER DIRECTORY "${CMAKE_SOURCE_DIR}" CALL _MultiStageBuild_finish)
  endif()
  set(fallback_base host)
  set(fallback_engine local)
  set(fallback_default_workdir /app)
  set(fallback_default_network ON)
  set(fallback_default_timeout 0)
  set(fallback_default_live OFF)
  math(EXPR last "${ARGC} - 1")
  foreach(i RANGE 1 ${last} 2)
    math(EXPR next "${i} + 1")
    set(value "${ARGV${next}}")
    if(value STREQUAL "" AND DEFINED fallback_${ARGV${i}})
      set(value "${fallback_${ARGV${i}}}")
    endif()
    _MultiStageBuild_set("${pipeline}/${ARGV${i}}" "${value}")
  endforeach()
  _MultiStageBuild_append(pipelines "${pipeline}")
  _MultiStageBuild_append("${pipeline}/checkpoints" setup-base)
  _MultiStageBuild_set("${pipeline}/artifacts" 0)
  _MultiStageBuild_add_checkpoint("${pipeline}" setup-base setup-base "" FALSE FALSE)
  _MultiStageBuild_add_status("${pipeline}")
  _MultiStageBuild_add_report("${pipeline}")
  _MultiStageBuild_add_prompt("${pipeline}")
endfunction()

function(_MultiStageBuild_require_pipeline caller pipeline)
  _MultiStageBuild_get(pipelines pipelines)
  if(NOT pipeline IN_LIST pipelines)
    list(JOIN pipelines ", " known)
    if(known STREQUAL "")
      set(known "none; multi_stage_build() makes one")
    endif()
    _MultiStageBuild_fail("${caller}" "no such pipeline" Pipeline "'${pipeline}'" Known "${known}")
  endif()
  _MultiStageBuild_require_open("${caller}" "${pipeline}")
endfunction()

# The plans are written at the end of the top-level CMakeLists.txt; what comes later would be lost.
function(_MultiStageBuild_require_open caller pipeline)
  _MultiStageBuild_get(finished finished)
  if(finished)
    _MultiStageBuild_fail("${caller}" "too late: the plans of this build are written already" Pipeline "'${pipeline}'")
  endif()
endfunction()

function(_MultiStageBuild_require_checkpoint caller pipeline checkpoint)
  _MultiStageBuild_get(checkpoints "${pipeline}/checkpoints")
  if(NOT checkpoint IN_LIST checkpoints)
    list(JOIN checkpoints ", " known)
    _MultiStageBuild_fail("${caller}" "no such checkpoint"
      FROM "'${checkpoint}'" Pipeline "'${pipeline}'" Known "${known}")
  endif()
endfunction()

function(_MultiStageBuild_require_new_pipeline caller pipeline)
  _MultiStageBuild_check_name("${caller}" Pipeline "${pipeline}")
  _MultiStageBuild_require_open("${caller}" "${pipeline}")
  _MultiStageBuild_get(pipelines pipelines)
  if(pipeline IN_LIST pipelines)
    _MultiStageBuild_fail("${caller}" "a pipeline of this name exists already" Pipeline "'${pipeline}'")
  endif()
endfunction()

function(_MultiStageBuild_require_new_stage caller pipeline stage checkpoint)
  _MultiStageBuild_check_name("${caller}" Stage "${stage}")
  _MultiStageBuild_check_name("${caller}" CHECKPOINT "${checkpoint}")
  _MultiStageBuild_get(stages "${pipeline}/stages")
  if(stage IN_LIST stages OR stage STREQUAL "setup-base")
    _MultiStageBuild_fail("${caller}" "a stage of this name exists already"
      Stage "'${stage}'" Pipeline "'${pipeline}'")
  endif()
  _MultiStageBuild_get(checkpoints "${pipeline}/checkpoints")
  if(checkpoint IN_LIST checkpoints)
    _MultiStageBuild_fail("${caller}" "a checkpoint of this name exists already"
      CHECKPOINT "'${checkpoint}'" Pipeline "'${pipeline}'")
  endif()
  if(checkpoint MATCHES "^(scan|status|report|prompt|test|checkpoints|compile-commands|artifacts([.].*)?|(rollback|shell)-.*)$")
    _MultiStageBuild_fail("${caller}" "reserved name: a target or test of the pipeline itself is called so"
      CHECKPOINT "'${checkpoint}'")
  endif()
  _MultiStageBuild_require_new_target("${caller}" CHECKPOINT "${pipeline}.${checkpoint}")
endfunction()

# Target names and test names are shared: the test that builds a checkpoint is called like its
# target.
function(_MultiStageBuild_require_new_target caller label name)
  get_property(all_tests GLOBAL PROPERTY _MultiStageBuild/tests)
  if(TARGET "${name}" OR name IN_LIST all_tests)
    _MultiStageBuild_fail("${caller}" "a target or test of this name exists already" "${label}" "'${name}'")
  endif()
endfunction()

function(_MultiStageBuild_require_new_test caller pipeline name)
  _MultiStageBuild_check_name("${caller}" NAME "${name}")
  _MultiStageBuild_get(checkpoints "${pipeline}/checkpoints")
  if(name IN_LIST checkpoints)
    _MultiStageBuild_fail("${caller}" "the test would be called like the checkpoint it may need" NAME "'${name}'")
  endif()
  _MultiStageBuild_get(tests tests)
  if("${pipeline}.${name}" IN_LIST tests)
    _MultiStageBuild_fail("${caller}" "a test of this name exists already"
      NAME "'${name}'" Test "'${pipeline}.${name}'")
  endif()
endfunction()
