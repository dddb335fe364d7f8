# Makefiles know no outputs that were left alone, so a change makes more stages look at themselves
# than with Ninja, and may do so each time. What counts is that every change is noticed and nothing
# runs that need not.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

# expect_runs(<what> <stage>...): those that did something, whoever else looked.
function(expect_runs what)
  set(log "${WORK_DIR}/app-build/fake.log")
  set(actual "")
  if(EXISTS "${log}")
    file(STRINGS "${log}" lines)
    file(REMOVE "${log}")
    foreach(line IN LISTS lines)
      if(line MATCHES "^stage app\\.(.*): run$")
        list(APPEND actual "${CMAKE_MATCH_1}")
      endif()
    endforeach()
  endif()
  list(SORT actual)
  expect_equal("${what}: stages that ran" "${actual}" "${ARGN}")
endfunction()

function(make_everything)
  run("make" COMMAND "${CMAKE_COMMAND}" --build "${WORK_DIR}/app-build" --target everything -j4)
endfunction()

# In a subdirectory, where relative paths in a depfile mean something else than at the top.
write_project(app "add_subdirectory(sub)
multi_stage_add_stage(app site FROM docs-built COMMAND s CHECKPOINT site-built INPUTS NONE)
add_custom_target(everything DEPENDS app.site-built app.build-complete)")
file(WRITE "${WORK_DIR}/app/sub/CMakeLists.txt" "
multi_stage_build(app SOURCE ../../source INSTALL_COMMAND i INSTALL_INPUTS setup BUILD_COMMAND b BUILD_INPUTS main)
multi_stage_add_stage(app docs FROM deps-installed COMMAND d CHECKPOINT docs-built INPUTS manual)")
foreach(file IN ITEMS setup main manual)
  file(WRITE "${WORK_DIR}/source/${file}" "1")
endforeach()
configure(app)
make_everything()
expect_runs("the first build" build docs install setup-base site)
make_everything()
expect_calls("the second build" app)

change(source/main "2")
make_everything()
expect_runs("a file of one stage" build)
change(source/main2 "1")
file(RENAME "${WORK_DIR}/source/main2" "${WORK_DIR}/source/main")
make_everything()
expect_runs("a file of one stage, back as it was" build)
file(REMOVE "${WORK_DIR}/source/main")
make_everything()
expect_runs("a file that is gone" build)
change(source/setup "2")
make_everything()
expect_runs("a file of the first stage" build docs install site)
file(TOUCH "${FAKE_HELPER}")
make_everything()
expect_runs("a new helper")

passed()
