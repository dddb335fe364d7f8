# The commands of a stage that the project did not give: they follow from the kind of project found
# in its source.

include_guard(GLOBAL)

# Sets in the caller <out>_KIND (the file that decided, "" when none did) and, as command lines,
# <out>_INSTALL, <out>_BUILD and <out>_TEST ("" for none). The first match wins: a Python or Rust
# package often has a CMakeLists.txt or a package.json for a part of it, hardly ever the other way
# round.
function(_MultiStageBuild_detect out source)
  set(kind "")
  foreach(file IN ITEMS pyproject.toml setup.py Cargo.toml package.json CMakeLists.txt)
    if(kind STREQUAL "" AND EXISTS "${source}/${file}")
      set(kind "${file}")
    endif()
  endforeach()
  set(install "")
  set(build "")
  set(test "")
  if(kind MATCHES "^(pyproject\\.toml|setup\\.py)$")
    set(install "pip install -e .")
    set(build "python -m build")
    set(test "pytest")
  elseif(kind STREQUAL "Cargo.toml")
    set(install "cargo fetch")
    set(build "cargo build --release")
    set(test "cargo test")
  elseif(kind STREQUAL "package.json")
    # Without a lock file `npm ci` refuses to work, and many packages have nothing to build.
    set(install "npm ci")
    _MultiStageBuild_npm_locks(locks "${source}")
    if(locks STREQUAL "")
      set(install "npm install")
    endif()
    set(build "npm run build --if-present")
    set(test "npm test")
  elseif(kind STREQUAL "CMakeLists.txt")
    # A small image has one build tool, and it need not be CMake's first choice. Without a number Make would start all
    # compilers at once.
    set(build "cmake -S . -B build $(command -v ninja >/dev/null && echo -G Ninja)")
    string(APPEND build " && cmake --build build --parallel $(nproc)")
    set(test "ctest --test-dir build --output-on-failure")
  endif()
  set(${out}_KIND "${kind}" PARENT_SCOPE)
  set(${out}_INSTALL "${install}" PARENT_SCOPE)
  set(${out}_BUILD "${build}" PARENT_SCOPE)
  set(${out}_TEST "${test}" PARENT_SCOPE)
endfunction()

# The files with exact versions that npm goes by; there are none in a package that others depend on.
function(_MultiStageBuild_npm_locks out source)
  set(locks "")
  foreach(file IN ITEMS package-lock.json npm-shrinkwrap.json)
    if(EXISTS "${source}/${file}")
      list(APPEND locks ${file})
    endif()
  endforeach()
  set(${out} "${locks}" PARENT_SCOPE)
endfunction()

# What the install command of a kind needs, as an encoded list; "" for all of the source. npm looks at few files, which in
# a workspace are in every package. `cargo fetch` wants the targets named in the manifest to exist and `pip install -e .`
# the package itself.
function(_MultiStageBuild_detected_install_inputs out kind source)
  set(${out} "" PARENT_SCOPE)
  if(kind STREQUAL "package.json")
    _MultiStageBuild_npm_locks(inputs "${source}")
    list(PREPEND inputs package.json)
    if(EXISTS "${source}/.npmrc")
      list(APPEND inputs .npmrc)
    endif()
    set(${out} "${inputs}" PARENT_SCOPE)
  endif()
endfunction()

# Sets in the caller install_command, build_command and test_command, command lines or "" for a
# stage that is left out, and `kind`. The arguments are encoded lists; an empty one, a keyword that
# was not given, takes what was detected.
function(_MultiStageBuild_usual_commands caller source install build test)
  _MultiStageBuild_detect(detected "${source}")
  if(detected_KIND STREQUAL "" AND "${install}${build}${test}" STREQUAL "")
    _MultiStageBuild_fail("${caller}" "no command given, and the source is of no kind that has its own"
      SOURCE "'${source}'"
      "Looked for" "pyproject.toml, setup.py, Cargo.toml, package.json, CMakeLists.txt")
  endif()
  set(kind "${detected_KIND}" PARENT_SCOPE)
  foreach(stage IN ITEMS install build test)
    string(TOUPPER "${stage}" keyword)
    if(${stage} STREQUAL "")
      set(${stage}_command "${detected_${keyword}}" PARENT_SCOPE)
    else()
      _MultiStageBuild_command_line(line "${${stage}}")
      set(${stage}_command "${line}" PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# An option of a stage that neither the call nor the kind of project has a command for is a mistake.
# (With an explicit "" it is not: that is how one switches a stage off.)
function(_MultiStageBuild_check_idle caller stage option command given_command value)
  if(command STREQUAL "" AND given_command STREQUAL "" AND NOT value STREQUAL "")
    _MultiStageBuild_fail("${caller}" "${stage}${option} without ${stage}_COMMAND" Keyword "${stage}${option}")
  endif()
endfunction()
