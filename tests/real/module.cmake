# The module as a project finds it, and the source that tests/real/run has unpacked.

list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../cmake")
include(MultiStageBuild)
set(REAL_SOURCE "" CACHE PATH "The unpacked source of the project")
