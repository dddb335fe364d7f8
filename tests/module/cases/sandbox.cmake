# Inside of a sandbox the functions do nothing, not even check their arguments.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

write_project(self "
multi_stage_build(app NONSENSE)
multi_stage_add_stage(app docs)
multi_stage_add_test(app)
multi_stage_add_artifact(app)
if(TARGET app.setup-base)
  message(FATAL_ERROR \"there is a target\")
endif()")
run("configuring in a sandbox"
  STDOUT "multi_stage_build: nothing to do inside of stage 'build'.*multi_stage_add_artifact: nothing to do"
  COMMAND "${CMAKE_COMMAND}" -E env MSTAGE_STAGE=build
    "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${WORK_DIR}/self" -B "${WORK_DIR}/self-build")
if(EXISTS "${WORK_DIR}/self-build/.mstage")
  fail("there is a state directory")
endif()

passed()
