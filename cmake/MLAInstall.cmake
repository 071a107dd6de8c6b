# Installs components: `runtime`, which needs no LLVM; `tools`, the programs of the compiler, which need the runtime;
# `compiler`, its libraries and headers; `docs`. Installed files are relocatable: none contains a path of the build or
# install tree.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(MLA_BUILT_COMPONENTS runtime)
if(MLA_BUILD_COMPILER)
  list(APPEND MLA_BUILT_COMPONENTS tools)
  if(NOT MLA_STATIC_LLVM) # whose libraries bring all of LLVM into every user
    list(APPEND MLA_BUILT_COMPONENTS compiler)
  endif()
endif()

# Makes installing fail first if a target is not built. Call it before the first target.
function(mla_check_built_before_install)
  foreach(component ${MLA_BUILT_COMPONENTS})
    install(CODE "include(\"${PROJECT_BINARY_DIR}/mla-built-${component}.cmake\")" COMPONENT ${component})
  endforeach()
endfunction()

function(mla_write_built_check component)
  get_property(targets GLOBAL PROPERTY mla_installed_${component})
  set(text "")
  foreach(target ${targets})
    string(APPEND text "if(NOT EXISTS \"$<TARGET_FILE:${target}>\")\n  list(APPEND lacking ${target})\nendif()\n")
  endforeach()
  string(APPEND text "if(lacking)\n  list(JOIN lacking \", \" lacking)\n"
                     "  message(FATAL_ERROR \"cannot install what is not built: \${lacking}; "
                     "build everything first: cmake --build ${PROJECT_BINARY_DIR}\")\nendif()\n")
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/mla-built-${component}.cmake CONTENT "${text}")
endfunction()

# mla_install(COMPONENT TARGET...): installs targets and exports them in the package.
function(mla_install component)
  if(NOT MLA_INSTALL OR NOT component IN_LIST MLA_BUILT_COMPONENTS)
    return()
  endif()
  file(RELATIVE_PATH bin_to_lib /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
  foreach(target ${ARGN})
    set_target_properties(${target} PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON) # for LLVM's libraries
    get_target_property(type ${target} TYPE)
    if(NOT type STREQUAL "INTERFACE_LIBRARY")
      set_property(GLOBAL APPEND PROPERTY mla_installed_${component} ${target})
    endif()
    if(type STREQUAL "EXECUTABLE")
      set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_lib}")
    endif()
    install(TARGETS ${target} EXPORT mla-mlir-${component}
      RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component}
      LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component}
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component})
  endforeach()
endfunction()

# Installs the CMake package. Call it after all targets.
function(mla_install_package)
  set(directory ${CMAKE_INSTALL_LIBDIR}/cmake/mla-mlir)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/mla-mlirConfig.cmake.in
                                ${PROJECT_BINARY_DIR}/mla-mlirConfig.cmake INSTALL_DESTINATION ${directory})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/mla-mlirConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/mla-mlirConfig.cmake ${PROJECT_BINARY_DIR}/mla-mlirConfigVersion.cmake
          DESTINATION ${directory} COMPONENT runtime)
  foreach(component ${MLA_BUILT_COMPONENTS})
    mla_write_built_check(${component})
    install(EXPORT mla-mlir-${component} DESTINATION ${directory} COMPONENT ${component})
  endforeach()
endfunction()
