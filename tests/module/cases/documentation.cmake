# The reference at the top of the module names every public function, each of its keywords, and no
# keyword that is none.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

file(READ "${MODULE_DIR}/MultiStageBuild.cmake" text)
string(FIND "${text}" ".rst:" start)
string(FIND "${text}" "]===" end)
string(SUBSTRING "${text}" ${start} ${end} reference)
file(READ "${MODULE_DIR}/MultiStageBuild/Commands.cmake" code)
include("${MODULE_DIR}/MultiStageBuild/Keywords.cmake")

string(REGEX MATCHALL "\nfunction\\(multi_stage_[a-z_]+" functions "${code}")
list(TRANSFORM functions REPLACE "\nfunction\\(" "")
_MultiStageBuild_functions(known)
expect_equal("public functions" "${functions}" "${known}")
foreach(function IN LISTS functions)
  # Its part of the reference: from its own heading to the next heading of any kind.
  string(FIND "${reference}" ".. command:: ${function}\n" start)
  if(start EQUAL -1)
    fail("${function} is not documented")
  endif()
  string(LENGTH ".. command:: ${function}" length)
  math(EXPR start "${start} + ${length}")
  string(SUBSTRING "${reference}" ${start} -1 section)
  string(REGEX REPLACE "\n(\\.\\. command::|[A-Z][a-z ]+\n\\^\\^\\^).*" "\n" section "${section}")
  string(REGEX MATCH "\n +${function}\\([^)]*\\)" synopsis "${section}")

  _MultiStageBuild_keywords(${function})
  set(known ${option} ${one_value} ${multi_value})
  if(known STREQUAL "")
    fail("${function}: no keywords found in its code")
  endif()
  foreach(keyword IN LISTS known)
    if(NOT synopsis MATCHES "[ [(]${keyword}[] ]")
      fail("${function}: ${keyword} is not in the synopsis:\n${synopsis}")
    endif()
    # ENVIRONMENT and its like are explained once, with multi_stage_build().
    if(NOT reference MATCHES "\n  ``([^\n]*``)?${keyword}( [^`\n]*)?``[^\n]*\n    ")
      fail("${function}: ${keyword} is not explained")
    endif()
  endforeach()

  # And the other way round.
  string(REGEX REPLACE "<[^>]*>|ON\\|OFF|\\|NONE|${function}" " " words "${synopsis}")
  string(REGEX MATCHALL "[A-Z_]+" words "${words}")
  foreach(word IN LISTS words)
    if(NOT word IN_LIST known)
      fail("${function}: the synopsis has ${word}, which the code does not know")
    endif()
  endforeach()
endforeach()

# Variables, in the module and its parts.
file(GLOB parts "${MODULE_DIR}/MultiStageBuild/*.cmake")
foreach(part IN LISTS parts)
  file(READ "${part}" code)
  string(REGEX MATCHALL "[$]{MSTAGE_[A-Z]+}" variables "${code}")
  list(REMOVE_DUPLICATES variables)
  foreach(variable IN LISTS variables)
    string(REGEX MATCH "MSTAGE_[A-Z]+" variable "${variable}")
    string(FIND "${reference}" "\n``${variable}``\n" place)
    if(place EQUAL -1)
      fail("the variable ${variable} is not documented")
    endif()
  endforeach()
endforeach()

passed()
