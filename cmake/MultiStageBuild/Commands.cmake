# The public commands, which the top of MultiStageBuild.cmake describes. Each looks at all of its arguments first: what is
# wrong with a call stops it before anything is declared.

include_guard(GLOBAL)

function(multi_stage_build pipeline)
  _MultiStageBuild_begin(${ARGC} 1)
  _MultiStageBuild_require_new_pipeline("${caller}" "${pipeline}")
  _MultiStageBuild_read_run_options()
  _MultiStageBuild_base("${caller}" base "${arg_BASE}")
  _MultiStageBuild_check_source_place("${caller}" "${arg_WORKDIR}")
  _MultiStageBuild_check_cache_places("${caller}" "${arg_CACHE}" "${arg_WORKDIR}")
  _MultiStageBuild_check_patterns("${caller}" EXCLUDE "${arg_EXCLUDE}")
  _MultiStageBuild_source("${caller}" source "${arg_SOURCE}")
  _MultiStageBuild_usual_commands("${caller}" "${source}"
    "${arg_INSTALL_COMMAND}" "${arg_BUILD_COMMAND}" "${arg_TEST_COMMAND}")
  _MultiStageBuild_check_idle("${caller}" INSTALL _INPUTS
    "${install_command}" "${arg_INSTALL_COMMAND}" "${arg_INSTALL_INPUTS}")
  _MultiStageBuild_check_idle("${caller}" INSTALL _USER
    "${install_command}" "${arg_INSTALL_COMMAND}" "${arg_INSTALL_USER}")
  _MultiStageBuild_check_idle("${caller}" BUILD _INPUTS
    "${build_command}" "${arg_BUILD_COMMAND}" "${arg_BUILD_INPUTS}")
  if(NOT DEFINED arg_INSTALL_COMMAND AND NOT DEFINED arg_INSTALL_INPUTS)
    _MultiStageBuild_detected_install_inputs(arg_INSTALL_INPUTS "${kind}" "${source}")
  endif()
  _MultiStageBuild_inputs_json("${caller}" install_inputs INSTALL_INPUTS "${arg_INSTALL_INPUTS}")
  _MultiStageBuild_inputs_json("${caller}" build_inputs BUILD_INPUTS "${arg_BUILD_INPUTS}")
  _MultiStageBuild_check_variables("${caller}")
  _MultiStageBuild_helper("${caller}" helper)

  # Beyond this point nothing is wrong with the call.
  _MultiStageBuild_json_array(exclude "${arg_EXCLUDE}")
  _MultiStageBuild_add_pipeline("${pipeline}"
    source "${source}"
    base "${base}"
    exclude "${exclude}"
    store "${MSTAGE_STORE}"
    engine "${MSTAGE_ENGINE}"
    scan_every_build "${MSTAGE_SCAN_EVERY_BUILD}"
    helper "${helper}"
    default_workdir "${arg_WORKDIR}"
    default_environment "${arg_ENVIRONMENT}"
    default_network "${arg_NETWORK}"
    default_timeout "${arg_TIMEOUT}"
    default_live "${arg_LIVE}"
    default_user "${arg_USER}"
    default_caches "${arg_CACHE}"
    default_secrets "${arg_SECRET}")
  set(last setup-base)
  if(NOT install_command STREQUAL "")
    # Whoever builds: packages are installed by root, if no other is named.
    if(NOT DEFINED arg_INSTALL_USER)
      set(arg_INSTALL_USER "%00")
    endif()
    _MultiStageBuild_add_stage("${pipeline}" install deps-installed ${last} "${install_command}" "${install_inputs}"
      "" "" "" "" "" "${arg_INSTALL_USER}" "" "")
    set(last deps-installed)
  endif()
  if(NOT build_command STREQUAL "")
    _MultiStageBuild_add_stage("${pipeline}" build build-complete ${last} "${build_command}" "${build_inputs}"
      "" "" "" "" "" "" "" "")
    set(last build-complete)
  endif()
  if(NOT test_command STREQUAL "")
    _MultiStageBuild_add_test("${pipeline}" test ${last} "${test_command}" "" "" "" "" "" "" "" "" "" "" "")
  endif()
endfunction()

function(multi_stage_add_stage pipeline stage)
  _MultiStageBuild_begin(${ARGC} 2)
  _MultiStageBuild_require_pipeline("${caller}" "${pipeline}")
  _MultiStageBuild_require_new_stage("${caller}" "${pipeline}" "${stage}" "${arg_CHECKPOINT}")
  _MultiStageBuild_require_checkpoint("${caller}" "${pipeline}" "${arg_FROM}")
  _MultiStageBuild_required_command("${caller}" command "${arg_COMMAND}")
  _MultiStageBuild_read_run_options()
  _MultiStageBuild_get(source_place "${pipeline}/default_workdir")
  _MultiStageBuild_check_cache_places("${caller}" "${arg_CACHE}" "${source_place}")
  _MultiStageBuild_inputs_json("${caller}" inputs INPUTS "${arg_INPUTS}")
  _MultiStageBuild_check_patterns("${caller}" EXCLUDE "${arg_EXCLUDE}")
  _MultiStageBuild_check_copies("${caller}" "${pipeline}" "${arg_COPY}")

  _MultiStageBuild_set_selection("${pipeline}" "${stage}" "${arg_EXCLUDE}" "${arg_COPY}")
  _MultiStageBuild_add_stage("${pipeline}" "${stage}" "${arg_CHECKPOINT}" "${arg_FROM}" "${command}" "${inputs}"
    "${arg_WORKDIR}" "${arg_ENVIRONMENT}" "${arg_NETWORK}" "${arg_TIMEOUT}" "${arg_LIVE}" "${arg_USER}" "${arg_CACHE}"
    "${arg_SECRET}")
endfunction()

function(multi_stage_add_test pipeline)
  _MultiStageBuild_begin(${ARGC} 1)
  _MultiStageBuild_require_pipeline("${caller}" "${pipeline}")
  _MultiStageBuild_require_new_test("${caller}" "${pipeline}" "${arg_NAME}")
  _MultiStageBuild_require_checkpoint("${caller}" "${pipeline}" "${arg_FROM}")
  _MultiStageBuild_required_command("${caller}" command "${arg_COMMAND}")
  _MultiStageBuild_read_run_options()
  _MultiStageBuild_get(source_place "${pipeline}/default_workdir")
  _MultiStageBuild_check_cache_places("${caller}" "${arg_CACHE}" "${source_place}")
  if(DEFINED arg_PROCESSORS AND NOT arg_PROCESSORS MATCHES "^[1-9][0-9]*$")
    _MultiStageBuild_fail("${caller}" "not a number of processors" PROCESSORS "'${arg_PROCESSORS}'")
  endif()
  if(DEFINED arg_REPEAT AND NOT arg_REPEAT MATCHES "^[1-9][0-9]?[0-9]?[0-9]?[0-9]?$")
    _MultiStageBuild_fail("${caller}" "not a number of runs, from 1 to 99999" REPEAT "'${arg_REPEAT}'")
  endif()

  _MultiStageBuild_add_test("${pipeline}" "${arg_NAME}" "${arg_FROM}" "${command}"
    "${arg_WORKDIR}" "${arg_ENVIRONMENT}" "${arg_NETWORK}" "${arg_TIMEOUT}" "${arg_USER}" "${arg_CACHE}"
    "${arg_SECRET}" "${arg_PROCESSORS}" "${arg_REPEAT}" "${arg_RESOURCE_LOCK}" "${arg_LABELS}")
endfunction()

function(multi_stage_test_launcher pipeline)
  _MultiStageBuild_begin(${ARGC} 1)
  _MultiStageBuild_require_pipeline("${caller}" "${pipeline}")
  _MultiStageBuild_require_checkpoint("${caller}" "${pipeline}" "${arg_FROM}")
  _MultiStageBuild_read_run_options()
  _MultiStageBuild_get(source_place "${pipeline}/default_workdir")
  _MultiStageBuild_check_cache_places("${caller}" "${arg_CACHE}" "${source_place}")
  _MultiStageBuild_check_mappings("${caller}" "${arg_MAP}")
  foreach(name IN LISTS arg_PASS_ENVIRONMENT)
    if(NOT name MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
      _MultiStageBuild_decode(name "${name}")
      _MultiStageBuild_fail("${caller}" "not the name of a variable" PASS_ENVIRONMENT "'${name}'")
    endif()
  endforeach()
  _MultiStageBuild_check_launcher("${caller}" "${pipeline}" "${arg_MAP};${arg_ENVIRONMENT};${arg_CACHE};${arg_SECRET}")

  _MultiStageBuild_launcher_words(launcher "${pipeline}" "${arg_FROM}" "${arg_MAP}" "${arg_ENVIRONMENT}"
    "${arg_PASS_ENVIRONMENT}" "${arg_NETWORK}" "${arg_TIMEOUT}" "${arg_USER}" "${arg_CACHE}" "${arg_SECRET}")
  _MultiStageBuild_require_fixture("${pipeline}" "${arg_FROM}")
  if(DEFINED arg_VARIABLE)
    set(${arg_VARIABLE} "${launcher}" PARENT_SCOPE)
    return()
  endif()
  cmake_language(EVAL CODE
    "cmake_language(DEFER CALL _MultiStageBuild_require_for_tests
      [==[${pipeline}.${arg_FROM}]==] [==[${CMAKE_CURRENT_SOURCE_DIR}]==])")
  if(CMAKE_VERSION VERSION_LESS 3.29)
    # Whatever its name says, add_test() has it in front of a target's program always.
    set(CMAKE_CROSSCOMPILING_EMULATOR "${launcher}" ${CMAKE_CROSSCOMPILING_EMULATOR} PARENT_SCOPE)
  else()
    set(CMAKE_TEST_LAUNCHER "${launcher}" PARENT_SCOPE)
  endif()
endfunction()

function(multi_stage_add_artifact pipeline)
  _MultiStageBuild_begin(${ARGC} 1)
  _MultiStageBuild_require_pipeline("${caller}" "${pipeline}")
  _MultiStageBuild_require_checkpoint("${caller}" "${pipeline}" "${arg_FROM}")
  foreach(path IN LISTS arg_PATH)
    if(NOT path MATCHES "^/")
      _MultiStageBuild_decode(path "${path}")
      _MultiStageBuild_fail("${caller}" "not an absolute path in the image" PATH "'${path}'")
    endif()
  endforeach()
  if(arg_DESTINATION STREQUAL "")
    _MultiStageBuild_fail("${caller}" "empty path" Keyword DESTINATION)
  endif()
  if(arg_ALWAYS AND arg_FROM STREQUAL "setup-base")
    _MultiStageBuild_fail("${caller}" "ALWAYS is for what a stage's command leaves, and this checkpoint has none"
      FROM "'${arg_FROM}'")
  endif()

  if(NOT arg_DESTINATION MATCHES "^([/]|[$]<)")
    string(PREPEND arg_DESTINATION "${CMAKE_CURRENT_BINARY_DIR}/")
  endif()
  _MultiStageBuild_add_delivery("${pipeline}" "${arg_FROM}" "${arg_PATH}" "${arg_DESTINATION}")
  if(arg_ALWAYS)
    _MultiStageBuild_add_delivery_by_stage("${pipeline}" "${arg_FROM}" "${arg_PATH}" "${arg_DESTINATION}")
  endif()
endfunction()

function(multi_stage_add_compile_commands pipeline)
  _MultiStageBuild_begin(${ARGC} 1)
  _MultiStageBuild_require_pipeline("${caller}" "${pipeline}")
  if(NOT DEFINED arg_FROM)
    set(arg_FROM build-complete)
  endif()
  _MultiStageBuild_require_checkpoint("${caller}" "${pipeline}" "${arg_FROM}")
  _MultiStageBuild_get(workdir "${pipeline}/default_workdir")
  _MultiStageBuild_get(source "${pipeline}/source")
  string(REGEX REPLACE "/+$" "" workdir "${workdir}")
  if(workdir STREQUAL "")
    _MultiStageBuild_fail("${caller}" "in '/' the source cannot be told from the rest of the image" WORKDIR "'/'")
  endif()
  if(NOT DEFINED arg_PATH)
    set(arg_PATH "${workdir}/build/compile_commands.json")
  endif()
  if(NOT arg_PATH MATCHES "^/")
    _MultiStageBuild_fail("${caller}" "not an absolute path in the image" PATH "'${arg_PATH}'")
  endif()
  _MultiStageBuild_check_mappings("${caller}" "${arg_MAP}")
  if(NOT arg_DESTINATION MATCHES "^([/]|[$]<)")
    string(PREPEND arg_DESTINATION "${CMAKE_CURRENT_BINARY_DIR}/")
    string(REGEX REPLACE "/$" "" arg_DESTINATION "${arg_DESTINATION}")
  endif()
  _MultiStageBuild_encode(mappings "${workdir}=${source}")
  list(APPEND mappings ${arg_MAP})
  _MultiStageBuild_add_compile_commands("${pipeline}" "${arg_FROM}" "${arg_PATH}" "${arg_DESTINATION}"
    "${mappings}")
endfunction()
