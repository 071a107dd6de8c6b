# Finds LLVM and MLIR as Debian's packages install them, linked as shared libraries, or with MLA_STATIC_LLVM as archives.
list(APPEND CMAKE_PREFIX_PATH /usr/lib/llvm-22)
# MLIR identifies traits and interfaces across libraries by type names as the compiler spells them, and Debian builds it
# with clang. Code built with g++ links, but hasTrait<…> is false for operations of MLIR.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "the compiler part is built with clang, like Debian's MLIR: -DCMAKE_CXX_COMPILER=clang++-22 "
                      "(the presets do so), or -DMLA_BUILD_COMPILER=OFF for the runtime alone")
endif()
if(NOT PROJECT_IS_TOP_LEVEL AND NOT TARGET MLIR) # targets found here are not visible in the parent
  message(FATAL_ERROR "mla-mlir as a subproject uses the MLIR that its parent found: "
                      "find_package(MLIR 22.1 REQUIRED CONFIG) before add_subdirectory")
endif()
find_package(MLIR 22.1 REQUIRED CONFIG)
find_package(LLD 22.1 REQUIRED CONFIG)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})

set(LLVM_LINK_LLVM_DYLIB ON)
set(MLIR_LINK_MLIR_DYLIB ON)
set(MLA_LLVM_LIBRARY LLVM)
set(LLVM_RUNTIME_OUTPUT_INTDIR ${PROJECT_BINARY_DIR}/bin)
set(LLVM_LIBRARY_OUTPUT_INTDIR ${PROJECT_BINARY_DIR}/lib)
include(TableGen)
include(AddLLVM)
include(AddMLIR)
include(HandleLLVMOptions)
if(MLA_STATIC_LLVM)
  include(MLAStaticLLVM)
endif()

include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
include_directories(${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include ${PROJECT_SOURCE_DIR}/runtime/include)
separate_arguments(LLVM_DEFINITIONS_LIST NATIVE_COMMAND ${LLVM_DEFINITIONS})
add_definitions(${LLVM_DEFINITIONS_LIST})
