# Names: what is allowed, what is taken, what is reserved.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

# expect_rejected(<CMake code> <regex for the message>), after a pipeline `app` with both
# checkpoints and a test.
function(expect_rejected code message)
  write_project(names "add_custom_target(app.taken)
multi_stage_build(app SOURCE .. INSTALL_COMMAND a BUILD_COMMAND b TEST_COMMAND c)
multi_stage_add_stage(app docs FROM setup-base COMMAND a CHECKPOINT docs-built)
multi_stage_add_test(app NAME unit FROM setup-base COMMAND a)
${code}")
  configure(names RESULT "^1$" STDERR "^CMake Error at [^\n]*\n  ${message}" OUTPUT ignored)
endfunction()

foreach(name IN ITEMS "" "." ".." ".x" "-x" "a b" "a/b" "a;b" "ü" "a\$b" "[a]" "a:b")
  string(REGEX REPLACE "([][.$])" "\\\\\\1" shown "${name}")
  expect_rejected("multi_stage_build([==[${name}]==] BUILD_COMMAND b)"
    "multi_stage_build: invalid name.*Pipeline: '${shown}'.*Allowed: letters")
  expect_rejected("multi_stage_add_stage(app [==[${name}]==] FROM setup-base COMMAND a CHECKPOINT c)"
    "multi_stage_add_stage: invalid name.*Stage: '${shown}'")
  expect_rejected("multi_stage_add_stage(app s FROM setup-base COMMAND a CHECKPOINT [==[${name}]==])"
    "multi_stage_add_stage: invalid name.*CHECKPOINT: '${shown}'")
  expect_rejected("multi_stage_add_test(app NAME [==[${name}]==] FROM setup-base COMMAND a)"
    "multi_stage_add_test: invalid name.*NAME: '${shown}'")
endforeach()

expect_rejected("multi_stage_build(app BUILD_COMMAND b)" "multi_stage_build: a pipeline of this name exists already")
foreach(stage IN ITEMS setup-base install build docs)
  expect_rejected("multi_stage_add_stage(app ${stage} FROM setup-base COMMAND a CHECKPOINT c)"
    "multi_stage_add_stage: a stage of this name exists already.*Stage: '${stage}'")
endforeach()
foreach(checkpoint IN ITEMS setup-base deps-installed build-complete docs-built)
  expect_rejected("multi_stage_add_stage(app s FROM setup-base COMMAND a CHECKPOINT ${checkpoint})"
    "multi_stage_add_stage: a checkpoint of this name exists already.*CHECKPOINT: '${checkpoint}'")
endforeach()
foreach(checkpoint IN ITEMS scan status report prompt test checkpoints artifacts artifacts.1 rollback-x shell-x)
  expect_rejected("multi_stage_add_stage(app s FROM setup-base COMMAND a CHECKPOINT ${checkpoint})"
    "multi_stage_add_stage: reserved name.*CHECKPOINT: '${checkpoint}'")
endforeach()
foreach(checkpoint IN ITEMS unit taken)
  expect_rejected("multi_stage_add_stage(app s FROM setup-base COMMAND a CHECKPOINT ${checkpoint})"
    "multi_stage_add_stage: a target or test of this name exists already.*CHECKPOINT: 'app\\.${checkpoint}'")
endforeach()
foreach(test IN ITEMS test unit)
  expect_rejected("multi_stage_add_test(app NAME ${test} FROM setup-base COMMAND a)"
    "multi_stage_add_test: a test of this name exists already.*Test: 'app\\.${test}'")
endforeach()
expect_rejected("multi_stage_add_test(app NAME docs-built FROM setup-base COMMAND a)"
  "multi_stage_add_test: the test would be called like the checkpoint")

# All of these are good.
write_project(good "multi_stage_build(A_b.c+d-9 BUILD_COMMAND b)
multi_stage_add_stage(A_b.c+d-9 +9 FROM build-complete COMMAND a CHECKPOINT _._)
multi_stage_add_test(A_b.c+d-9 NAME 1 FROM _._ COMMAND a)")
configure(good)
build(good A_b.c+d-9._._)

passed()
