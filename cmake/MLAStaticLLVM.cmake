# Links the archives of LLVM, MLIR and LLD in place of the shared libraries, and the C++ library with them: for programs
# that run where Debian's packages are not installed. Include it after LLVM's modules.
set(LLVM_LINK_LLVM_DYLIB OFF)
set(MLIR_LINK_MLIR_DYLIB OFF)

# Code generators of processors that nothing here generates code for: LLD and MLIR initialize all, for bitcode and for
# other GPUs. Two thirds of a program would be theirs.
set(foreign_targets ${LLVM_TARGETS_TO_BUILD})
list(REMOVE_ITEM foreign_targets ${LLVM_NATIVE_ARCH} NVPTX)
set(text "/* Written by cmake/MLAStaticLLVM.cmake. */\n")
foreach(target ${foreign_targets})
  foreach(part AsmParser AsmPrinter Disassembler Target TargetInfo TargetMC TargetMCA)
    string(APPEND text "void LLVMInitialize${target}${part}(void) {}\n")
  endforeach()
endforeach()
file(WRITE ${PROJECT_BINARY_DIR}/MLANoTargets.c.new "${text}")
file(COPY_FILE ${PROJECT_BINARY_DIR}/MLANoTargets.c.new ${PROJECT_BINARY_DIR}/MLANoTargets.c ONLY_IF_DIFFERENT)
add_library(MLAStandIns STATIC ${PROJECT_BINARY_DIR}/MLANoTargets.c ${CMAKE_CURRENT_LIST_DIR}/arc4random.c)

# The archives go to the linker by file, as one group. As targets, those of MLIR and LLD bring the shared LLVM, and those
# of LLVM bring Z3 and the shared libraries of compression.
get_property(names GLOBAL PROPERTY MLIR_ALL_LIBS)
list(APPEND names ${LLVM_AVAILABLE_LIBS})
list(JOIN foreign_targets "|" foreign_targets)
list(FILTER names EXCLUDE REGEX
     "^LLVM(${foreign_targets})(CodeGen|AsmParser|Disassembler|Desc|Info|Utils|TargetMCA|Analysis)$")
set(archives)
foreach(name ${names})
  if(EXISTS ${LLVM_LIBRARY_DIR}/lib${name}.a) # LLVM lists some that Debian leaves out
    list(APPEND archives ${LLVM_LIBRARY_DIR}/lib${name}.a)
  endif()
endforeach()
foreach(name z zstd)
  find_library(MLA_STATIC_${name} lib${name}.a REQUIRED)
  list(APPEND archives ${MLA_STATIC_${name}})
endforeach()

add_library(MLAStaticLLVM INTERFACE)
target_link_libraries(MLAStaticLLVM INTERFACE -Wl,--start-group MLAStandIns ${archives} -Wl,--end-group
                                              Threads::Threads ${CMAKE_DL_LIBS} m)
# LLD optimizes bitcode with Polly, which Debian has no archive of; what is linked here is machine code.
target_link_options(MLAStaticLLVM INTERFACE -static-libstdc++ -static-libgcc LINKER:--defsym=_Z18getPollyPluginInfov=0)
set(MLA_LLVM_LIBRARY MLAStaticLLVM)
set_target_properties(lldCommon LLVMSupport PROPERTIES INTERFACE_LINK_LIBRARIES MLAStaticLLVM)
set_target_properties(lldELF PROPERTIES INTERFACE_LINK_LIBRARIES "lldCommon;MLAStaticLLVM")

function(mlir_target_link_libraries target type)
  target_link_libraries(${target} ${type} MLAStaticLLVM)
endfunction()
