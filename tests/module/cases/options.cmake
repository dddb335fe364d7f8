# What options may look like, and what the plan makes of them.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

# expect_field(<arguments> <expected> <path in the plan>...), of a pipeline with install and build.
function(expect_field arguments expected)
  write_project(options "multi_stage_build(app INSTALL_COMMAND a BUILD_COMMAND b TEST_COMMAND t ${arguments})")
  configure(options)
  read_plan(plan options app)
  string(JSON actual GET "${plan}" ${ARGN})
  expect_equal("${ARGN} with ${arguments}" "${actual}" "${expected}")
endfunction()

# Root installs, whoever builds.
set(install stages 0)
set(build stages 1)
expect_field("USER me" "" ${install} user)
expect_field("USER me" me ${build} user)
expect_field("USER me" me tests 0 user)
expect_field("USER me INSTALL_USER you:staff" you:staff ${install} user)
expect_field("USER me INSTALL_USER you:staff" me ${build} user)
expect_field("INSTALL_USER 0" 0 ${install} user)
expect_field("INSTALL_USER 0" "" ${build} user)

foreach(word IN ITEMS off No FALSE 0)
  expect_field("NETWORK ${word} LIVE ${word}" OFF ${build} network)
endforeach()
foreach(word IN ITEMS on Yes TRUE 1)
  expect_field("NETWORK ${word} LIVE ${word}" ON ${build} live)
endforeach()
foreach(time IN ITEMS "0 0" "90 90" "90s 90" "5m 300" "1h 3600" "0h 0")
  string(REPLACE " " ";" time "${time}")
  list(GET time 0 given)
  list(GET time 1 seconds)
  expect_field("TIMEOUT ${given}" ${seconds} ${build} timeout)
endforeach()

# Bases that are files: from the directory of the call, and one reference for one file.
set(here "${WORK_DIR}/options")
foreach(kind IN ITEMS rootfs oci docker-archive)
  expect_field("BASE ${kind}:base" "${kind}:${here}/base" base)
  expect_field("BASE ${kind}:./a/../base/" "${kind}:${here}/base" base)
  expect_field("BASE ${kind}:/srv//x/../base" "${kind}:/srv/base" base)
endforeach()
expect_field("BASE oci:../layout:1.0" "oci:${WORK_DIR}/layout:1.0" base)
expect_field("BASE docker-archive:a.tar:example.org/x/y:1.0" "docker-archive:${here}/a.tar:example.org/x/y:1.0" base)
expect_field("BASE rootfs:a:b" "rootfs:${here}/a:b" base)
expect_field("BASE debian:bookworm+g++" "debian:bookworm+g++" base)
expect_field("BASE debian:bookworm+g+++make" "debian:bookworm+g+++make" base)

passed()
