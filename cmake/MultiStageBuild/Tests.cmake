# Tests on checkpoints, under CTest. The checkpoint that a test needs is a fixture whose set-up test
# builds it, so that a plain `ctest` works in a fresh build tree.

include_guard(GLOBAL)

# Registers test `<pipeline>.<name>`. `command` is a command line; of the options "" stands for what
# was not given. `processors`, `locks` and `labels` are properties of the test; `repeat` is how often
# it runs.
function(_MultiStageBuild_add_test
    pipeline name from command workdir environment network timeout user caches secrets
    processors repeat locks labels)
  _MultiStageBuild_require_fixture("${pipeline}" "${from}")
  _MultiStageBuild_run_json(fields "${pipeline}" "${command}" "${workdir}" "${environment}" "${network}" "${timeout}"
    "${user}" "${caches}" "${secrets}")
  foreach(number IN ITEMS processors repeat)
    set(${number}_or_one "${${number}}")
    if(NOT ${number}_or_one)
      set(${number}_or_one 1)
    endif()
  endforeach()
  string(APPEND fields ",\n      \"repeat\": ${repeat_or_one},\n      \"processors\": ${processors_or_one}")
  set(test "${pipeline}.${name}")
  _MultiStageBuild_get(others "${pipeline}/tests_json")
  set(separator ",")
  if(others STREQUAL "")
    set(separator "")
  endif()
  _MultiStageBuild_set("${pipeline}/tests_json"
    "${others}${separator}\n    {\n      \"name\": \"${test}\",\n      \"from\": \"${from}\",\n      ${fields}\n    }")
  _MultiStageBuild_append(tests "${test}")
  cmake_language(DEFER GET_CALL_IDS deferred)
  if(NOT _MultiStageBuild_check_testing IN_LIST deferred)
    cmake_language(DEFER ID _MultiStageBuild_check_testing CALL _MultiStageBuild_check_testing)
  endif()

  _MultiStageBuild_state_dir(state "${pipeline}")
  _MultiStageBuild_get(helper "${pipeline}/helper")
  add_test(NAME "${test}" COMMAND "${helper}" run --plan "${state}/plan.json" --test "${test}" --ctest)
  set_tests_properties("${test}" PROPERTIES
    FIXTURES_REQUIRED "${pipeline}.${from}"
    SKIP_REGULAR_EXPRESSION "mstage: skip: "
    LABELS "${labels}")
  _MultiStageBuild_all_caches(caches "${pipeline}" "${caches}")
  _MultiStageBuild_cache_locks(cache_locks "${caches}")
  list(APPEND locks ${cache_locks})
  if(locks)
    set_tests_properties("${test}" PROPERTIES RESOURCE_LOCK "${locks}")
  endif()
  if(processors)
    set_tests_properties("${test}" PROPERTIES PROCESSORS "${processors}")
  endif()
  if(timeout STREQUAL "")
    _MultiStageBuild_get(timeout "${pipeline}/default_timeout")
  endif()
  if(timeout GREATER 0)
    # The helper ends the command in time and says so; CTest is only for a helper that hangs.
    math(EXPR timeout "${timeout} * ((${repeat_or_one} + ${processors_or_one} - 1) / ${processors_or_one}) + 30")
    set_tests_properties("${test}" PROPERTIES TIMEOUT ${timeout})
  endif()
endfunction()

# What CTest is to hold for the locked ones of some encoded caches: it had better start another test
# than one that waits, and whose time runs out meanwhile.
function(_MultiStageBuild_cache_locks out caches)
  set(locks "")
  foreach(cache IN LISTS caches)
    if(NOT cache MATCHES ",sharing=locked(,|$)")
      continue()
    endif()
    _MultiStageBuild_cache_id(name "${cache}")
    if(name STREQUAL "")
      _MultiStageBuild_cache_path(name "${cache}")
    endif()
    list(APPEND locks "mstage-cache:${name}")
  endforeach()
  set(${out} "${locks}" PARENT_SCOPE)
endfunction()

# The set-up test of a checkpoint, made when the first test needs it.
function(_MultiStageBuild_require_fixture pipeline checkpoint)
  set(name "${pipeline}.${checkpoint}")
  _MultiStageBuild_get(made "fixture/${name}")
  if(made)
    return()
  endif()
  _MultiStageBuild_set("fixture/${name}" TRUE)
  set(config "")
  get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(multi_config)
    set(config --config $<CONFIG>)
  endif()
  add_test(NAME "${name}" COMMAND "${CMAKE_COMMAND}" --build "${CMAKE_BINARY_DIR}" ${config} --target "${name}")
  set_tests_properties("${name}" PROPERTIES
    FIXTURES_SETUP "${name}"
    SKIP_REGULAR_EXPRESSION "mstage: skip: "
    # Two build tools in one build tree would run the same edges at once.
    RESOURCE_LOCK "${CMAKE_BINARY_DIR}")
endfunction()

# Deferred to the end of a directory with tests: CTest hears of them only if testing is enabled in
# that directory.
function(_MultiStageBuild_check_testing)
  if(NOT CMAKE_TESTING_ENABLED AND (NOT DEFINED BUILD_TESTING OR BUILD_TESTING))
    message(AUTHOR_WARNING
      "MultiStageBuild: CTest will not run the tests that are declared in ${CMAKE_CURRENT_SOURCE_DIR}, for testing is "
      "not enabled there. Call enable_testing() or include(CTest) in the top-level CMakeLists.txt, before "
      "add_subdirectory().")
  endif()
endfunction()
