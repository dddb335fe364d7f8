# Texts that survive CMake: list elements, shell words, JSON strings.
#
# A CMake list is one string cut at each ';', but not inside of [ ] and not behind a backslash. A
# command such as `[ -f "a;b" ] && echo C:\` cannot go through it unharmed. So every argument of a
# public function is *encoded* before anything else happens, lists hold encoded elements only, and
# what leaves (a plan, a message, a command line) is decoded. Encoded text has none of ; [ ] \ and
# is never empty.

include_guard(GLOBAL)

function(_MultiStageBuild_encode out text)
  if(text STREQUAL "")
    set(${out} "%00" PARENT_SCOPE)
    return()
  endif()
  string(REPLACE "%" "%25" text "${text}")
  string(REPLACE ";" "%3B" text "${text}")
  string(REPLACE "[" "%5B" text "${text}")
  string(REPLACE "]" "%5D" text "${text}")
  string(REPLACE "\\" "%5C" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

function(_MultiStageBuild_decode out text)
  string(REPLACE "%00" "" text "${text}")
  string(REPLACE "%5C" "\\" text "${text}")
  string(REPLACE "%5D" "]" text "${text}")
  string(REPLACE "%5B" "[" text "${text}")
  string(REPLACE "%3B" ";" text "${text}")
  string(REPLACE "%25" "%" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# `text` as one word of a POSIX shell command line; plain words stay as they are.
function(_MultiStageBuild_shell_word out text)
  if(NOT text MATCHES "^[A-Za-z0-9_@%+=:,./-]+$")
    string(REPLACE "'" "'\\''" text "${text}")
    set(text "'${text}'")
  endif()
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# The command line that an encoded list stands for; "" when there is nothing to run.
function(_MultiStageBuild_command_line out encoded_words)
  list(LENGTH encoded_words count)
  if(count EQUAL 1)
    _MultiStageBuild_decode(line "${encoded_words}")
    string(STRIP "${line}" stripped)
    if(stripped STREQUAL "")
      set(line "")
    endif()
    set(${out} "${line}" PARENT_SCOPE)
    return()
  endif()
  set(line "")
  set(separator "")
  foreach(word IN LISTS encoded_words)
    _MultiStageBuild_decode(word "${word}")
    if(NOT word MATCHES "^(&&|\\|\\|?)$")
      _MultiStageBuild_shell_word(word "${word}")
    endif()
    string(APPEND line "${separator}${word}")
    set(separator " ")
  endforeach()
  set(${out} "${line}" PARENT_SCOPE)
endfunction()

# Whether `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above
# U+10FFFF). CMake's regular expressions know no byte classes, so this looks at the hexadecimal
# digits.
function(_MultiStageBuild_is_utf8 out text)
  set(${out} TRUE PARENT_SCOPE)
  if(text MATCHES "^[\t\n\r -~]*$")
    return()
  endif()
  string(HEX "${text}" bytes)
  string(REGEX REPLACE "(..)" "\\1 " bytes "${bytes}")
  set(tail "[89ab]. ")
  set(forms
    "[0-7]. "
    "(c[2-9a-f]|d.) ${tail}"
    "e0 [ab]. ${tail}"
    "(e[1-9abcef]) ${tail}${tail}"
    "ed [89]. ${tail}"
    "f0 [9ab]. ${tail}${tail}"
    "f[123] ${tail}${tail}${tail}"
    "f4 8. ${tail}${tail}")
  string(REPLACE ";" "|" forms "${forms}")
  # One pass without a second look: what one match leaves behind cannot join up with what another
  # does.
  string(REGEX REPLACE "${forms}" "" rest "${bytes}")
  if(NOT rest STREQUAL "")
    set(${out} FALSE PARENT_SCOPE)
  endif()
endfunction()

# `text`, which must be UTF-8, as a JSON string with its quotes.
function(_MultiStageBuild_json_string out text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n" text "${text}")
  string(REPLACE "\t" "\\t" text "${text}")
  string(REPLACE "\r" "\\r" text "${text}")
  # Only printable ASCII and bytes of a multi-byte character left? Then the loop below, 31
  # replacements, has nothing to do.
  string(ASCII 1 first_control)
  string(ASCII 31 last_control)
  if(text MATCHES "[${first_control}-${last_control}]")
    foreach(code RANGE 1 31)
      string(ASCII ${code} control)
      math(EXPR digits "${code} + 0x10000" OUTPUT_FORMAT HEXADECIMAL)
      string(SUBSTRING "${digits}" 3 4 digits)
      string(REPLACE "${control}" "\\u${digits}" text "${text}")
    endforeach()
  endif()
  set(${out} "\"${text}\"" PARENT_SCOPE)
endfunction()

# A JSON array of strings from an encoded list.
function(_MultiStageBuild_json_array out encoded_elements)
  set(json "")
  set(separator "")
  foreach(element IN LISTS encoded_elements)
    _MultiStageBuild_decode(element "${element}")
    _MultiStageBuild_json_string(element "${element}")
    string(APPEND json "${separator}${element}")
    set(separator ", ")
  endforeach()
  set(${out} "[${json}]" PARENT_SCOPE)
endfunction()

# A JSON object from an encoded list of K=V; a later K wins.
function(_MultiStageBuild_json_environment out encoded_entries)
  set(names "")
  foreach(entry IN LISTS encoded_entries)
    _MultiStageBuild_decode(entry "${entry}")
    string(FIND "${entry}" "=" split)
    string(SUBSTRING "${entry}" 0 ${split} name)
    math(EXPR split "${split} + 1")
    string(SUBSTRING "${entry}" ${split} -1 value)
    list(APPEND names "${name}")
    _MultiStageBuild_json_string(value_of_${name} "${value}")
  endforeach()
  list(REMOVE_DUPLICATES names)
  list(SORT names)
  set(json "")
  set(separator "")
  foreach(name IN LISTS names)
    string(APPEND json "${separator}\"${name}\": ${value_of_${name}}")
    set(separator ", ")
  endforeach()
  set(${out} "{${json}}" PARENT_SCOPE)
endfunction()

function(_MultiStageBuild_json_bool out value)
  if(value)
    set(${out} true PARENT_SCOPE)
  else()
    set(${out} false PARENT_SCOPE)
  endif()
endfunction()
