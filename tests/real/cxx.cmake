# What the C++ projects have in common: one base for all of them, imported once, and a compiler cache, with which a stage
# that runs again compiles only what is new.

include("${CMAKE_CURRENT_LIST_DIR}/module.cmake")
set(REAL_BASE debian:bookworm+ccache+cmake+g+++googletest+ninja-build+python3)
set(REAL_CCACHE
  CACHE       /root/.cache/ccache
  ENVIRONMENT CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache)

# The pipeline of a library that CMake builds with a definition, in a directory outside of its source.
function(real_library name definition test_command)
  multi_stage_build(${name}
    SOURCE        ${REAL_SOURCE}
    BASE          ${REAL_BASE}
    BUILD_COMMAND cmake -S . -B /build -G Ninja -D ${definition} && cmake --build /build
    TEST_COMMAND  "${test_command}"
    NETWORK       OFF
    ${REAL_CCACHE})
endfunction()
