# The plan of a pipeline: what the helper is told, one JSON file per pipeline in the build tree.
# file(GENERATE) leaves a file with the same content alone, and evaluates the generator expressions
# in it.
#
# Version 1. All fields are always there; those that may be null say so.
#   version, pipeline, default (first pipeline of the build), source, build_dir, state_dir,
#   store (null: the helper's own choice), engine, base, workdir, exclude, scan_every_build,
#   build_tool (the words of a shell command line that a target's name completes),
#   stages: name, checkpoint, target, from, command, inputs (null: all of the source), environment,
#           workdir, user ("": the image's), caches (as `mstage run --cache` takes them), network, timeout, live
#   tests:  name, from, command, environment, workdir, user, caches, network, timeout

include_guard(GLOBAL)

# The fields that stages and tests share, from the options of one of them ("" for what was not
# given) and those of its pipeline.
function(_MultiStageBuild_run_json out pipeline command workdir environment network timeout user caches)
  foreach(option IN ITEMS workdir network timeout user)
    if("${${option}}" STREQUAL "")
      _MultiStageBuild_get(${option} "${pipeline}/default_${option}")
    endif()
  endforeach()
  _MultiStageBuild_get(inherited "${pipeline}/default_environment")
  list(APPEND inherited ${environment})
  _MultiStageBuild_json_string(command "${command}")
  _MultiStageBuild_json_string(workdir "${workdir}")
  _MultiStageBuild_json_environment(environment "${inherited}")
  _MultiStageBuild_json_string(user "${user}")
  _MultiStageBuild_all_caches(caches "${pipeline}" "${caches}")
  _MultiStageBuild_json_array(caches "${caches}")
  _MultiStageBuild_json_bool(network ${network})
  set(fields "\"command\": ${command},\n      \"environment\": ${environment},\n      \"workdir\": ${workdir},\n")
  string(APPEND fields "      \"user\": ${user},\n      \"caches\": ${caches},\n")
  string(APPEND fields "      \"network\": ${network},\n      \"timeout\": ${timeout}")
  set(${out} "${fields}" PARENT_SCOPE)
endfunction()

# The encoded caches of a stage or test and those of its pipeline, but for those whose place or id it
# gives to another.
function(_MultiStageBuild_all_caches out pipeline own)
  set(paths "")
  set(ids "")
  foreach(cache IN LISTS own)
    _MultiStageBuild_cache_path(path "${cache}")
    _MultiStageBuild_cache_id(id "${cache}")
    list(APPEND paths "${path}")
    list(APPEND ids "${id}")
  endforeach()
  _MultiStageBuild_get(inherited "${pipeline}/default_caches")
  set(all "")
  foreach(cache IN LISTS inherited)
    _MultiStageBuild_cache_path(path "${cache}")
    _MultiStageBuild_cache_id(id "${cache}")
    if(path IN_LIST paths OR (NOT id STREQUAL "" AND id IN_LIST ids))
      continue()
    endif()
    list(APPEND all "${cache}")
  endforeach()
  set(${out} ${all} ${own} PARENT_SCOPE)
endfunction()

# Called once, by CMake, when the top-level CMakeLists.txt has been read to its end.
function(_MultiStageBuild_finish)
  _MultiStageBuild_set(finished TRUE)
  _MultiStageBuild_get(pipelines pipelines)
  set(default TRUE)
  foreach(pipeline IN LISTS pipelines)
    _MultiStageBuild_add_scan("${pipeline}")
    if(default)
      _MultiStageBuild_add_short_targets("${pipeline}")
    endif()
    _MultiStageBuild_write_plan("${pipeline}" ${default})
    set(default FALSE)
  endforeach()
endfunction()

# The first pipeline's checkpoints go by their own names too, where nothing else does. Only now is
# it known what does.
function(_MultiStageBuild_add_short_targets pipeline)
  _MultiStageBuild_get(names "${pipeline}/checkpoints")
  if(TARGET "${pipeline}.artifacts")
    list(APPEND names artifacts)
  endif()
  # What the generators themselves call a target (see policies CMP0037 and CMP0171).
  set(reserved
    all ALL_BUILD clean codegen default_target depend edit_cache help install list_install_components package
    package_source preinstall rebuild_cache test RUN_TESTS INSTALL PACKAGE ZERO_CHECK)
  foreach(name IN LISTS names)
    if(name IN_LIST reserved OR TARGET "${name}")
      continue()
    endif()
    add_custom_target("${name}")
    add_dependencies("${name}" "${pipeline}.${name}")
    set_property(TARGET "${name}" PROPERTY FOLDER "MultiStageBuild/${pipeline}")
    _MultiStageBuild_set("${pipeline}/short/${name}" TRUE)
  endforeach()
endfunction()

function(_MultiStageBuild_write_plan pipeline default)
  _MultiStageBuild_state_dir(state "${pipeline}")
  _MultiStageBuild_json_bool(default ${default})
  set(text "{\n  \"version\": 1,\n  \"pipeline\": \"${pipeline}\",\n  \"default\": ${default},\n")
  _MultiStageBuild_build_tool(build_tool)
  set(build_dir "${CMAKE_BINARY_DIR}")
  set(state_dir "${state}")
  foreach(field IN ITEMS source base default_workdir engine store)
    _MultiStageBuild_get(${field} "${pipeline}/${field}")
  endforeach()
  set(workdir "${default_workdir}")
  foreach(field IN ITEMS source build_dir state_dir store engine base workdir build_tool)
    if(field STREQUAL "store" AND store STREQUAL "")
      set(json null)
    else()
      _MultiStageBuild_json_string(json "${${field}}")
    endif()
    string(APPEND text "  \"${field}\": ${json},\n")
  endforeach()
  _MultiStageBuild_get(exclude "${pipeline}/exclude")
  _MultiStageBuild_get(scan_every_build "${pipeline}/scan_every_build")
  set(scan_json false)
  if(scan_every_build)
    set(scan_json true)
  endif()
  _MultiStageBuild_stages_json(stages "${pipeline}")
  _MultiStageBuild_get(tests "${pipeline}/tests_json")
  string(APPEND text "  \"exclude\": ${exclude},\n  \"scan_every_build\": ${scan_json},\n  \"stages\": [${stages}\n  ],\n  \"tests\": [${tests}\n  ]\n}\n")
  file(GENERATE OUTPUT "${state}/plan.json" CONTENT "${text}")
endfunction()

function(_MultiStageBuild_stages_json out pipeline)
  set(json "")
  set(separator "\n")
  _MultiStageBuild_get(stages "${pipeline}/stages")
  foreach(stage IN LISTS stages)
    _MultiStageBuild_get(checkpoint "${pipeline}/stage/${stage}/checkpoint")
    _MultiStageBuild_get(fields "${pipeline}/stage/${stage}/json")
    _MultiStageBuild_get(short "${pipeline}/short/${checkpoint}")
    set(target "${pipeline}.${checkpoint}")
    if(short)
      set(target "${checkpoint}")
    endif()
    string(APPEND json "${separator}    {\n      \"name\": \"${stage}\",\n      \"checkpoint\": \"${checkpoint}\",\n"
      "      \"target\": \"${target}\",\n${fields}\n    }")
    set(separator ",\n")
  endforeach()
  set(${out} "${json}" PARENT_SCOPE)
endfunction()

# The words before a target's name that build it, for messages to people.
function(_MultiStageBuild_build_tool out)
  _MultiStageBuild_shell_word(tree "${CMAKE_BINARY_DIR}")
  set(${out} "cmake --build ${tree} --target" PARENT_SCOPE)
  if(CMAKE_GENERATOR MATCHES "Ninja")
    set(${out} "ninja -C ${tree}" PARENT_SCOPE)
  endif()
endfunction()
