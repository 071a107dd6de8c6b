//===- StepCheck.h - The check of a step's tables ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_STEPCHECK_H
#define MLA_CONVERSION_MLATOGPU_STEPCHECK_H

#include "mla/launch_abi.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace mla::gpu {

/// Kernels of checks have a warp per sequence.
inline constexpr int64_t checkedSequencesOfBlock = 4, checkThreads = 32 * checkedSequencesOfBlock;

/// Adds the launch list of a check, whose kernel has the core's name and takes pointers to `buffers`, then `integers`.
void addCheck(mlir::ModuleOp module, mlir::gpu::GPUModuleOp kernels, schema::Core core,
              llvm::ArrayRef<llvm::StringRef> buffers, llvm::ArrayRef<mlir::AffineExpr> integers);

/// Adds the core `step_check` (mla/abi.h) to the module, and its kernel to `kernels`: one warp per sequence finds the
/// first fault, mla_step_fault, in cu_seqlens, lengths and the block table, and writes an mla_step_verdict. No layer
/// launches it. `page` is tokens per page.
void addStepCheck(mlir::ModuleOp module, mlir::gpu::GPUModuleOp kernels, int64_t page);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_STEPCHECK_H
