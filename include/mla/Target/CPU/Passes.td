//===- Passes.td - From linalg to the host's code ----------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TARGET_CPU_PASSES_TD
#define MLA_TARGET_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def MLACPUShareEntries : Pass<"mla-cpu-share-entries", "::mlir::ModuleOp"> {
  let summary = "Keep one function of entries with equal code";
  let description = [{
    Phases with one form have the same code. Erases all but the first of such
    functions, whose `mla.entry_names` lists the names of the others;
    `mla-cpu-entries` gives it their entry points. Functions that are not the
    entries of a bundle stay.
  }];
}

def MLACPUVectorize : Pass<"mla-cpu-vectorize", "::mlir::func::FuncOp"> {
  let summary = "Tile and vectorise products of static shape";
  let description = [{
    Lowers a `linalg.matmul` of static shape to loops over tiles whose sums stay
    in registers, with one outer product per step. Tiles are the largest divisors
    of the sizes up to `rows` and `columns`; with AVX-512, 8 x 32 takes 16 of 32
    registers for sums. A right factor that is widened from bf16 is widened in
    the tile if that has one row. An elementwise operation with `mla.vector_rows`
    becomes a loop over vectors, its rows. Other linalg operations become loops,
    which LLVM vectorises.
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

def MLACPUMatrixTiles : Pass<"mla-cpu-matrix-tiles", "::mlir::func::FuncOp"> {
  let summary = "Multiply bf16 on AMX tiles";
  let description = [{
    Lowers every `linalg.generic` with `mla.matrix_tiles`, which `mla-to-linalg`
    emits, to operations of the `amx` dialect: sums [m, n] of f32 of the products
    of rows [m, k / 2, 2] and pairs [k / 2, n, 2] of bf16, with m and n multiples
    of 32 and k of 32. Runs on buffers. Sums are of f32 in another order than
    that of the loops (TDPBF16PS adds pairs first), and denormals count as zero.
  }];
  let dependentDialects = ["::mlir::amx::AMXDialect", "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
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

def MLACPUDropReturned : Pass<"mla-cpu-drop-returned", "::mlir::ModuleOp"> {
  let summary = "Drop results that are the caller's own buffers";
  let description = [{
    Drops a result that is an argument, such as a cache written in place. Calls
    use the operand instead. A function that is referred to otherwise than by
    `func.call` keeps its results, and an entry of a bundle its first one. Upstream's `drop-equivalent-buffer-results`
    does this only for private functions.
  }];
}

def MLACPUHoistAllocas : Pass<"mla-cpu-hoist-allocas", "::mlir::ModuleOp"> {
  let summary = "Allocate the stack of loops once per call";
  let description = [{
    Moves every `llvm.alloca` of a constant size to the entry block of its
    function. Elsewhere it allocates again each time it is reached, and a
    function frees its stack only when it returns: a loop over many tokens would
    exhaust it. What an iteration leaves there no other one reads.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def MLACPUMath : Pass<"mla-cpu-math", "::mlir::func::FuncOp"> {
  let summary = "Expand exponentials to polynomials";
  let description = [{
    Emits a polynomial of the fraction and an exponent shift, which LLVM
    vectorises, unlike a call of the C library.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}

def MLACPUOutline : Pass<"mla-cpu-outline", "::mlir::ModuleOp"> {
  let summary = "Outline the bodies of parallel loops";
  let description = [{
    A bufferised `scf.forall` becomes `mla.spawn` of a function that takes the
    values used by the body and the linear index of an iteration. Buffers
    allocated in the body move out of the loop, one per thread, because a body
    cannot report that memory is exhausted. Their sizes must be static,
    and no iteration of a loop in the body may pass a buffer to the next, because
    all iterations share one place for it.
  }];
  let dependentDialects = [
    "::mla::MLADialect", "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::memref::MemRefDialect"
  ];
}

def MLACPUAllocations : Pass<"mla-cpu-allocations", "::mlir::ModuleOp"> {
  let summary = "Allocate memory from the runtime, and return on failure";
  let description = [{
    Calls of `malloc` and `free` become calls of `mla_allocate` and
    `mla_release` (`mla/abi.h`). A function that gets no memory returns at once,
    and so do its callers; the outermost caller checks `mla_out_of_memory`.
    Parallel code must not allocate.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def MLACPUMarkEntries : Pass<"mla-cpu-mark-entries", "::mlir::func::FuncOp"> {
  let summary = "Request a C interface for every public function";
}

def MLACPUEntries : Pass<"mla-cpu-entries", "::mlir::ModuleOp"> {
  let summary = "Add the entry points that the runtime calls";
  let description = [{
    Adds `mla_entry_<name>(ptr descriptors)` (`mla/abi.h`) to every function
    that has a C interface: it loads the pointers to memref descriptors, in the
    order of arguments and then results, and calls the C interface with them.
    Adds one for every name of `mla.entry_names` too.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // MLA_TARGET_CPU_PASSES_TD
