# Reading and checking the arguments of the public functions. Everything here either returns or
# stops the configuration: no target, test, property or file exists before a call has passed.

include_guard(GLOBAL)

# A project that builds itself is configured again in its own sandbox, and must not start over
# there. A macro: it returns from the public function that calls it.
macro(_MultiStageBuild_return_in_sandbox)
  if(DEFINED ENV{MSTAGE_STAGE})
    message(STATUS "${CMAKE_CURRENT_FUNCTION}: nothing to do inside of stage '$ENV{MSTAGE_STAGE}'")
    return()
  endif()
endmacro()

# Stops with "<caller>: <what>" and an indented line for each further pair of arguments, a label and
# an operand. CMake reflows plain lines and leaves indented ones alone.
function(_MultiStageBuild_fail caller what)
  set(details "")
  math(EXPR last "${ARGC} - 1")
  if(last GREATER 1)
    foreach(i RANGE 2 ${last} 2)
      math(EXPR next "${i} + 1")
      string(APPEND details "  ${ARGV${i}}: ${ARGV${next}}\n")
    endforeach()
  endif()
  message(FATAL_ERROR "${caller}: ${what}\n${details}")
endfunction()

# Parses the arguments of the public function that calls it, from number `first` on. A macro,
# because the arguments are the caller's ARGV<n>. Leaves arg_<KEYWORD>: plain text for a one-value
# keyword, an encoded list for a multi-value one, undefined when the keyword is absent.
macro(_MultiStageBuild_parse argc first one_value multi_value required)
  set(_MultiStageBuild_words "")
  math(EXPR _MultiStageBuild_last "${argc} - 1")
  foreach(_MultiStageBuild_i RANGE ${_MultiStageBuild_last})
    _MultiStageBuild_encode(ARGV${_MultiStageBuild_i} "${ARGV${_MultiStageBuild_i}}")
    if(NOT _MultiStageBuild_i LESS "${first}")
      list(APPEND _MultiStageBuild_words "${ARGV${_MultiStageBuild_i}}")
    endif()
  endforeach()
  cmake_parse_arguments(PARSE_ARGV ${first} arg "" "${one_value}" "${multi_value}")
  _MultiStageBuild_check_words("${CMAKE_CURRENT_FUNCTION}" "${_MultiStageBuild_words}" "${arg_UNPARSED_ARGUMENTS}"
    "${arg_KEYWORDS_MISSING_VALUES}" "${one_value};${multi_value}")
  foreach(_MultiStageBuild_keyword IN ITEMS ${required})
    if(NOT DEFINED arg_${_MultiStageBuild_keyword})
      _MultiStageBuild_fail("${CMAKE_CURRENT_FUNCTION}" "required keyword is missing"
        Keyword ${_MultiStageBuild_keyword})
    endif()
  endforeach()
  foreach(_MultiStageBuild_keyword IN ITEMS ${one_value})
    if(DEFINED arg_${_MultiStageBuild_keyword})
      _MultiStageBuild_decode(arg_${_MultiStageBuild_keyword} "${arg_${_MultiStageBuild_keyword}}")
    endif()
  endforeach()
endmacro()

function(_MultiStageBuild_check_words caller words leftovers valueless keywords)
  foreach(keyword IN LISTS valueless)
    _MultiStageBuild_fail("${caller}" "keyword without a value" Keyword "${keyword}")
  endforeach()
  foreach(word IN LISTS leftovers)
    _MultiStageBuild_decode(word "${word}")
    _MultiStageBuild_fail("${caller}" "unknown keyword or argument" Argument "'${word}'")
  endforeach()
  set(seen "")
  foreach(word IN LISTS words)
    if(word IN_LIST keywords AND word IN_LIST seen)
      set(hint "")
      if(word MATCHES "COMMAND$")
        set(hint "Hint" "join several commands with '&&', or quote the whole line")
      endif()
      _MultiStageBuild_fail("${caller}" "keyword given twice" Keyword "${word}" ${hint})
    endif()
    list(APPEND seen "${word}")
  endforeach()
  foreach(word IN LISTS words)
    _MultiStageBuild_is_utf8(good "${word}")
    if(NOT good)
      _MultiStageBuild_decode(word "${word}")
      _MultiStageBuild_fail("${caller}" "argument is not UTF-8" Argument "'${word}'")
    endif()
  endforeach()
endfunction()

# The name of a pipeline, stage, checkpoint or test: it becomes part of file and target names.
function(_MultiStageBuild_check_name caller kind name)
  if(NOT name MATCHES "^[A-Za-z0-9_+][A-Za-z0-9_.+-]*$")
    _MultiStageBuild_fail("${caller}" "invalid name" "${kind}" "'${name}'"
      Allowed "letters, digits, '_', '.', '+' and '-', the first of them neither '.' nor '-'")
  endif()
endfunction()

# Checks the options that every command in a sandbox has; "" stands for an absent one, `environment`
# is encoded.
function(_MultiStageBuild_check_run_options caller workdir environment network timeout live)
  if(NOT workdir MATCHES "^(/|$)")
    _MultiStageBuild_fail("${caller}" "not an absolute path in the image" WORKDIR "'${workdir}'")
  endif()
  foreach(entry IN LISTS environment)
    if(NOT entry MATCHES "^[A-Za-z_][A-Za-z0-9_]*=")
      _MultiStageBuild_decode(entry "${entry}")
      _MultiStageBuild_fail("${caller}" "not of the form NAME=VALUE" ENVIRONMENT "'${entry}'")
    endif()
  endforeach()
  foreach(keyword IN ITEMS NETWORK LIVE)
    string(TOLOWER "${keyword}" option)
    if(NOT ${option} MATCHES "^(ON|OFF|)$")
      _MultiStageBuild_fail("${caller}" "neither ON nor OFF" ${keyword} "'${${option}}'")
    endif()
  endforeach()
  if(NOT timeout MATCHES "^(0|[1-9][0-9]*|)$")
    _MultiStageBuild_fail("${caller}" "not a whole number of seconds" TIMEOUT "'${timeout}'")
  endif()
endfunction()

# What a base is called says of what kind it is; whether there is one is seen when it is wanted.
function(_MultiStageBuild_check_base caller base)
  _MultiStageBuild_decode(base "${base}")
  set(hex "[0-9a-fA-F]")
  string(REPEAT "${hex}" 4 four)
  string(REPEAT "${hex}" 8 eight)
  string(REPEAT "${hex}" 12 twelve)
  if(NOT base MATCHES "^(host|tag:.+|debian:.+|rootfs:/.*|${eight}-${four}-${four}-${four}-${twelve}|)$")
    _MultiStageBuild_fail("${caller}" "a base of no known kind" BASE "'${base}'"
      Known "host, tag:<name>, debian:<suite>, rootfs:<absolute path>, or an image's UUID")
  endif()
endfunction()

# The source cannot be put where every sandbox has a file system of its own.
function(_MultiStageBuild_check_source_place caller workdir)
  if(workdir MATCHES "^/(dev|proc|run|sys|tmp)(/|$)")
    _MultiStageBuild_fail("${caller}" "not a place for the source: it is the sandbox's own" WORKDIR "'${workdir}'")
  endif()
endfunction()

# The encoded patterns of the keyword INPUTS (or its like) as JSON: null, all of the source, when
# the keyword is absent; [] for NONE.
function(_MultiStageBuild_inputs_json caller out keyword patterns)
  if(patterns STREQUAL "")
    set(${out} "null" PARENT_SCOPE)
    return()
  endif()
  if("NONE" IN_LIST patterns)
    list(REMOVE_ITEM patterns NONE)
    foreach(pattern IN LISTS patterns)
      _MultiStageBuild_decode(pattern "${pattern}")
      _MultiStageBuild_fail("${caller}" "NONE together with a pattern" ${keyword} "'${pattern}'")
    endforeach()
  endif()
  _MultiStageBuild_check_patterns("${caller}" ${keyword} "${patterns}")
  _MultiStageBuild_json_array(json "${patterns}")
  set(${out} "${json}" PARENT_SCOPE)
endfunction()

function(_MultiStageBuild_check_patterns caller keyword patterns)
  if("%00" IN_LIST patterns)
    _MultiStageBuild_fail("${caller}" "empty pattern" Keyword ${keyword})
  endif()
endfunction()

# The command line of an encoded command that must not be empty.
function(_MultiStageBuild_required_command caller out command)
  _MultiStageBuild_command_line(line "${command}")
  if(line STREQUAL "")
    _MultiStageBuild_fail("${caller}" "empty command" Keyword COMMAND)
  endif()
  set(${out} "${line}" PARENT_SCOPE)
endfunction()

# The directory SOURCE, absolute; the caller's own by default.
function(_MultiStageBuild_source caller out source)
  get_filename_component(path "${source}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
  if(NOT IS_DIRECTORY "${path}")
    _MultiStageBuild_fail("${caller}" "no such directory" SOURCE "'${path}'")
  endif()
  set(${out} "${path}" PARENT_SCOPE)
endfunction()

# The variables that a project may set, besides that for the helper.
function(_MultiStageBuild_check_variables caller)
  if(MSTAGE_STORE AND NOT IS_ABSOLUTE "${MSTAGE_STORE}")
    _MultiStageBuild_fail("${caller}" "not an absolute path" MSTAGE_STORE "'${MSTAGE_STORE}'")
  endif()
  if(NOT "${MSTAGE_ENGINE}" MATCHES "^(local|contree|)$")
    _MultiStageBuild_fail("${caller}" "no such engine" MSTAGE_ENGINE "'${MSTAGE_ENGINE}'" Known "local, contree")
  endif()
endfunction()
