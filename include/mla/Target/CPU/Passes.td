//===- Passes.td - From linalg to the host's code ----------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TARGET_CPU_PASSES_TD
#define MLA_TARGET_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def MLACPUVectorize : Pass<"mla-cpu-vectorize", "::mlir::func::FuncOp"> {
  let summary = "Tile and vectorise products of static shape";
  let description = [{
    A `linalg.matmul` of static shape becomes loops over tiles whose sums stay
    in registers and an outer product a step. Tiles are the largest divisors of
    the sizes up to `rows` and `columns`; with AVX-512, 8 x 32 takes 16 of 32
    registers for sums. What else linalg holds is left to loops, which LLVM
    vectorises.
  }];
  let options = [
    Option<"rows", "rows", "int64_t", "8", "rows of a tile at most">,
    Option<"columns", "columns", "int64_t", "32", "columns of a tile at most">,
    Option<"depth", "depth", "int64_t", "4", "steps of the sum unrolled at most">
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"
  ];
}

def MLACPUBufferize : Pass<"mla-cpu-bufferize", "::mlir::ModuleOp"> {
  let summary = "One-shot bufferisation of whole functions";
  let description = [{
    Arguments and results are buffers of row-major layout. Copies become
    `linalg.copy`, which needs no runtime library for strided memory.
  }];
  let dependentDialects = [
    "::mlir::bufferization::BufferizationDialect", "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect"
  ];
}

def MLACPUDropReturned : Pass<"mla-cpu-drop-returned", "::mlir::func::FuncOp"> {
  let summary = "Drop results that are buffers of the caller's own";
  let description = [{
    A result that is an argument, such as the cache that was written in place,
    is no result. Upstream's `drop-equivalent-buffer-results` does this for
    private functions only.
  }];
}

def MLACPUMath : Pass<"mla-cpu-math", "::mlir::func::FuncOp"> {
  let summary = "Exponentials as polynomials";
  let description = [{
    A polynomial of the fraction and an exponent shift, which LLVM vectorises
    where a call of the C library would stand in the way.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}

def MLACPUOutline : Pass<"mla-cpu-outline", "::mlir::ModuleOp"> {
  let summary = "Make a function of every parallel loop's body";
  let description = [{
    A bufferised `scf.forall` becomes `mla.spawn` of a function that takes what
    the body uses and the linear index of an iteration. Buffers that the body
    allocates move out of the loop, once for every thread: a body must not find
    that there is no memory. Their sizes must be static, and no iteration of a
    loop in the body may give a buffer to the next: all have one place for it.
  }];
  let dependentDialects = [
    "::mla::MLADialect", "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::memref::MemRefDialect"
  ];
}

def MLACPUAllocations : Pass<"mla-cpu-allocations", "::mlir::ModuleOp"> {
  let summary = "Take memory from the runtime, and return where it has none";
  let description = [{
    Calls of `malloc` and `free` become calls of `mla_allocate` and
    `mla_release` (`mla/abi.h`). A function that gets no memory returns at once,
    and so does who calls it; whoever calls the first of them asks
    `mla_out_of_memory`. What runs in parallel must not allocate.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def MLACPUMarkEntries : Pass<"mla-cpu-mark-entries", "::mlir::func::FuncOp"> {
  let summary = "Ask for a C interface of every public function";
}

def MLACPUEntries : Pass<"mla-cpu-entries", "::mlir::ModuleOp"> {
  let summary = "Give every public function the entry point that the runtime calls";
  let description = [{
    Adds `mla_entry_<name>(ptr descriptors)` (`mla/abi.h`) to every function
    that has a C interface: it loads the pointers to memref descriptors, in the
    order of arguments and then results, and calls the C interface with them.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // MLA_TARGET_CPU_PASSES_TD
