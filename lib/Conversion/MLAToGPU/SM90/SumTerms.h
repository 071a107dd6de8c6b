//===- SumTerms.h - Sums in kernels' regions --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Chains of additions that end kernels, of which one term may be a weighted sum
// of choices.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_SUMTERMS_H
#define MLA_CONVERSION_MLATOGPU_SM90_SUMTERMS_H

#include "Elementwise.h"

#include "mla/Conversion/MLAToGPU/Views.h"

namespace mla::gpu {

/// Return whether the operation adds tensors.
bool isSum(mlir::Operation *op);
/// Return whether an operation whose only user is part of a sum is so too: an addition, or a cast of a term.
bool isPartOfSum(mlir::Operation *op);
/// Return the value before the rounding that ends a kernel.
mlir::Value beforeRounding(mlir::Value yielded);
/// Find the weighted sum of choices, of a single user, among the terms of a sum; null if there is none.
MixChoicesOp findMix(mlir::Operation *sum);

/// A sum in a kernel's region.
struct SumTerms {
  SumShape shape;
  llvm::SmallVector<View> terms; ///< of 'm', the rows of choices, if they are an operand
  MixChoicesOp mix;              ///< the term 'm', or null
};

/// Read a sum in the kernel's region, a tensor of memory, or a weighted sum of choices alone. Emits an error if no
/// kernel adds them.
mlir::FailureOr<SumTerms> readTerms(KernelOp kernel, mlir::Value sum);
/// Read the sum that the kernel yields.
mlir::FailureOr<SumTerms> readSum(KernelOp kernel);

/// Add the code of a sum to `module`, and return its launch. Rows of choices are in `rows`.
Launch launchOfSum(KernelOp kernel, mlir::gpu::GPUModuleOp module, const SumTerms &terms, Buffer rows = {},
                   Buffer weights = {});

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_SUMTERMS_H
