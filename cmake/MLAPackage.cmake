# Debian packages, one per component: `cpack --config BUILD/CPackConfig.cmake -B DIRECTORY`, or scripts/deb.sh.
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE.TXT DESTINATION ${CMAKE_INSTALL_DOCDIR}
        COMPONENT docs)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT docs
        FILES_MATCHING PATTERN "*.md" PATTERN "*.json")
if(MLA_BUILD_COMPILER)
  install(DIRECTORY ${PROJECT_BINARY_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/reference COMPONENT docs OPTIONAL
          FILES_MATCHING PATTERN "*.md" PATTERN CMakeFiles EXCLUDE)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mla-mlir)
set(CPACK_PACKAGE_VENDOR "the authors of mla-mlir")
set(CPACK_PACKAGE_CONTACT "the authors of mla-mlir <mla-mlir@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Compiler for multi-head latent attention")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE.TXT)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL ${MLA_BUILT_COMPONENTS} docs)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)

# Libraries of other packages are found by dpkg-shlibdeps, our own by component.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_COMPONENT_TOOLS_DEPENDS runtime)
set(CPACK_COMPONENT_COMPILER_DEPENDS runtime)
set(CPACK_DEBIAN_COMPILER_PACKAGE_DEPENDS "libmlir-22-dev, liblld-22-dev")

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME mla-mlir-runtime)
set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME mla-mlir)
set(CPACK_DEBIAN_COMPILER_PACKAGE_NAME mla-mlir-dev)
set(CPACK_DEBIAN_DOCS_PACKAGE_NAME mla-mlir-doc)
set(CPACK_DEBIAN_DOCS_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_DOCS_PACKAGE_SHLIBDEPS OFF)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "Runs bundles of compiled multi-head latent attention")
set(CPACK_COMPONENT_TOOLS_DESCRIPTION "Compiler for multi-head latent attention: programs")
set(CPACK_COMPONENT_COMPILER_DESCRIPTION "Compiler for multi-head latent attention: libraries, headers, plugin")
set(CPACK_COMPONENT_DOCS_DESCRIPTION "Compiler for multi-head latent attention: documentation")
include(CPack)
