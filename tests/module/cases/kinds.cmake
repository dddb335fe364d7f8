# The commands that follow from the kind of project.

include("${CMAKE_CURRENT_LIST_DIR}/../Harness.cmake")

# expect_stages(<what> <files> <arguments> <name: command [inputs]>...)
function(expect_stages what files arguments)
  file(REMOVE_RECURSE "${WORK_DIR}/kind-build" "${WORK_DIR}/source")
  file(MAKE_DIRECTORY "${WORK_DIR}/source")
  foreach(file IN LISTS files)
    file(WRITE "${WORK_DIR}/source/${file}" "")
  endforeach()
  write_project(kind "multi_stage_build(app SOURCE ../source ${arguments})")
  configure(kind)
  read_plan(plan kind app)
  set(actual "")
  foreach(array IN ITEMS stages tests)
    string(JSON count LENGTH "${plan}" ${array})
    if(count GREATER 0)
      math(EXPR last "${count} - 1")
      foreach(i RANGE ${last})
        string(JSON name GET "${plan}" ${array} ${i} name)
        string(JSON from GET "${plan}" ${array} ${i} from)
        string(JSON command GET "${plan}" ${array} ${i} command)
        string(JSON inputs ERROR_VARIABLE none GET "${plan}" ${array} ${i} inputs)
        if(none OR inputs STREQUAL "")
          set(inputs "")
        else()
          string(REGEX REPLACE "[] \n\",[]+" " " inputs " ${inputs}")
          string(STRIP "${inputs}" inputs)
          set(inputs " (${inputs})")
        endif()
        string(APPEND actual "${from} -> ${name}: ${command}${inputs}\n")
      endforeach()
    endif()
  endforeach()
  list(JOIN ARGN "\n" expected)
  expect_equal("${what}" "${actual}" "${expected}\n")
endfunction()

foreach(file IN ITEMS pyproject.toml setup.py)
  expect_stages("Python, ${file}" ${file} ""
    "setup-base -> install: pip install -e ."
    "deps-installed -> build: python -m build"
    "build-complete -> app.test: pytest")
endforeach()
expect_stages("Rust" Cargo.toml ""
  "setup-base -> install: cargo fetch"
  "deps-installed -> build: cargo build --release"
  "build-complete -> app.test: cargo test")
expect_stages("Node" "package.json;package-lock.json" ""
  "setup-base -> install: npm ci (package.json package-lock.json)"
  "deps-installed -> build: npm run build --if-present"
  "build-complete -> app.test: npm test")
expect_stages("Node, all that npm looks at" "package.json;package-lock.json;npm-shrinkwrap.json;.npmrc"
  "BUILD_COMMAND \"\" TEST_COMMAND \"\""
  "setup-base -> install: npm ci (package.json package-lock.json npm-shrinkwrap.json .npmrc)")
expect_stages("Node, no lock file" package.json "BUILD_COMMAND \"\" TEST_COMMAND \"\""
  "setup-base -> install: npm install (package.json)")
expect_stages("CMake" CMakeLists.txt ""
  "setup-base -> build: cmake -S . -B build $(command -v ninja >/dev/null && echo -G Ninja) && cmake --build build --parallel $(nproc)"
  "build-complete -> app.test: ctest --test-dir build --output-on-failure")

expect_stages("the first match wins" "CMakeLists.txt;package.json;Cargo.toml;setup.py" "TEST_COMMAND \"\""
  "setup-base -> install: pip install -e ."
  "deps-installed -> build: python -m build")
expect_stages("some commands given" package.json "INSTALL_COMMAND npm install BUILD_COMMAND \"\""
  "setup-base -> install: npm install"
  "deps-installed -> app.test: npm test")
expect_stages("inputs given, command detected" package.json
  "INSTALL_INPUTS vendor BUILD_COMMAND \"\" TEST_COMMAND \"\""
  "setup-base -> install: npm install (vendor)")
expect_stages("stages left out" package.json "INSTALL_COMMAND \"\" INSTALL_INPUTS x BUILD_COMMAND \" \""
  "setup-base -> app.test: npm test")
expect_stages("a command given, no kind" "" "BUILD_COMMAND make"
  "setup-base -> build: make")

passed()
