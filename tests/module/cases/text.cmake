# Encoding, quoting and JSON, without a project.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")
include("${MODULE_DIR}/MultiStageBuild/Text.cmake")

string(ASCII 1 2 8 27 31 127 controls)
set(count 0)
foreach(sample IN ITEMS
    [==[plain]==] [==[two words]==] [==[a;b]==] [==[[]==] [==[]]==] [==[x[1;2]y]==] [==[C:\]==] [==[\;]==]
    [==[a\\nb]==]
    [==["quoted"]==] [==[it's]==] [==[$HOME $(id) `id` ${x} $ENV{y}]==] [==[#no comment]==] [==[100%25 %3B %00]==]
    [==[ü € 😀]==] [==[* ? ~ ! & | < > ( ) { }]==] "two\nlines" "tab\there" "\r" "${controls}" " " "-n" "@x@"
    "[a;b" "ends in a backslash\\")
  set(sample_${count} "${sample}")
  math(EXPR count "${count} + 1")
endforeach()
math(EXPR last "${count} - 1")

set(all "")
set(json_lines "")
foreach(i RANGE ${last})
  set(sample "${sample_${i}}")
  _MultiStageBuild_encode(encoded "${sample}")
  _MultiStageBuild_decode(decoded "${encoded}")
  expect_equal("decoding sample ${i}" "${decoded}" "${sample}")
  if(encoded MATCHES "[];\\[]" OR encoded STREQUAL "")
    fail("sample ${i} is encoded as '${encoded}'")
  endif()
  list(APPEND all "${encoded}")

  _MultiStageBuild_json_string(json "${sample}")
  string(JSON back GET "[${json}]" 0)
  expect_equal("JSON of sample ${i}, read by CMake" "${back}" "${sample}")

  _MultiStageBuild_shell_word(word "${sample}")
  execute_process(COMMAND sh -c "printf %s ${word}" OUTPUT_VARIABLE back RESULT_VARIABLE result)
  expect_equal("shell word of sample ${i}: '${word}'" "${back}" "${sample}")
endforeach()

# As a list, by another JSON reader and by the shell.
list(LENGTH all length)
expect_equal("elements of the encoded list" "${length}" "${count}")
_MultiStageBuild_json_array(json "${all}")
file(WRITE "${WORK_DIR}/all.json" "${json}")
set(hex "")
foreach(i RANGE ${last})
  string(HEX "${sample_${i}}" bytes)
  string(APPEND hex "${bytes}\n")
endforeach()
run("JSON, read by Python" OUTPUT back COMMAND "${PYTHON}" -c
  "import json,sys\nfor s in json.load(open(sys.argv[1], encoding='utf-8')): print(s.encode().hex())"
  "${WORK_DIR}/all.json")
expect_equal("JSON, read by Python" "${back}" "${hex}")
_MultiStageBuild_encode(program printf)
_MultiStageBuild_encode(format "<%s>\\n")
_MultiStageBuild_command_line(line "${program};${format};${all}")
set(expected "")
foreach(i RANGE ${last})
  string(APPEND expected "<${sample_${i}}>\n")
endforeach()
execute_process(COMMAND sh -c "${line}" OUTPUT_VARIABLE back)
expect_equal("words of a command line" "${back}" "${expected}")

# Command lines.
function(expect_line expected)
  set(words "")
  math(EXPR last "${ARGC} - 1")
  foreach(i RANGE 1 ${last})
    _MultiStageBuild_encode(word "${ARGV${i}}")
    list(APPEND words "${word}")
  endforeach()
  _MultiStageBuild_command_line(line "${words}")
  expect_equal("command line" "${line}" "${expected}")
endfunction()
expect_line("make -j2 'a b'" make -j2 "a b")
expect_line("make -j$(nproc) > log; x" "make -j$(nproc) > log; x")
expect_line("a && b || c | d" a && b || c | d)
expect_line("a '&' '&&&' '>' b" a & &&& > b)
expect_line("X=1 a ''" X=1 a "")
expect_line("" "")
expect_line("" " \t")

# Environments: sorted, the last of a name wins, any text for a value.
_MultiStageBuild_encode(odd "B=x;[\"=\\")
_MultiStageBuild_json_environment(json "Z=1;${odd};A=;Z=2")
expect_equal("environment" "${json}" [==[{"A": "", "B": "x;[\"=\\", "Z": "2"}]==])
_MultiStageBuild_json_environment(json "")
expect_equal("no environment" "${json}" "{}")

# UTF-8: one text of each form, then what is cut short, overlong, a surrogate, or beyond Unicode.
foreach(codes IN ITEMS "97" "195 164" "226 130 172" "240 159 152 128" "244 143 191 191" "237 159 191" "238 128 128")
  string(REPLACE " " ";" codes "${codes}")
  string(ASCII ${codes} text)
  _MultiStageBuild_is_utf8(good "a${text}b\n")
  expect_equal("bytes ${codes} are UTF-8" "${good}" TRUE)
endforeach()
foreach(codes IN ITEMS "128" "195" "195 40" "226 130" "226 40 172" "192 128" "224 159 191" "237 160 128"
    "240 143 191 191" "244 144 128 128" "245 128 128 128" "255" "195 226 130 172 164")
  string(REPLACE " " ";" codes "${codes}")
  string(ASCII ${codes} text)
  _MultiStageBuild_is_utf8(good "a${text}b\n")
  expect_equal("bytes ${codes} are UTF-8" "${good}" FALSE)
endforeach()

passed()
