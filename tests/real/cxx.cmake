# What the C++ projects have in common: one base for all of them, imported once.

include("${CMAKE_CURRENT_LIST_DIR}/module.cmake")
set(REAL_BASE debian:bookworm+cmake+g+++googletest+ninja-build+python3)
