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
