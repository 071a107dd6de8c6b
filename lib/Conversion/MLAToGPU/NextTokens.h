//===- NextTokens.h - The likeliest token of rows of logits -----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_NEXTTOKENS_H
#define MLA_CONVERSION_MLATOGPU_NEXTTOKENS_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace mla::gpu {

/// Adds the core `next` to the module, and its kernel to `kernels`: a CTA per row of logits, f32 [tokens, vocabulary],
/// writes the number of the largest, of equal ones the first; -1 if one is NaN. A row has a multiple of 16 bytes.
void addNextTokens(mlir::ModuleOp module, mlir::gpu::GPUModuleOp kernels, int64_t vocabulary);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_NEXTTOKENS_H
