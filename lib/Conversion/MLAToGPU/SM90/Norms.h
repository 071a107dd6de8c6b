//===- Norms.h - Norms in kernels' regions ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_NORMS_H
#define MLA_CONVERSION_MLATOGPU_SM90_NORMS_H

#include "Normalize.h"
#include "SumTerms.h"

namespace mla::gpu {

/// Return whether `last` is the norm of the sum, whose terms are all in memory.
bool isNormalizedSum(mlir::Operation *sum, mlir::Operation *last);

/// Return the norm if `op` joins its columns and then those of its input, which one kernel reads once; else null.
RmsNormOp findNormBesideInput(mlir::Operation *op);

/// Return the buffer of a norm's gamma. Emits an error if it is not f32.
mlir::FailureOr<Buffer> gammaOf(RmsNormOp op);

/// A norm of rows, or of a sum of rows.
struct Norm {
  RmsNormOp op;
  NormalizeShape shape;
  SumTerms x;
  Buffer gamma;
  int64_t resultWidth = 0; ///< columns of the tensor that y is in, and x if it is stored

  /// Return the arguments of NormalizeArguments; `results` are y, of e4m3 its scales, and x if it is stored.
  std::vector<Argument> argumentsOf(KernelOp kernel, llvm::ArrayRef<Buffer> results) const;
};

/// Read a norm in the kernel's region. Emits an error if no kernel computes it.
mlir::FailureOr<Norm> readNorm(KernelOp kernel, RmsNormOp op);

/// Add the code of a norm to `module`, and return its launch, with the arguments above.
Launch launchOfNorm(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Norm &norm, llvm::ArrayRef<Buffer> results);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_NORMS_H
