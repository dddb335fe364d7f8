# Every mistake in the arguments stops the configuration with the function's name, what is wrong and
# the operand, and before anything was made.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

# expect_error(<CMake code> <wrong call> <regex for the message>): the call stops at its first
# error, before it makes anything: the commands that could do so complain, which the regex would
# meet first.
function(expect_error code call message)
  write_project(wrong "set(good SOURCE .. INSTALL_COMMAND a BUILD_COMMAND b)
include(../latin1.cmake)
${code}
foreach(command IN ITEMS add_custom_target add_custom_command add_test set_property file)
  cmake_language(EVAL CODE \"function(\${command})\n  message(\\\"SIDE EFFECT: \${command}\\\")\nendfunction()\")
endforeach()
${call}")
  configure(wrong RESULT "^1$" STDERR "^CMake Error at [^\n]*\n  ${message}" OUTPUT ignored)
  file(REMOVE_RECURSE "${WORK_DIR}/wrong-build")
endfunction()

file(MAKE_DIRECTORY "${WORK_DIR}/empty")
file(WRITE "${WORK_DIR}/latin1.cmake" "set(latin1 \"caf")
string(ASCII 233 e)
file(APPEND "${WORK_DIR}/latin1.cmake" "${e}\")\n")

# multi_stage_build()
foreach(pair IN ITEMS
    [==[COMMNAD x|unknown keyword or argument.*Argument: 'COMMNAD']==]
    [==[.. SOURCE ..|unknown keyword or argument.*Argument: '\.\.']==]
    [==[SOURCE .. two|unknown keyword or argument.*Argument: 'two']==]
    [==[BASE|keyword without a value.*Keyword: BASE]==]
    [==[INSTALL_COMMAND BUILD_COMMAND b|keyword without a value.*Keyword: INSTALL_COMMAND]==]
    [==[BASE a BASE b|keyword given twice.*Keyword: BASE]==]
    [==[BUILD_COMMAND a BUILD_COMMAND b|keyword given twice.*Keyword: BUILD_COMMAND.*Hint: .*&&]==]
    [==[${good} WORKDIR app|not an absolute path in the image.*WORKDIR: 'app']==]
    [==[${good} WORKDIR /tmp/app|not a place for the source.*WORKDIR: '/tmp/app']==]
    [==[${good} WORKDIR //tmp/app|not a place for the source.*WORKDIR: '/tmp/app']==]
    [==[${good} WORKDIR /usr/../run//|not a place for the source.*WORKDIR: '/run']==]
    [==[${good} BASE debain:bookworm|a base of no known kind.*BASE: 'debain:bookworm']==]
    [==[${good} BASE rootfs:|a base of no known kind.*BASE: 'rootfs:']==]
    [==[${good} BASE oci::tag|a base of no known kind.*BASE: 'oci::tag']==]
    [==[${good} BASE debian:bookworm+|not of the form debian:.*BASE: 'debian:bookworm\+']==]
    [==[${good} BASE debian:bookworm+gcc+|not of the form debian:.*BASE: 'debian:bookworm\+gcc\+']==]
    [==[${good} BASE debian:bookworm++gcc|not of the form debian:.*BASE: 'debian:bookworm\+\+gcc']==]
    [==[${good} BASE docker://|a base of no known kind.*BASE: 'docker://']==]
    [==[${good} BASE docker://me:secret@example.org/a|a user's name or password.*Keyword: BASE.*skopeo login]==]
    [==[${good} ENVIRONMENT A=1 "B C=2"|not of the form NAME=VALUE.*ENVIRONMENT: 'B C=2']==]
    [==[${good} ENVIRONMENT "a;b"|not of the form NAME=VALUE.*ENVIRONMENT: 'a;b']==]
    [==[${good} ENVIRONMENT =x|not of the form NAME=VALUE.*ENVIRONMENT: '=x']==]
    [==[${good} NETWORK maybe|neither ON nor OFF.*NETWORK: 'maybe']==]
    [==[${good} LIVE 2|neither ON nor OFF.*LIVE: '2']==]
    [==[${good} TIMEOUT -1|not a time: a whole number of seconds.*TIMEOUT: '-1']==]
    [==[${good} TIMEOUT 5min|not a time: a whole number of seconds.*TIMEOUT: '5min']==]
    [==[${good} TIMEOUT 05|not a time: a whole number of seconds.*TIMEOUT: '05']==]
    [==[${good} USER "a b"|not of the form USER, UID.*USER: 'a b']==]
    [==[${good} TIMEOUT h|not a time: a whole number of seconds.*TIMEOUT: 'h']==]
    [==[${good} TIMEOUT 9999999999h|not a time: a whole number of seconds.*TIMEOUT: '9999999999h']==]
    [==[${good} USER ""|not of the form USER, UID.*USER: '']==]
    [==[${good} INSTALL_USER ""|not of the form USER, UID.*INSTALL_USER: '']==]
    [==[${good} SECRET hunter2|not of the form <id>=<source>.*Keyword: SECRET.*Allowed: in ids]==]
    [==[${good} SECRET .a=A|not of the form <id>=<source>.*Keyword: SECRET]==]
    [==[${good} SECRET a/b=A|not of the form <id>=<source>.*Keyword: SECRET]==]
    [==[${good} SECRET a=A a=B|two secrets with one id.*SECRET: 'a']==]
    [==[${good} SECRET a=|neither an environment variable nor a file.*SECRET: 'a'.*Known: env:<name>]==]
    [==[${good} SECRET a=my-token|neither an environment variable nor a file.*SECRET: 'a']==]
    [==[${good} SECRET a=env:x/y|neither an environment variable nor a file.*SECRET: 'a']==]
    [==[SOURCE ../empty BUILD_COMMAND b INSTALL_USER root|INSTALL_USER without INSTALL_COMMAND]==]
    [==[${good} USER a:b:c|not of the form USER, UID.*USER: 'a:b:c']==]
    [==[${good} USER a:|not of the form USER, UID.*USER: 'a:']==]
    [==[${good} CACHE cache|not an absolute path in the image.*CACHE: 'cache']==]
    [==[${good} CACHE ""|not an absolute path in the image.*CACHE: '']==]
    [==[${good} CACHE /a/../b|not an absolute path in the image, without '\.\.'.*CACHE: '/a/\.\./b']==]
    [==[${good} CACHE /|not a place for a cache.*CACHE: '/']==]
    [==[${good} CACHE //|not a place for a cache.*CACHE: '//']==]
    [==[${good} CACHE /proc|not a place for a cache.*CACHE: '/proc']==]
    [==[${good} CACHE /dev/shm|not a place for a cache.*CACHE: '/dev/shm']==]
    [==[${good} CACHE /tmp|not a place for a cache.*CACHE: '/tmp']==]
    [==[${good} CACHE /a /b /a/|two caches at one place.*CACHE: '/a']==]
    [==[${good} CACHE /a,id=x /b,id=x|two caches with one id.*CACHE: '/b,id=x'.*Id: 'x']==]
    [==[${good} CACHE /a,sharing=none|not an option of a cache.*CACHE: '/a,sharing=none'.*Known: sharing=shared]==]
    [==[${good} CACHE /a,sharing=locked,id=x,sharing=shared|option 'sharing' given twice.*CACHE: '/a,sharing]==]
    [==[${good} CACHE /a,id=x,id=x|option 'id' given twice.*CACHE: '/a,id=x,id=x']==]
    [==[${good} CACHE /b /app/|the cache would hide the source.*CACHE: '/app/'.*WORKDIR: '/app']==]
    [==[${good} WORKDIR /srv/./a/ CACHE /srv,id=a|the cache would hide the source.*CACHE: '/srv,id=a'.*WORKDIR: '/srv/a']==]
    [==[${good} CACHE /a,id=.x|not an option of a cache.*CACHE: '/a,id=\.x']==]
    [==[${good} CACHE /a,id=a/b|not an option of a cache.*CACHE: '/a,id=a/b']==]
    [==[${good} INSTALL_INPUTS NONE a|NONE together with a pattern.*INSTALL_INPUTS: 'a']==]
    [==[${good} BUILD_INPUTS a NONE|NONE together with a pattern.*BUILD_INPUTS: 'a']==]
    [==[${good} BUILD_INPUTS ""|empty pattern.*Keyword: BUILD_INPUTS]==]
    [==[${good} EXCLUDE ""|empty pattern.*Keyword: EXCLUDE]==]
    [==[SOURCE missing BUILD_COMMAND b|no such directory.*SOURCE: '[^']*/wrong/missing']==]
    [==[SOURCE CMakeLists.txt BUILD_COMMAND b|no such directory.*SOURCE: '[^']*/wrong/CMakeLists.txt']==]
    [==[SOURCE ../empty|no command given, and the source is of no kind.*SOURCE: '[^']*/empty'.*package\.json]==]
    [==[SOURCE ../empty BUILD_COMMAND b INSTALL_INPUTS x|INSTALL_INPUTS without INSTALL_COMMAND]==]
    [==[SOURCE ../empty TEST_COMMAND t BUILD_INPUTS x|BUILD_INPUTS without BUILD_COMMAND]==]
    [==[BUILD_COMMAND "${latin1}"|argument is not UTF-8]==])
  string(REGEX MATCH "^([^|]*)\\|(.*)$" matched "${pair}")
  set(arguments "${CMAKE_MATCH_1}")
  expect_error("" "multi_stage_build(wrong ${arguments})" "multi_stage_build: ${CMAKE_MATCH_2}")
endforeach()
expect_error("set(MSTAGE_STORE images)" "multi_stage_build(wrong \${good})"
  "multi_stage_build: not an absolute path.*MSTAGE_STORE: 'images'")

expect_error("set(MSTAGE_ENGINE docker)" "multi_stage_build(wrong \${good})"
  "multi_stage_build: no such engine.*MSTAGE_ENGINE: 'docker'.*Known: local, contree")

# The others, on a pipeline that is there.
set(pipeline "multi_stage_build(late SOURCE .. INSTALL_COMMAND \"\" BUILD_COMMAND b TEST_COMMAND \"\")\n")
foreach(pair IN ITEMS
    [==[stage|late docs|required keyword is missing.*Keyword: FROM]==]
    [==[stage|late docs FROM setup-base COMMAND a|required keyword is missing.*Keyword: CHECKPOINT]==]
    [==[stage|late docs FROM setup-base CHECKPOINT c|required keyword is missing.*Keyword: COMMAND]==]
    [==[stage|late docs FROM setup-base CHECKPOINT c COMMAND ""|empty command]==]
    [==[stage|late docs FROM setup-base CHECKPOINT c COMMAND a COMMAND b|keyword given twice.*Keyword: COMMAND]==]
    [==[stage|late docs FROM setup-base CHECKPOINT c SOURCE x COMMAND a|unknown keyword.*Argument: 'SOURCE']==]
    [==[stage|none docs FROM setup-base CHECKPOINT c COMMAND a|no such pipeline.*Pipeline: 'none'.*Known: late]==]
    [==[stage|late docs FROM deps-installed CHECKPOINT c COMMAND a|no such checkpoint.*Known: .*build-complete]==]
    [==[stage|late docs FROM setup-base CHECKPOINT c COMMAND a INPUTS NONE x|NONE together with a pattern]==]
    [==[stage|late docs FROM setup-base CHECKPOINT c COMMAND a TIMEOUT x|not a time: a whole number of seconds]==]
    [==[stage|late docs FROM setup-base CHECKPOINT c COMMAND a LIVE maybe|neither ON nor OFF]==]
    [==[test|late|required keyword is missing.*Keyword: NAME]==]
    [==[test|late NAME n|required keyword is missing.*Keyword: FROM]==]
    [==[test|late NAME n FROM build-complete|required keyword is missing.*Keyword: COMMAND]==]
    [==[test|late NAME n FROM build-complete COMMAND ""|empty command]==]
    [==[test|late NAME n FROM nowhere COMMAND a|no such checkpoint.*FROM: 'nowhere']==]
    [==[test|late NAME n FROM build-complete COMMAND a WORKDIR x|not an absolute path in the image]==]
    [==[stage|late docs FROM setup-base CHECKPOINT c COMMAND a CACHE x|not an absolute path in the image]==]
    [==[stage|late docs FROM setup-base CHECKPOINT c COMMAND a USER :x|not of the form USER, UID]==]
    [==[test|late NAME n FROM build-complete COMMAND a CACHE x|not an absolute path in the image]==]
    [==[stage|late docs FROM setup-base CHECKPOINT c COMMAND a CACHE /app|the cache would hide the source]==]
    [==[test|late NAME n FROM build-complete COMMAND a WORKDIR /x CACHE /app|the cache would hide the source]==]
    [==[stage|late docs FROM setup-base CHECKPOINT c COMMAND a COPY setup-base:/a=rel|the destination is not an absolute path.*COPY: 'setup-base:/a=rel']==]
    [==[test|late NAME n FROM build-complete COMMAND a USER :x|not of the form USER, UID]==]
    [==[test|late NAME n FROM build-complete COMMAND a PROCESSORS 0|not a number of processors.*PROCESSORS: '0']==]
    [==[test|late NAME n FROM build-complete COMMAND a PROCESSORS many|not a number of processors]==]
    [==[test|late NAME n FROM build-complete COMMAND a REPEAT 0|not a number of runs.*REPEAT: '0']==]
    [==[test|late NAME n FROM build-complete COMMAND a REPEAT 100000|not a number of runs.*REPEAT: '100000']==]
    [==[test|late n FROM build-complete COMMAND a|unknown keyword or argument.*Argument: 'n']==]
    [==[test|none NAME n FROM build-complete COMMAND a|no such pipeline]==]
    [==[artifact|late PATH /a DESTINATION d|required keyword is missing.*Keyword: FROM]==]
    [==[artifact|late FROM build-complete DESTINATION d|required keyword is missing.*Keyword: PATH]==]
    [==[artifact|late FROM build-complete PATH /a|required keyword is missing.*Keyword: DESTINATION]==]
    [==[artifact|late FROM build-complete PATH /a dist DESTINATION d|not an absolute path in the image.*PATH: 'dist']==]
    [==[artifact|late FROM build-complete PATH /a DESTINATION ""|empty path.*Keyword: DESTINATION]==]
    [==[artifact|late FROM setup-base PATH /a DESTINATION d ALWAYS|ALWAYS is for what a stage.s command leaves.*FROM: .setup-base]==]
    [==[artifact|late FROM nowhere PATH /a DESTINATION d|no such checkpoint]==]
    [==[artifact|none FROM build-complete PATH /a DESTINATION d|no such pipeline]==])
  string(REGEX MATCH "^([^|]*)\\|([^|]*)\\|(.*)$" matched "${pair}")
  set(function "multi_stage_add_${CMAKE_MATCH_1}")
  expect_error("${pipeline}" "${function}(${CMAKE_MATCH_2})" "${function}: ${CMAKE_MATCH_3}")
endforeach()
foreach(pair IN ITEMS
    [==[late|required keyword is missing.*Keyword: FROM]==]
    [==[none FROM build-complete|no such pipeline]==]
    [==[late FROM nowhere|no such checkpoint.*FROM: 'nowhere']==]
    [==[late FROM build-complete COMMAND a|unknown keyword or argument.*Argument: 'COMMAND']==]
    [==[late FROM build-complete MAP build=/x|not of the form <absolute path>=<absolute path>.*MAP: 'build=/x']==]
    [==[late FROM build-complete PASS_ENVIRONMENT A=1|not the name of a variable.*PASS_ENVIRONMENT: 'A=1']==]
    [==[late FROM build-complete ENVIRONMENT "A=x;y"|a test launcher is a list of CMake's.*Word: 'A=x;y']==]
    [==[late FROM build-complete CACHE /app|the cache would hide the source]==]
    [==[late FROM build-complete TIMEOUT x|not a time]==])
  string(REGEX MATCH "^([^|]*)\\|(.*)$" matched "${pair}")
  expect_error("${pipeline}" "multi_stage_test_launcher(${CMAKE_MATCH_1})" "multi_stage_test_launcher: ${CMAKE_MATCH_2}")
endforeach()
expect_error("" "multi_stage_add_stage(late docs FROM a COMMAND b CHECKPOINT c)"
  "multi_stage_add_stage: no such pipeline.*Known: none; multi_stage_build")

# Where CMake itself makes no commands.
foreach(character IN ITEMS "#" "<" ">")
  write_project("odd${character}" "multi_stage_build(app BUILD_COMMAND b)")
  configure("odd${character}" RESULT "^1$" STDERR
    "^CMake Error at [^\n]*\n  multi_stage_build: CMake takes no '#', '<' or '>' in a build tree's path\n+    Build tree: '[^\n]*/odd${character}-build'\n[^E]*$")
endforeach()

# After the end of the top-level CMakeLists.txt, when the plans are written.
write_project(late "${pipeline}
function(add_too_late)
  multi_stage_add_stage(late docs FROM setup-base COMMAND a CHECKPOINT docs-built)
endfunction()
cmake_language(DEFER CALL add_too_late)")
configure(late RESULT "^1$" STDERR "multi_stage_add_stage: too late")

passed()
