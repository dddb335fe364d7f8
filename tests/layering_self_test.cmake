# Checks that layering.cmake finds what it is there for, in little trees made below WORK_DIR.

cmake_minimum_required(VERSION 3.22...4.4)

file(REMOVE_RECURSE "${WORK_DIR}")

# make_tree(<name> <CMakeLists.txt> [<file> <content>]...)
function(make_tree name lists)
  file(WRITE "${WORK_DIR}/${name}/CMakeLists.txt" "\n${lists}\n")
  file(WRITE "${WORK_DIR}/${name}/base/error.hpp" "#pragma once\n#include <string>\n")
  file(WRITE "${WORK_DIR}/${name}/store/store.hpp" "#include \"base/error.hpp\"\n")
  while(ARGN)
    list(POP_FRONT ARGN file content)
    file(WRITE "${WORK_DIR}/${name}/${file}" "${content}\n")
  endwhile()
endfunction()

# The message has to hold each of the texts; no texts: the tree has to be in order.
function(expect name)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -D "TOOL_DIR=${WORK_DIR}/${name}" -P "${CMAKE_CURRENT_LIST_DIR}/layering.cmake"
    RESULT_VARIABLE result ERROR_VARIABLE message)
  if(NOT ARGN AND NOT result EQUAL 0)
    message(FATAL_ERROR "${name}: was refused:\n${message}")
  elseif(ARGN AND result EQUAL 0)
    message(FATAL_ERROR "${name}: was let through")
  endif()
  foreach(text IN LISTS ARGN)
    string(FIND "${message}" "${text}" place)
    if(place EQUAL -1)
      message(FATAL_ERROR "${name}: '${text}' is not in the message:\n${message}")
    endif()
  endforeach()
endfunction()

set(lists "mstage_library(base SOURCES base/error.cpp LIBRARIES fmt::fmt)
mstage_library(store SOURCES store/store.cpp LIBRARIES mstage_base)")

make_tree(good "${lists}" store/deep/er.cpp "#include \"store/store.hpp\"")
expect(good)

make_tree(upwards "${lists}" base/error.cpp "#include \"store/store.hpp\"")
expect(upwards "base/error.cpp" "'base' may not use 'store'")

make_tree(deep "${lists}" base/deep/er/error.hpp "  #  include \"store/store.hpp\"  // why not")
expect(deep "base/deep/er/error.hpp" "'base' may not use 'store'")

make_tree(sideways "${lists}\nmstage_library(sandbox SOURCES a.cpp LIBRARIES mstage_base)"
  sandbox/a.cpp "#include \"store/store.hpp\"")
expect(sideways "'sandbox' may not use 'store'")

make_tree(link "mstage_library(base SOURCES a.cpp\n  LIBRARIES\n    fmt::fmt mstage_store)")
expect(link "'base' links to 'store'")

make_tree(unlinked "mstage_library(base SOURCES a.cpp)\nmstage_library(store SOURCES a.cpp)")
expect(unlinked "'store' does not link to 'base'")

make_tree(relative "${lists}" store/b.hpp "" store/a.cpp "#include \"b.hpp\"")
expect(relative "no path from the top")

make_tree(unknown "${lists}\nmstage_library(misc SOURCES a.cpp)" misc/a.cpp "")
expect(unknown "misc/: is in no row" "'misc' is in no row")

file(MAKE_DIRECTORY "${WORK_DIR}/empty")
file(WRITE "${WORK_DIR}/empty/CMakeLists.txt" "")
expect(empty "nothing to check")
