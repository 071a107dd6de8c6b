//===- Passes.td - Out of the mla dialect ------------------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_PASSES_TD
#define MLA_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

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
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
}

#endif // MLA_CONVERSION_PASSES_TD
