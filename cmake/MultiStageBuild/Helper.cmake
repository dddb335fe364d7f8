# Where the helper program mstage comes from.

include_guard(GLOBAL)

# Sets `out` to what an add_custom_command() or add_test() runs: a path, or a generator expression
# for the helper of this very build. Looked up anew at each call, as the target may appear after the
# module was included.
function(_MultiStageBuild_helper caller out)
  set(helper "${MSTAGE_EXECUTABLE}")
  if(helper)
    if(NOT IS_ABSOLUTE "${helper}" OR NOT EXISTS "${helper}" OR IS_DIRECTORY "${helper}")
      _MultiStageBuild_fail("${caller}" "no such program (an absolute path is wanted)" MSTAGE_EXECUTABLE "'${helper}'")
    endif()
    _MultiStageBuild_check_helper("${caller}" "${helper}")
  else()
    _MultiStageBuild_target_helper(helper)
  endif()
  if(NOT helper)
    # The helper runs on this machine, wherever the project's own programs will run.
    unset(_MultiStageBuild_found)
    find_program(_MultiStageBuild_found NAMES mstage NO_CACHE NO_CMAKE_FIND_ROOT_PATH)
    if(_MultiStageBuild_found)
      set(helper "${_MultiStageBuild_found}")
    endif()
  endif()
  if(NOT helper)
    _MultiStageBuild_build_helper("${caller}" helper)
  endif()
  set(${out} "${helper}" PARENT_SCOPE)
endfunction()

# Whether a program says that it is the helper; asked once.
function(_MultiStageBuild_check_helper caller helper)
  _MultiStageBuild_get(known helper)
  if(known STREQUAL helper)
    return()
  endif()
  execute_process(COMMAND "${helper}" --version
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE ignored TIMEOUT 60)
  if(NOT result STREQUAL "0" OR NOT output MATCHES "^mstage [0-9]")
    _MultiStageBuild_fail("${caller}" "not the program mstage: it does not answer --version like that"
      MSTAGE_EXECUTABLE "'${helper}'")
  endif()
  _MultiStageBuild_set(helper "${helper}")
endfunction()

# The helper of an installed package, or of this build if that makes programs for this machine; ""
# when there is neither.
function(_MultiStageBuild_target_helper out)
  set(${out} "" PARENT_SCOPE)
  foreach(target IN ITEMS MultiStageBuild::mstage mstage)
    if(NOT TARGET "${target}")
      continue()
    endif()
    get_target_property(imported "${target}" IMPORTED)
    if(imported)
      # Imported targets are known in their own directory only, our commands may be made in another
      # one.
      get_target_property(location "${target}" LOCATION)
      set(${out} "${location}" PARENT_SCOPE)
      return()
    endif()
    get_target_property(type "${target}" TYPE)
    if(type STREQUAL "EXECUTABLE" AND NOT CMAKE_CROSSCOMPILING)
      set(${out} "$<TARGET_FILE:${target}>" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

# Builds the helper from the source tree that this module lies in, with this machine's compiler.
function(_MultiStageBuild_build_helper caller out)
  get_filename_component(source "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../.." ABSOLUTE)
  if(NOT EXISTS "${source}/tool/CMakeLists.txt")
    _MultiStageBuild_fail("${caller}" "the helper program mstage was not found"
      "Looked for" "the variable MSTAGE_EXECUTABLE, the target MultiStageBuild::mstage, a program mstage in PATH"
      "Hint" "install the package MultiStageBuild, or set MSTAGE_EXECUTABLE to the program")
  endif()
  set(build "${CMAKE_BINARY_DIR}/.mstage/.helper")
  set(clean_environment "${CMAKE_COMMAND}" -E env --unset=CMAKE_TOOLCHAIN_FILE)
  if(CMAKE_CROSSCOMPILING)
    foreach(variable IN ITEMS CC CXX CFLAGS CXXFLAGS LDFLAGS)
      list(APPEND clean_environment "--unset=${variable}")
    endforeach()
  endif()
  if(NOT EXISTS "${build}/CMakeCache.txt")
    message(STATUS "MultiStageBuild: building the helper mstage, once for this build tree")
    set(generator -G "Unix Makefiles")
    if(CMAKE_GENERATOR MATCHES "Ninja")
      set(generator -G "Ninja" "-DCMAKE_MAKE_PROGRAM=${CMAKE_MAKE_PROGRAM}")
    endif()
    _MultiStageBuild_helper_step("${caller}" "configuring the helper mstage failed" "${build}"
      ${clean_environment} "${CMAKE_COMMAND}" -S "${source}" -B "${build}" ${generator} -DCMAKE_BUILD_TYPE=Release
      "-DCMAKE_RUNTIME_OUTPUT_DIRECTORY=${build}/bin" -DMSTAGE_BUILD_TESTS=OFF)
  endif()
  _MultiStageBuild_helper_step("${caller}" "building the helper mstage failed" "${build}"
    ${clean_environment} "${CMAKE_COMMAND}" --build "${build}" --target mstage)
  set(${out} "${build}/bin/mstage" PARENT_SCOPE)
endfunction()

function(_MultiStageBuild_helper_step caller what build)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(result EQUAL 0)
    return()
  endif()
  # A half-configured tree would be taken for a good one by the next run.
  if(what MATCHES "^configuring")
    file(REMOVE "${build}/CMakeCache.txt")
  endif()
  string(LENGTH "${output}" length)
  if(length GREATER 4000)
    math(EXPR start "${length} - 4000")
    string(SUBSTRING "${output}" ${start} -1 output)
  endif()
  string(REPLACE "\n" "\n    " output "${output}")
  _MultiStageBuild_fail("${caller}" "${what}"
    "Build tree" "${build}"
    "Needs" "a C++20 compiler; fmt, nlohmann_json, CLI11, libarchive, OpenSSL, libseccomp and libuuid for developers"
    "Hint" "install those, or set MSTAGE_EXECUTABLE to an mstage that is built already"
    "Output" "\n    ${output}")
endfunction()
