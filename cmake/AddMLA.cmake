# Functions that declare libraries and tools of the compiler.

# add_mla_library(NAME SOURCE... [any argument of add_mlir_library])
function(add_mla_library name)
  add_mlir_library(${name} ${ARGN} DISABLE_INSTALL) # into MLIR's package
  target_link_libraries(${name} INTERFACE MLAHeaders)
  mla_install(compiler ${name})
endfunction()

# add_mla_tool(NAME SOURCE...)
function(add_mla_tool name)
  add_llvm_executable(${name} ${ARGN})
  mla_install(compiler ${name})
endfunction()

# For sources of passes with statistics, whose layout depends on assertions: match the layout in LLVM's libraries.
function(mla_match_statistics_of_llvm)
  if(NOT LLVM_ENABLE_ASSERTIONS)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_DEFINITIONS NDEBUG)
  endif()
endfunction()
