//===- Core.h - Kernels that no function computes ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_CORE_H
#define MLA_CONVERSION_MLATOGPU_CORE_H

#include "mla/launch_abi.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace mla::gpu {

struct CoreLaunch {
  mlir::AffineExpr blocks;
  int64_t threads, sharedBytes;
  mlir::AffineExpr bytes = {}; ///< that the kernel has to move, if it is part of a step
};

/// Adds a core's launch list, of one launch. Its kernel, in `kernels`, has the core's name, and takes pointers to
/// `buffers`, then `integers`.
void addCore(mlir::ModuleOp module, mlir::gpu::GPUModuleOp kernels, schema::Core core, const CoreLaunch &launch,
             llvm::ArrayRef<llvm::StringRef> buffers, llvm::ArrayRef<mlir::AffineExpr> integers);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_CORE_H
