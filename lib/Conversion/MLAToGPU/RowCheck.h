//===- RowCheck.h - The check of a step's rows in a cache -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_ROWCHECK_H
#define MLA_CONVERSION_MLATOGPU_ROWCHECK_H

#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace mla::gpu {

/// Adds the core `row_check` (mla/abi.h) to the module, and its kernel to `kernels`: one warp per sequence counts the
/// new tokens whose row of the packed cache has a number of schema::limitsOf, and writes an mla_row_verdict. No layer
/// launches it.
void addRowCheck(mlir::ModuleOp module, mlir::gpu::GPUModuleOp kernels, CacheType cache);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_ROWCHECK_H
