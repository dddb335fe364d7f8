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
    "${CMAKE_CURRENT_LIST_DIR}/../MultiStageBuildPresets.json"
  DESTINATION "${package_dir}"
  COMPONENT Development)
install(DIRECTORY "${CMAKE_CURRENT_LIST_DIR}/"
  DESTINATION "${package_dir}/MultiStageBuild"
  COMPONENT Development
  FILES_MATCHING
    PATTERN "*.cmake"
    PATTERN "Install.cmake" EXCLUDE)

# What users copy into their projects for agents to read.
install(DIRECTORY "${CMAKE_CURRENT_LIST_DIR}/../../templates/agents"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/multi-stage-build"
  COMPONENT Runtime)

# What the helper says of itself, for shells and for man. A program for another machine cannot be asked.
if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
  return()
endif()

set(said "")
function(install_what_helper_says file directory)
  set(output "${PROJECT_BINARY_DIR}/share/${file}")
  add_custom_command(OUTPUT "${output}"
    COMMAND mstage ${ARGN} > "${output}"
    DEPENDS mstage
    COMMENT "Writing ${file}"
    VERBATIM)
  install(FILES "${output}" DESTINATION "${directory}" COMPONENT Runtime)
  set(said ${said} "${output}" PARENT_SCOPE)
endfunction()

file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/share")
install_what_helper_says(mstage "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" completion bash)
install_what_helper_says(_mstage "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" completion zsh)
install_what_helper_says(mstage.fish "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" completion fish)
install_what_helper_says(mstage.1 "${CMAKE_INSTALL_MANDIR}/man1" __manual)
add_custom_target(mstage_documentation ALL DEPENDS ${said})
