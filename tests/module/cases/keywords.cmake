# Words that look like keywords in the lists of others: a warning where one was probably meant, and
# silence elsewhere.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

set(pipeline "multi_stage_build(app SOURCE .. INSTALL_COMMAND \"\" BUILD_COMMAND b TEST_COMMAND \"\")\n")

# expect_warning(<call> <word> <list> <meant>): the call does what it says, but warns.
function(expect_warning call word list meant)
  write_project(words "${pipeline}${call}")
  configure(words STDERR
    "^CMake Warning [^\n]*\n  multi_stage_[a-z_]+: '${word}' is not a keyword of this function and[ \n]+becomes[ \n]+a[ \n]+part[ \n]+of[ \n]+${list}\n+    Meant, perhaps: ${meant}\n")
endfunction()
set(build "multi_stage_build(other SOURCE .. INSTALL_COMMAND a TEST_COMMAND t BUILD_COMMAND")
expect_warning("${build} make CHECKPOINT x)" CHECKPOINT BUILD_COMMAND "CHECKPOINT of multi_stage_add_stage\n.*one quoted argument")
expect_warning("${build} make FROM setup-base USER me)" FROM BUILD_COMMAND "FROM of multi_stage_add_stage")
expect_warning("multi_stage_build(other SOURCE .. BUILD_COMMAND make INSTAL_COMMAND get deps)"
  INSTAL_COMMAND BUILD_COMMAND INSTALL_COMMAND)
expect_warning("${build} make TSET_COMMAND b)" TSET_COMMAND BUILD_COMMAND TEST_COMMAND)
expect_warning("${build} make BUILD_INPUT)" BUILD_INPUT BUILD_COMMAND BUILD_INPUTS)
expect_warning("${build} make INSTALL_INPUTZ)" INSTALL_INPUTZ BUILD_COMMAND INSTALL_INPUTS)
expect_warning("${build} make ENVIROMENT A=b)" ENVIROMENT BUILD_COMMAND ENVIRONMENT)
expect_warning("${build} make TIMOUT 1s)" TIMOUT BUILD_COMMAND TIMEOUT)
expect_warning("${build} make CACHES /x)" CACHES BUILD_COMMAND CACHE)
expect_warning("${build} make SECRETS a=A)" SECRETS BUILD_COMMAND SECRET)
expect_warning("${build} make INSTALL-USER me)" INSTALL-USER BUILD_COMMAND INSTALL_USER)
expect_warning("multi_stage_build(other SOURCE .. BUILD_COMMAND b EXCLUDE x TIMEOUTS 5)" TIMEOUTS EXCLUDE
  "TIMEOUT\n.*-Wno-dev CMake keeps this to itself")
expect_warning("multi_stage_add_test(app NAME n FROM build-complete COMMAND t BUILD_COMMAND x)" BUILD_COMMAND COMMAND
  "BUILD_COMMAND of multi_stage_build")
expect_warning("multi_stage_add_stage(app s FROM build-complete CHECKPOINT c COMMAND t LABELS slow)" LABELS COMMAND
  "LABELS of multi_stage_add_test")

# It stays in the command.
read_plan(plan words app)
string(JSON command GET "${plan}" stages 1 command)
expect_equal("the command" "${command}" "t LABELS slow")

write_project(silent "multi_stage_build(app SOURCE ..
  INSTALL_COMMAND printenv PATH && LABELS x | LABELS x || echo OK ALL DONE
  BUILD_COMMAND   \"make CHECKPOINT x\"
  TEST_COMMAND    CHECKPOINT DATA_DIR MY_COMMANDS INPUT \"FROM here\" FROM=a
  EXCLUDE         README LICENSE
  ENVIRONMENT     INSTAL_COMMAND=1)
multi_stage_add_test(app NAME n FROM build-complete COMMAND INPUTS)")
configure(silent)

passed()
