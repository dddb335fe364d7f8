# What is installed, and the package for find_package(). Included by the top-level CMakeLists.txt of
# MultiStageBuild alone, so that a project which takes it in with add_subdirectory() does not
# install it.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/MultiStageBuild")

install(TARGETS mstage
  EXPORT MultiStageBuildTargets
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT Runtime)
install(EXPORT MultiStageBuildTargets
  NAMESPACE MultiStageBuild::
  DESTINATION "${package_dir}"
  COMPONENT Development)

# The package has a program in it, so it is not the same for every machine: no ARCH_INDEPENDENT.
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/../MultiStageBuildConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/MultiStageBuildConfig.cmake"
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/MultiStageBuildConfigVersion.cmake"
  COMPATIBILITY SameMajorVersion)
install(
  FILES
    "${PROJECT_BINARY_DIR}/MultiStageBuildConfig.cmake"
    "${PROJECT_BINARY_DIR}/MultiStageBuildConfigVersion.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/../MultiStageBuild.cmake"
  DESTINATION "${package_dir}"
  COMPONENT Development)
install(DIRECTORY "${CMAKE_CURRENT_LIST_DIR}/"
  DESTINATION "${package_dir}/MultiStageBuild"
  COMPONENT Development
  FILES_MATCHING
    PATTERN "*.cmake"
    PATTERN "Install.cmake" EXCLUDE)
