# The keywords of the public functions, and which words of a call look like a keyword that went
# astray: cmake_parse_arguments() takes a word that it does not know for one more of the list before
# it, so that a slip of the pen becomes a part of a command.

include_guard(GLOBAL)

# Sets `option`, `required`, `one_value` and `multi_value` in the caller to the keywords of a public
# function; the required ones are among the others too.
function(_MultiStageBuild_keywords function)
  # What every command in a sandbox has. (set() would take CACHE for its own.)
  list(APPEND run_multi_value
    CACHE
    ENVIRONMENT
    SECRET)
  set(run_one_value
    WORKDIR
    NETWORK
    TIMEOUT
    USER)
  set(multi_stage_build_required "")
  set(multi_stage_build_one_value
    SOURCE
    BASE
    LIVE
    INSTALL_USER
    ${run_one_value})
  set(multi_stage_build_multi_value
    ${run_multi_value}
    EXCLUDE
    INSTALL_COMMAND
    INSTALL_INPUTS
    BUILD_COMMAND
    BUILD_INPUTS
    TEST_COMMAND)
  set(multi_stage_add_stage_required
    FROM
    COMMAND
    CHECKPOINT)
  set(multi_stage_add_stage_one_value
    FROM
    CHECKPOINT
    LIVE
    ${run_one_value})
  set(multi_stage_add_stage_multi_value
    ${run_multi_value}
    COMMAND
    COPY
    INPUTS
    EXCLUDE)
  set(multi_stage_add_test_required
    NAME
    FROM
    COMMAND)
  set(multi_stage_add_test_one_value
    NAME
    FROM
    PROCESSORS
    REPEAT
    ${run_one_value})
  set(multi_stage_add_test_multi_value
    ${run_multi_value}
    COMMAND
    RESOURCE_LOCK
    LABELS)
  set(multi_stage_test_launcher_required
    FROM)
  set(multi_stage_test_launcher_one_value
    FROM
    VARIABLE
    NETWORK
    TIMEOUT
    USER)
  set(multi_stage_test_launcher_multi_value
    ${run_multi_value}
    PASS_ENVIRONMENT
    MAP)
  set(multi_stage_add_artifact_option
    ALWAYS)
  set(multi_stage_add_artifact_required
    FROM
    PATH
    DESTINATION)
  set(multi_stage_add_artifact_one_value
    FROM
    DESTINATION)
  set(multi_stage_add_artifact_multi_value
    PATH)
  set(multi_stage_add_compile_commands_required "")
  set(multi_stage_add_compile_commands_one_value
    FROM
    PATH
    DESTINATION)
  set(multi_stage_add_compile_commands_multi_value
    MAP)
  foreach(kind IN ITEMS option required one_value multi_value)
    set(${kind} "${${function}_${kind}}" PARENT_SCOPE)
  endforeach()
endfunction()

# Sets `out` to the public functions.
function(_MultiStageBuild_functions out)
  set(${out}
    multi_stage_build
    multi_stage_add_stage
    multi_stage_add_test
    multi_stage_test_launcher
    multi_stage_add_artifact
    multi_stage_add_compile_commands
    PARENT_SCOPE)
endfunction()

# Warns of words in the lists of a call that a keyword was probably meant by: one of another of the
# functions, or nearly one. Few words of a command are in capitals, and a short one without '_' only
# counts in the midst of others: `printenv PATH && make` has none. `words` are encoded.
function(_MultiStageBuild_warn_of_swallowed caller words one_value multi_value)
  set(list "")
  set(is_first TRUE)
  list(APPEND words "%00")
  list(LENGTH words count)
  math(EXPR last "${count} - 2")
  foreach(i RANGE 0 ${last})
    list(GET words ${i} word)
    if(word IN_LIST one_value OR word IN_LIST multi_value)
      string(CONCAT list "${word}")  # with set() it could not be CACHE
      set(is_first TRUE)
      continue()
    endif()
    if(list IN_LIST multi_value AND NOT is_first AND word MATCHES "^[A-Z][A-Z_-]+$")
      math(EXPR next "${i} + 1")
      list(GET words ${next} next)
      set(is_last FALSE)
      if(next MATCHES "^(%00|&&|\\|\\|?)$" OR next IN_LIST one_value OR next IN_LIST multi_value)
        set(is_last TRUE)
      endif()
      _MultiStageBuild_meant_keyword(meant "${caller}" "${word}" ${is_last})
      if(meant)
        _MultiStageBuild_warn_of_word("${caller}" "${word}" "${list}" "${meant}")
      endif()
    endif()
    set(is_first FALSE)
    if(word MATCHES "^(&&|\\|\\|?)$")
      set(is_first TRUE)
    endif()
  endforeach()
endfunction()

function(_MultiStageBuild_warn_of_word caller word list meant)
  set(hint "with -Wno-dev CMake keeps this to itself")
  if(list MATCHES "COMMAND$")
    set(hint "where it is meant like that, write the whole command as one quoted argument")
  endif()
  message(AUTHOR_WARNING "${caller}: '${word}' is not a keyword of this function and becomes a part of ${list}\n"
    "  Meant, perhaps: ${meant}\n"
    "  Hint: ${hint}\n")
endfunction()

# What may be meant by a word in capitals, "" for what it says. `is_last` when no word of its list
# follows.
function(_MultiStageBuild_meant_keyword out caller word is_last)
  set(${out} "" PARENT_SCOPE)
  string(LENGTH "${word}" length)
  if(is_last AND NOT word MATCHES "_")
    return()
  endif()
  _MultiStageBuild_functions(functions)
  foreach(function IN LISTS functions)
    _MultiStageBuild_keywords(${function})
    if(word IN_LIST option OR word IN_LIST one_value OR word IN_LIST multi_value)
      set(${out} "${word} of ${function}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  if(length LESS 5)
    return()
  endif()
  string(REPLACE "-" "_" word "${word}")
  _MultiStageBuild_keywords(${caller})
  foreach(keyword IN LISTS option one_value multi_value)
    _MultiStageBuild_is_slip(is_slip "${word}" "${keyword}")
    if(is_slip)
      set(${out} "${keyword}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

# Whether a word differs from a keyword by a letter that is missing, wrong or too many, or by two
# that changed places.
function(_MultiStageBuild_is_slip out word keyword)
  # Two letters more than there are, so that there are two at the first difference.
  set(word "${word}..")
  set(keyword "${keyword}..")
  string(SUBSTRING "${word}" 0 1 a)
  string(SUBSTRING "${keyword}" 0 1 b)
  while(a STREQUAL b AND NOT a STREQUAL ".")
    string(SUBSTRING "${word}" 1 -1 word)
    string(SUBSTRING "${keyword}" 1 -1 keyword)
    string(SUBSTRING "${word}" 0 1 a)
    string(SUBSTRING "${keyword}" 0 1 b)
  endwhile()
  foreach(variable IN ITEMS word keyword)
    string(SUBSTRING "${${variable}}" 1 1 ${variable}_second)
    string(SUBSTRING "${${variable}}" 1 -1 ${variable}_rest)
    string(SUBSTRING "${${variable}}" 2 -1 ${variable}_end)
  endforeach()
  set(${out} FALSE PARENT_SCOPE)
  if("x${word_rest}" STREQUAL "x${keyword_rest}" OR "x${word_rest}" STREQUAL "x${keyword}"
      OR "x${word}" STREQUAL "x${keyword_rest}"
      OR "x${word_second}${a}${word_end}" STREQUAL "x${keyword}")
    set(${out} TRUE PARENT_SCOPE)
  endif()
endfunction()
