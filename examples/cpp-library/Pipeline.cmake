# In a project of your own: find_package(MultiStageBuild REQUIRED). Here the module is beside us.
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../cmake")
include(MultiStageBuild)
enable_testing()

# On base `host` the stages see this machine's own system, so compiler and tools are there already, and what a stage
# installs stays in its image. Only root may install on it; others start from a Debian image, where root is theirs.
execute_process(COMMAND id -u OUTPUT_VARIABLE user_id OUTPUT_STRIP_TRAILING_WHITESPACE)
if(user_id EQUAL 0)
  set(default_base host)
else()
  set(default_base debian:bookworm)
endif()
set(CATALOG_BASE "${default_base}" CACHE STRING "What the pipeline starts from")

multi_stage_build(catalog
  BASE            ${CATALOG_BASE}
  INSTALL_COMMAND apt-get update && apt-get install -y --no-install-recommends g++ cmake ninja-build libtinyxml2-dev
  INSTALL_INPUTS  NONE                              # nothing of the source: no edit makes it install again
  BUILD_COMMAND   cmake -S . -B /build -G Ninja && cmake --build /build && cmake --install /build --prefix /out
  TEST_COMMAND    ctest --test-dir /build --output-on-failure
  EXCLUDE         /build* *.md)

multi_stage_add_artifact(catalog
  FROM        build-complete
  PATH        /out/lib/libcatalog.a /out/include
  DESTINATION ${CMAKE_BINARY_DIR}/catalog)
