# Functions that declare libraries and tools of the compiler.

# ccache gives results of sources with precompiled headers only if it is told that macros and times in them do not matter.
if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache$")
  list(PREPEND CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros)
endif()

# add_mla_library(NAME SOURCE... [any argument of add_mlir_library])
function(add_mla_library name)
  add_mlir_library(${name} ${ARGN} DISABLE_INSTALL) # into MLIR's package
  target_link_libraries(${name} INTERFACE MLAHeaders)
  mla_install(compiler ${name})
  if(NOT name STREQUAL "MLAIR")
    target_precompile_headers(obj.${name} REUSE_FROM obj.MLAIR)
  endif()
endfunction()

# add_mla_tool(NAME SOURCE...)
function(add_mla_tool name)
  add_llvm_executable(${name} ${ARGN})
  mla_install(tools ${name})
endfunction()

# For sources of passes with statistics, whose layout depends on assertions: match the layout in LLVM's libraries. The
# precompiled headers have that of the build type.
function(mla_match_statistics_of_llvm)
  if(NOT LLVM_ENABLE_ASSERTIONS)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_DEFINITIONS NDEBUG)
    if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
      set_source_files_properties(${ARGN} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endif()
endfunction()
