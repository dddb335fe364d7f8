# The plan of a pipeline with everything, against the expected file. MSTAGE_TEST_ACCEPT=1 in the
# environment writes it anew.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

write_project(all [==[
add_executable(tool IMPORTED)
set_property(TARGET tool PROPERTY IMPORTED_LOCATION /opt/tool)
set(MSTAGE_STORE /var/lib/images)
set(MSTAGE_ENGINE contree)
multi_stage_build(app
  SOURCE          ..
  BASE            tag:python:3.11-slim
  WORKDIR         "/srv/an app"
  EXCLUDE         "*.tmp" "/a;b" "[xy]"
  INSTALL_COMMAND pip install -e .[dev]
  INSTALL_INPUTS  pyproject.toml "a \"b\".txt"
  BUILD_COMMAND   [ -f "a;b" ] && echo "C:\\" "it's" $HOME "tab	ü"
  BUILD_INPUTS    NONE
  TEST_COMMAND    "pytest -v | tee \"log\" # all"
  ENVIRONMENT     A=1 "B=x;y" "C=" "D=\"q\" \\" A=2
  NETWORK         OFF
  TIMEOUT         600
  LIVE            ON
  USER            builder
  CACHE           /root/.npm "/var/cache/a b,sharing=locked" /opt/c,id=c
  SECRET          token=TOKEN "key=/etc/a b.key" npmrc=.npmrc)
multi_stage_add_stage(app docs
  FROM            deps-installed
  COMMAND         make docs
  CHECKPOINT      docs-built)
multi_stage_add_stage(app package
  FROM            docs-built
  COMMAND         "$<TARGET_FILE:tool> --out=$<IF:$<BOOL:1>,dist,x>"
  CHECKPOINT      codegen
  INPUTS          setup.cfg
  WORKDIR         /pkg
  ENVIRONMENT     B=3 E=4
  NETWORK         ON
  TIMEOUT         0
  LIVE            OFF
  USER            1000:100
  CACHE           /root/.npm/,sharing=private,id=other /opt/d,id=c
  SECRET          token=env:OTHER more=file:more)
multi_stage_add_test(app
  NAME            unit
  FROM            codegen
  COMMAND         pytest tests/unit
  WORKDIR         /pkg
  ENVIRONMENT     A=3
  NETWORK         ON
  TIMEOUT         60)
multi_stage_build(second
  INSTALL_COMMAND ""
  BUILD_COMMAND   ""
  TEST_COMMAND    "")
]==])
configure(all)

foreach(pipeline IN ITEMS app second)
  read_plan(plan all ${pipeline})
  run("plan of ${pipeline}, read by Python" COMMAND "${PYTHON}" -m json.tool
    "${WORK_DIR}/all-build/.mstage/${pipeline}/plan.json" "${WORK_DIR}/ignored.json")
  string(REPLACE "${WORK_DIR}" "<work>" plan "${plan}")
  set(golden "${CMAKE_CURRENT_LIST_DIR}/plan-${pipeline}.json")
  if(DEFINED ENV{MSTAGE_TEST_ACCEPT})
    file(WRITE "${golden}" "${plan}")
  endif()
  file(READ "${golden}" expected)
  expect_equal("plan of ${pipeline}" "${plan}" "${expected}")
endforeach()

# What a command in the plan says reaches the program as it was written.
read_plan(plan all app)
string(JSON command GET "${plan}" stages 1 command)
execute_process(COMMAND sh -c "cd /; touch '${WORK_DIR}/a;b'; cd '${WORK_DIR}'; ${command}" OUTPUT_VARIABLE output)
expect_equal("output of the command" "${output}" "C:\\ it's $HOME tab\tü\n")

# The same again leaves the file alone.
file(TIMESTAMP "${WORK_DIR}/all-build/.mstage/app/plan.json" before "%s %f")
execute_process(COMMAND "${CMAKE_COMMAND}" -E sleep 0.05)
configure(all)
file(TIMESTAMP "${WORK_DIR}/all-build/.mstage/app/plan.json" after "%s %f")
expect_equal("time of a plan that was generated again" "${after}" "${before}")

passed()
