# Sets MLA_FULL_VERSION to the version, in a git checkout with the commit: "0.1.0 (053ec51)". A commit reruns CMake.
set(MLA_FULL_VERSION ${PROJECT_VERSION})
find_program(MLA_GIT git)
mark_as_advanced(MLA_GIT)
if(MLA_GIT AND EXISTS ${PROJECT_SOURCE_DIR}/.git)
  execute_process(COMMAND ${MLA_GIT} rev-parse --short=7 HEAD WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND ${MLA_GIT} rev-parse --path-format=absolute --git-path logs/HEAD
                  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE log OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(commit)
    string(APPEND MLA_FULL_VERSION " (${commit})")
  endif()
  if(EXISTS "${log}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${log})
  endif()
endif()
