# How libraries and tools of the compiler are declared.

# add_mla_library(NAME SOURCE... [any argument of add_mlir_library])
function(add_mla_library name)
  add_mlir_library(${name} ${ARGN} DISABLE_INSTALL) # which would be to MLIR's own package
  target_link_libraries(${name} INTERFACE MLAHeaders)
  mla_install(compiler ${name})
endfunction()

# add_mla_tool(NAME SOURCE...)
function(add_mla_tool name)
  add_llvm_executable(${name} ${ARGN})
  mla_install(compiler ${name})
endfunction()

# For sources of passes that have statistics. These are of another layout where assertions are on, and the libraries of an
# LLVM without assertions, as Debian's, know the one without.
function(mla_match_statistics_of_llvm)
  if(NOT LLVM_ENABLE_ASSERTIONS)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_DEFINITIONS NDEBUG)
  endif()
endfunction()
