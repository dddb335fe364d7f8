# Artifacts are delivered when the checkpoint changed or when what was delivered is gone.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

write_project(out [==[
multi_stage_build(app SOURCE ../source INSTALL_COMMAND "" BUILD_COMMAND b)
multi_stage_add_artifact(app FROM build-complete PATH "/app/dist/[0-9]*.whl" "/app/a;b" "/app/[odd" DESTINATION dist)
multi_stage_add_artifact(app FROM setup-base PATH /etc/os-release DESTINATION "${CMAKE_BINARY_DIR}/the host")
add_subdirectory(sub)
]==])
file(WRITE "${WORK_DIR}/out/sub/CMakeLists.txt"
  "multi_stage_add_artifact(app FROM build-complete PATH /app/log DESTINATION ../logs)\n")
file(WRITE "${WORK_DIR}/source/file" "1")
configure(out)

set(tree "${WORK_DIR}/out-build")
set(odd "\"app.build-complete:/app/a;b\", \"app.build-complete:/app/[odd\"")
set(first "cp [\"app.build-complete:/app/dist/[0-9]*.whl\", ${odd}] ${tree}/dist/")
set(second "cp [\"app.setup-base:/etc/os-release\"] ${tree}/the host/")
set(third "cp [\"app.build-complete:/app/log\"] ${tree}/sub/../logs/")

# The lines hold what a list may not.
function(expect_deliveries what)
  file(READ "${tree}/fake.log" log)
  file(REMOVE "${tree}/fake.log")
  foreach(line IN ITEMS first second third)
    set(is FALSE)
    string(FIND "${log}" "${${line}}\n" place)
    if(NOT place EQUAL -1)
      set(is TRUE)
    endif()
    set(ought FALSE)
    if(line IN_LIST ARGN)
      set(ought TRUE)
    endif()
    expect_equal("${what}: the ${line} delivery" "${is}" "${ought}")
  endforeach()
endfunction()

build(out artifacts)
expect_deliveries("at first" first second third)
foreach(file IN ITEMS "dist/[0-9]*.whl" "dist/a;b" "dist/[odd" "the host/os-release" "logs/log")
  if(NOT EXISTS "${tree}/${file}")
    fail("'${file}' was not delivered")
  endif()
endforeach()

if(GENERATOR MATCHES "Ninja")
  build(out artifacts STDOUT "no work to do")
endif()
file(WRITE "${tree}/fake.log" "")
build(out app.artifacts)
expect_deliveries("again")

file(REMOVE "${tree}/logs/log")
build(out artifacts)
expect_deliveries("a file deleted" third)

change(source/file "2")
build(out artifacts)
expect_deliveries("a checkpoint changed" first third)

# ALWAYS is the stage's business too: it is told in the plan, and nothing is run again for it.
write_project(always [==[
multi_stage_build(app SOURCE ../source INSTALL_COMMAND "" BUILD_COMMAND b)
multi_stage_add_stage(app docs FROM build-complete COMMAND d CHECKPOINT docs-built)
multi_stage_add_artifact(app FROM docs-built PATH /x DESTINATION out)
multi_stage_add_artifact(app FROM build-complete ALWAYS PATH "/app/a;b" /app/*.xml DESTINATION reports)
multi_stage_add_artifact(app FROM build-complete PATH /log DESTINATION "${CMAKE_BINARY_DIR}/l \"q\"" ALWAYS)
]==])
configure(always)
set(tree "${WORK_DIR}/always-build")
set(state "${tree}/.mstage/app")
if(GENERATOR STREQUAL "Ninja Multi-Config")
  set(state "${tree}/.mstage/app/Debug")
endif()
file(READ "${state}/plan.json" plan)
string(JSON artifacts GET "${plan}" stages 0 artifacts)
string(JSON first GET "${artifacts}" 0)
string(JSON equal EQUAL "${first}" "{\"paths\": [\"/app/a;b\", \"/app/*.xml\"], \"destination\": \"${tree}/reports\",
  \"record\": \"${state}/artifacts/2.record\"}")
expect_equal("the first of ALWAYS, ${first}" "${equal}" ON)
string(JSON destination GET "${artifacts}" 1 destination)
expect_equal("the destination of the second" "${destination}" "${tree}/l \"q\"")
string(JSON count LENGTH "${plan}" stages 1 artifacts)
expect_equal("artifacts of docs" "${count}" 0)

passed()
