//===- Passes.td - Into and out of the mla dialect ---------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_PASSES_TD
#define MLA_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def MLARaise : Pass<"mla-raise", "::mlir::func::FuncOp"> {
  let summary = "Recognise MLA in linalg on tensors";
  let description = [{
    TODO
  }];
  let options = [
    Option<"causalMasks", "causal-masks", "bool", "false",
           "masks that are arguments of a function are causal: the caller promises it">
  ];
  let statistics = [
    Statistic<"raised", "raised", "Layers raised">,
    Statistic<"declined", "declined", "Attentions that are no MLA">
  ];
  let dependentDialects = [
    "::mla::MLADialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
}

def MLAToLinalg : Pass<"mla-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Decompose mla operations into linalg on tensors";
  let description = [{
    Attention becomes a loop over pages (latent) or key tiles (naive) with the
    online softmax of FlashAttention (arXiv:2205.14135); independent rows are
    `scf.forall`. A cache becomes its pages, block table and lengths. Every
    linalg operation has static sizes in the dimensions that are worth tiling.
    Preserves values up to the order of summation.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"
  ];
}

def MLATilePrepare : Pass<"mla-tile-prepare", "::mlir::ModuleOp"> {
  let summary = "@prepare functions make a tile of their weight";
  let description = [{
    A function `@prepare.<weight>(weights…)` with bound weights becomes
    `@prepare.<weight>(weights…, offsets, tile)`: it writes to `tile` the box of
    the weight that starts at `offsets` (one a dimension, multiples of the tile's
    sizes). Where the weight is rounded for storage, `tile` is in f32 and a second
    one, last, gets the rounded elements, so that what was computed can be checked
    before it is rounded. The tile's sizes are the function's `mla.tile`, chosen
    and attached where it has none; they divide those of the weight.

    A product is made in place, in panels where the layout wants them. Everything
    else is `linalg` on the tile.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"
  ];
}

def MLAScheduleKernels : Pass<"mla-schedule-kernels", "::mlir::ModuleOp"> {
  let summary = "Decide tiles, stages and splits of every kernel";
  let description = [{
    Attaches a `#mla.schedule` to every `mla.kernel` that has none and changes
    nothing else. Choices depend on the kernel's kind and widths and on the
    function's phase and regime: those of a projection have the least predicted
    time for 64 tokens in decode, and in prefill where the regime has a last
    number of tokens, for 4096 else, and are right for any number.

    With `batch-invariant` what is computed for a sequence does not depend on the
    others in its batch, bit by bit: the splits of its pages are of a fixed size.
  }];
  let options = [
    Option<"batchInvariant", "batch-invariant", "bool", "false",
           "a sequence's results do not depend on its batch">
  ];
}

def ConvertMLAToGPU : Pass<"convert-mla-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Make code and launches of mla.kernel operations";
  let description = [{
    The generators of the kernels' kinds write functions into `gpu.module
    @kernels`, equal kernels once. A function of kernels becomes `mla.launches`
    of its name: arguments and results are the caller's memory (mla/abi.h, or
    what `mla.buffer` says), weights are memory by name, and what one kernel
    leaves another is scratch memory of the size of its type. Nothing is decided
    here: every choice is in the schedules. An attention alone for whose widths
    there is no kernel is left out and remarked on. A kernel `mla_probe` is added, with
    which the runtime checks an assumption of all others, and for an imported layer the launch list `@step_check`, with
    which an engine checks its tables.
  }];
  let dependentDialects = [
    "::mla::MLADialect", "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect"
  ];
}

#endif // MLA_CONVERSION_PASSES_TD
