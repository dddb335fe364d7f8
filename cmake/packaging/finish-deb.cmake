# Run by CPack on the tree that it is about to pack: what Debian's policy asks of a package, and others do not want.

cmake_policy(VERSION 3.22...4.4)

if(NOT CPACK_GENERATOR STREQUAL "DEB")
  return()
endif()

set(share "${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}/share")
set(documentation "${share}/doc/${CPACK_PACKAGE_NAME}")

# gzip's own times would make each package another one.
function(compress file)
  execute_process(COMMAND gzip -9 --no-name --force "${file}" COMMAND_ERROR_IS_FATAL ANY)
  allow_reading("${file}.gz")
endfunction()

function(allow_reading file)
  file(CHMOD "${file}" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

file(GLOB pages "${share}/man/man*/*.[0-9]")
foreach(page IN LISTS pages)
  compress("${page}")
endforeach()

# Debian's zsh looks elsewhere for what packages bring.
if(EXISTS "${share}/zsh/site-functions/_mstage")
  file(MAKE_DIRECTORY "${share}/zsh/vendor-completions")
  file(RENAME "${share}/zsh/site-functions/_mstage" "${share}/zsh/vendor-completions/_mstage")
  file(REMOVE_RECURSE "${share}/zsh/site-functions")
endif()

string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE "${documentation}/changelog" "${CPACK_PACKAGE_NAME} (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * Version ${CPACK_PACKAGE_VERSION}.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
compress("${documentation}/changelog")

# Of what is compiled into the program, the licences ask to be passed on.
file(READ "${CPACK_MSTAGE_PACKAGING_DIR}/copyright" copyright)
foreach(package IN ITEMS libcli11-dev nlohmann-json3-dev libssl-dev)
  set(file "/usr/share/doc/${package}/copyright")
  if(EXISTS "${file}")
    file(READ "${file}" text)
    string(APPEND copyright "\n${text}")
  endif()
endforeach()
file(WRITE "${documentation}/copyright" "${copyright}")
allow_reading("${documentation}/copyright")

# It is to change whenever a package does: base "host" is another system then.
file(WRITE "${share}/lintian/overrides/${CPACK_PACKAGE_NAME}" "${CPACK_PACKAGE_NAME}: uses-dpkg-database-directly *\n")
allow_reading("${share}/lintian/overrides/${CPACK_PACKAGE_NAME}")
