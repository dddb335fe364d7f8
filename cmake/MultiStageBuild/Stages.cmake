# The edges and targets of stages and artifacts.
#
# Three rules make a build with nothing to do cost nothing:
#  * The helper is never in DEPENDS: a new helper must not invalidate an hour of work. (As a target
#    in COMMAND it is built before it is used all the same.)
#  * What changes a stage is in the plan file, not on its command line. The plan changes as a whole,
#    so every stage edge starts; the helper sees from the stage's key that nothing of its own changed
#    and leaves the marker alone.
#  * CMake writes `restat = 1` on custom commands, so an output whose time did not change stops Ninja
#    there.
#
# Policy CMP0116: NEW adds a `cmake -E` process to each edge with a DEPFILE, only to rewrite the
# paths in it, and takes the escapes off # and $ as it does (seen in 4.3). Ours need no rewriting:
# they are absolute, and the targets in a depfile are relative to the top of the build tree, which
# is what Ninja wants. So OLD it is, while CMake has it. The policy that counts is the one in force
# where a function is *defined*.

include_guard(GLOBAL)

cmake_policy(PUSH)
if(CMAKE_VERSION VERSION_LESS 5.0)
  cmake_policy(SET CMP0116 OLD)
else()
  cmake_policy(SET CMP0116 NEW)
endif()

# `path` as the argument of DEPFILE. CMake writes it to build.ninja as it is, where '$' in the build
# tree's own path would begin a variable. With the policy OLD, one that is relative to the top of
# the build tree is what Ninja takes it for.
function(_MultiStageBuild_depfile out path)
  cmake_policy(GET CMP0116 policy)
  if(CMAKE_GENERATOR MATCHES "Ninja" AND policy STREQUAL "OLD")
    file(RELATIVE_PATH path "${CMAKE_BINARY_DIR}" "${path}")
  endif()
  set(${out} "${path}" PARENT_SCOPE)
endfunction()

# Declares a stage that was checked and makes its edge. `command` is a command line, `inputs` JSON,
# `environment`, `caches` and `secrets` encoded; of the options "" stands for what was not given, and the user
# "%00" for that of the image.
function(_MultiStageBuild_add_stage
    pipeline stage checkpoint from command inputs workdir environment network timeout live user caches secrets)
  if(live STREQUAL "")
    _MultiStageBuild_get(live "${pipeline}/default_live")
  endif()
  _MultiStageBuild_run_json(fields "${pipeline}" "${command}" "${workdir}" "${environment}" "${network}" "${timeout}"
    "${user}" "${caches}" "${secrets}")
  _MultiStageBuild_json_bool(live_json ${live})
  string(PREPEND fields "      \"from\": \"${from}\",\n      \"inputs\": ${inputs},\n      ")
  string(APPEND fields ",\n      \"live\": ${live_json}")
  _MultiStageBuild_append("${pipeline}/stages" "${stage}")
  _MultiStageBuild_append("${pipeline}/checkpoints" "${checkpoint}")
  _MultiStageBuild_set("${pipeline}/stage/${stage}/checkpoint" "${checkpoint}")
  _MultiStageBuild_set("${pipeline}/stage/${stage}/json" "${fields}")
  _MultiStageBuild_add_checkpoint("${pipeline}" "${stage}" "${checkpoint}" "${from}" TRUE ${live})
endfunction()

# The edge and the target of one checkpoint. `inputs` is TRUE for a stage that has a digest file of
# its inputs.
function(_MultiStageBuild_add_checkpoint pipeline stage checkpoint from inputs live)
  _MultiStageBuild_state_dir(state "${pipeline}")
  _MultiStageBuild_marker(marker "${pipeline}" "${checkpoint}")
  _MultiStageBuild_get(helper "${pipeline}/helper")
  set(depends "${state}/plan.json")
  _MultiStageBuild_get(others "${pipeline}/stage/${stage}/copied_from")
  foreach(other IN LISTS others)
    string(REGEX MATCH "^(.*)/(.*)$" ignored "${other}")
    _MultiStageBuild_marker(other_marker "${CMAKE_MATCH_1}" "${CMAKE_MATCH_2}")
    list(APPEND depends "${other_marker}")
  endforeach()
  if(from)
    _MultiStageBuild_marker(parent "${pipeline}" "${from}")
    list(APPEND depends "${parent}")
  endif()
  if(inputs)
    list(APPEND depends "${state}/${stage}.inputs")
  endif()
  _MultiStageBuild_depfile(depfile "${state}/${checkpoint}.d")
  set(terminal "")
  if(live)
    set(terminal USES_TERMINAL)
  endif()
  add_custom_command(
    OUTPUT "${marker}"
    COMMAND "${helper}" stage "${state}/plan.json" "${stage}"
    DEPENDS ${depends}
    DEPFILE "${depfile}"
    COMMENT "${pipeline}: ${checkpoint}"
    ${terminal}
    VERBATIM)
  set(target "${pipeline}.${checkpoint}")
  add_custom_target("${target}" DEPENDS "${marker}")
  set_property(TARGET "${target}" PROPERTY FOLDER "MultiStageBuild/${pipeline}")
  # Files made in another directory have no rule in ours under Makefiles, which go by the order of
  # targets instead.
  if(from)
    add_dependencies("${target}" "${pipeline}.${from}")
  endif()
  foreach(other IN LISTS others)
    string(REPLACE "/" "." other "${other}")
    add_dependencies("${target}" "${other}")
  endforeach()
  _MultiStageBuild_add_to_group("${pipeline}" checkpoints "${target}")
  if(inputs)
    add_dependencies("${target}" "${pipeline}.scan")
  endif()
  _MultiStageBuild_add_rollback("${pipeline}" "${checkpoint}")
  _MultiStageBuild_add_shell("${pipeline}" "${checkpoint}")
endfunction()

# The target that goes back to a checkpoint. It needs no other: what has not been built has nothing
# to go back to.
function(_MultiStageBuild_add_rollback pipeline checkpoint)
  _MultiStageBuild_get(helper "${pipeline}/helper")
  _MultiStageBuild_config_option(config)
  add_custom_target("${pipeline}.rollback-${checkpoint}"
    COMMAND "${helper}" -C "${CMAKE_BINARY_DIR}" ${config} rollback "${pipeline}.${checkpoint}"
    USES_TERMINAL
    VERBATIM)
  set_property(TARGET "${pipeline}.rollback-${checkpoint}"
    PROPERTY FOLDER "MultiStageBuild/${pipeline}")
endfunction()

# The target that opens a shell in a checkpoint as it is: it builds nothing, for a failed stage
# would be run again.
function(_MultiStageBuild_add_shell pipeline checkpoint)
  _MultiStageBuild_get(helper "${pipeline}/helper")
  _MultiStageBuild_config_option(config)
  set(target "${pipeline}.shell-${checkpoint}")
  add_custom_target("${target}"
    COMMAND "${helper}" -C "${CMAKE_BINARY_DIR}" ${config} shell --last-attempt "${pipeline}.${checkpoint}"
    USES_TERMINAL
    VERBATIM)
  set_property(TARGET "${target}" PROPERTY FOLDER "MultiStageBuild/${pipeline}")
endfunction()

# The edge that walks the source for all stages of a pipeline; called from the top-level directory
# when all are known.
function(_MultiStageBuild_add_scan pipeline)
  _MultiStageBuild_state_dir(state "${pipeline}")
  _MultiStageBuild_get(helper "${pipeline}/helper")
  _MultiStageBuild_get(stages "${pipeline}/stages")
  if(stages STREQUAL "")
    return()
  endif()
  list(TRANSFORM stages PREPEND "${state}/" OUTPUT_VARIABLE digests)
  list(TRANSFORM digests APPEND ".inputs")
  _MultiStageBuild_depfile(depfile "${state}/scan.d")
  add_custom_command(
    OUTPUT ${digests}
    COMMAND "${helper}" scan "${state}/plan.json"
    DEPENDS "${state}/plan.json"
    DEPFILE "${depfile}"
    COMMENT "${pipeline}: scan"
    VERBATIM)
  add_custom_target("${pipeline}.scan" DEPENDS ${digests})
  set_property(TARGET "${pipeline}.scan" PROPERTY FOLDER "MultiStageBuild/${pipeline}")
endfunction()

# The edge that delivers `paths` (encoded) of a checkpoint to the directory `destination`, new or
# not: hence the slash.
function(_MultiStageBuild_add_delivery pipeline from paths destination)
  set(sources "")
  foreach(path IN LISTS paths)
    _MultiStageBuild_decode(path "${path}")
    string(APPEND sources " [==[${pipeline}.${from}:${path}]==]")
  endforeach()
  _MultiStageBuild_add_copy_edge("${pipeline}" "${from}" artifacts
    "cp" "${sources} [==[${destination}/]==]" "artifacts of ${from}")
endfunction()

# Has the stage that makes a checkpoint bring out the files of the delivery that was just added,
# whatever its exit. What it brought is in a record of its own: the edge's stamp is for the edge.
function(_MultiStageBuild_add_delivery_by_stage pipeline from paths destination)
  _MultiStageBuild_state_dir(state "${pipeline}")
  _MultiStageBuild_get(number "${pipeline}/artifacts")
  _MultiStageBuild_json_array(paths "${paths}")
  _MultiStageBuild_json_string(destination "${destination}")
  _MultiStageBuild_json_string(record "${state}/artifacts/${number}.record")
  _MultiStageBuild_get(members "${pipeline}/artifacts_json/${from}")
  if(members)
    string(APPEND members ", ")
  endif()
  string(APPEND members "{\"paths\": ${paths}, \"destination\": ${destination}, \"record\": ${record}}")
  _MultiStageBuild_set("${pipeline}/artifacts_json/${from}" "${members}")
endfunction()

# The edge that writes the compilation database `path` of a checkpoint to `destination`; `mappings`
# (encoded) are "<directory in the image>=<directory here>".
function(_MultiStageBuild_add_compile_commands pipeline from path destination mappings)
  set(words " [==[${pipeline}.${from}:${path}]==] [==[${destination}/compile_commands.json]==]")
  foreach(mapping IN LISTS mappings)
    _MultiStageBuild_decode(mapping "${mapping}")
    string(APPEND words " --map [==[${mapping}]==]")
  endforeach()
  _MultiStageBuild_add_copy_edge("${pipeline}" "${from}" compile-commands
    "compile-commands" "${words}" "compile_commands.json of ${from}")
endfunction()

# An edge that runs a verb of the helper which copies files out of the image of a checkpoint, and
# its target, which is part of the target `<pipeline>.<group>` and of `<pipeline>.artifacts`. `words`
# are code, for paths may hold whatever a list may not, and bracket arguments carry them unharmed.
# The depfile names what was delivered, so that a file that somebody deleted comes back.
function(_MultiStageBuild_add_copy_edge pipeline from group verb words comment)
  _MultiStageBuild_state_dir(state "${pipeline}")
  _MultiStageBuild_get(helper "${pipeline}/helper")
  _MultiStageBuild_marker(marker "${pipeline}" "${from}")
  _MultiStageBuild_get(number "${pipeline}/artifacts")
  math(EXPR number "${number} + 1")
  _MultiStageBuild_set("${pipeline}/artifacts" ${number})

  set(stamp "${state}/artifacts/${number}.stamp")
  set(depfile "${state}/artifacts/${number}.d")
  _MultiStageBuild_depfile(depfile_argument "${depfile}")
  set(depfile_target "${stamp}")
  if(CMAKE_GENERATOR MATCHES "Ninja")
    file(RELATIVE_PATH depfile_target "${CMAKE_BINARY_DIR}" "${stamp}")
  endif()
  _MultiStageBuild_config_option(config)
  get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(NOT multi_config)
    # make, unlike Ninja, does not.
    file(MAKE_DIRECTORY "${state}/artifacts")
  endif()
  cmake_language(EVAL CODE "
    add_custom_command(
      OUTPUT \"\${stamp}\"
      COMMAND \"\${helper}\" ${verb} --depfile \"\${depfile}\" --depfile-target \"\${depfile_target}\"
        --stamp \"\${stamp}\" -C \"\${CMAKE_BINARY_DIR}\" \${config} ${words}
      DEPENDS \"\${marker}\"
      DEPFILE \"\${depfile_argument}\"
      COMMENT \"\${pipeline}: \${comment}\"
      VERBATIM)")

  set(target "${pipeline}.artifacts.${number}")
  add_custom_target("${target}" DEPENDS "${stamp}")
  set_property(TARGET "${target}" PROPERTY FOLDER "MultiStageBuild/${pipeline}")
  add_dependencies("${target}" "${pipeline}.${from}")
  set(groups artifacts ${group})
  list(REMOVE_DUPLICATES groups)
  foreach(name IN LISTS groups)
    _MultiStageBuild_add_to_group("${pipeline}" ${name} "${target}")
  endforeach()
endfunction()

# Makes `target` a part of the target `<pipeline>.<group>`.
function(_MultiStageBuild_add_to_group pipeline group target)
  set(name "${pipeline}.${group}")
  if(NOT TARGET "${name}")
    add_custom_target("${name}")
    set_property(TARGET "${name}" PROPERTY FOLDER "MultiStageBuild/${pipeline}")
  endif()
  add_dependencies("${name}" "${target}")
endfunction()

cmake_policy(POP)

function(_MultiStageBuild_add_status pipeline)
  _MultiStageBuild_get(helper "${pipeline}/helper")
  add_custom_target("${pipeline}.status"
    COMMAND "${helper}" -C "${CMAKE_BINARY_DIR}" status
    USES_TERMINAL
    VERBATIM)
  set_property(TARGET "${pipeline}.status" PROPERTY FOLDER "MultiStageBuild/${pipeline}")
endfunction()

# The target that writes the report page and says where. It looks at what is there and builds nothing.
function(_MultiStageBuild_add_report pipeline)
  _MultiStageBuild_get(helper "${pipeline}/helper")
  _MultiStageBuild_config_option(config)
  add_custom_target("${pipeline}.report"
    COMMAND "${helper}" -C "${CMAKE_BINARY_DIR}" ${config} report "${pipeline}"
    USES_TERMINAL
    VERBATIM)
  set_property(TARGET "${pipeline}.report" PROPERTY FOLDER "MultiStageBuild/${pipeline}")
endfunction()

# The target that prints the pipeline as instructions for an agent. It builds nothing either.
function(_MultiStageBuild_add_prompt pipeline)
  _MultiStageBuild_get(helper "${pipeline}/helper")
  _MultiStageBuild_config_option(config)
  add_custom_target("${pipeline}.prompt"
    COMMAND "${helper}" -C "${CMAKE_BINARY_DIR}" ${config} prompt --pipeline "${pipeline}"
    USES_TERMINAL
    VERBATIM)
  set_property(TARGET "${pipeline}.prompt" PROPERTY FOLDER "MultiStageBuild/${pipeline}")
endfunction()
