# The package that `cmake --build BUILD --target package` makes: a .deb where there is dpkg, else a plain archive.
# Included by the top-level CMakeLists.txt of MultiStageBuild alone.

set(MSTAGE_PACKAGE_CONTACT "MultiStageBuild developers <multi-stage-build@users.noreply.invalid>" CACHE STRING
  "Whom the package names as its maintainer")
mark_as_advanced(MSTAGE_PACKAGE_CONTACT)

# The Debian package of libarchive, which dpkg-shlibdeps cannot see: the helper loads it when it is needed.
function(find_libarchive_package out)
  find_program(MSTAGE_DPKG_QUERY dpkg-query)
  mark_as_advanced(MSTAGE_DPKG_QUERY)
  file(REAL_PATH "${LibArchive_LIBRARY}" library)
  # The files of /usr/lib are known to dpkg under /lib too, where the two are one directory.
  cmake_path(GET library FILENAME name)
  execute_process(COMMAND "${MSTAGE_DPKG_QUERY}" --search "*/${name}"
    OUTPUT_VARIABLE owner RESULT_VARIABLE result ERROR_QUIET)
  if(result EQUAL 0 AND owner MATCHES "^([a-z0-9.+-]+)")
    set(${out} "${CMAKE_MATCH_1}" PARENT_SCOPE)
  else()
    set(${out} "libarchive13t64 | libarchive13" PARENT_SCOPE)
  endif()
endfunction()

find_program(MSTAGE_DPKG dpkg)
mark_as_advanced(MSTAGE_DPKG)
set(CPACK_GENERATOR TGZ)
if(MSTAGE_DPKG)
  set(CPACK_GENERATOR DEB)
endif()

set(CPACK_PACKAGE_NAME mstage)
set(CPACK_PACKAGE_CONTACT "${MSTAGE_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_VENDOR MultiStageBuild)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "multi-stage builds with rollback points for CMake and Ninja")
set(CPACK_PACKAGE_DESCRIPTION
"A CMake module, MultiStageBuild, and a helper program, mstage, that build a
project in stages. Each stage runs one command in a sandbox, on the file
system that the stage before it left, and leaves an immutable image and a
checkpoint. Ninja decides what runs again: a failed build resumes from the
last good checkpoint. Tests run on throw-away copies, under CTest.
.
Images are kept locally; no daemon, registry or root is needed.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_SOURCE_GENERATOR "")
# What only packages have: compressed manual, changelog, copyright.
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_CURRENT_LIST_DIR}/finish-deb.cmake")
set(CPACK_MSTAGE_PACKAGING_DIR "${CMAKE_CURRENT_LIST_DIR}")

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "bubblewrap, uidmap")
if(MSTAGE_DPKG)
  find_libarchive_package(libarchive_package)
  string(APPEND CPACK_DEBIAN_PACKAGE_DEPENDS ", ${libarchive_package}")
endif()
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "cmake (>= 3.22), ninja-build, mmdebstrap")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "skopeo, bash-completion")

include(CPack)
