//===- Sorting.h - Sorted choices in kernels' regions -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_SORTING_H
#define MLA_CONVERSION_MLATOGPU_SM90_SORTING_H

#include "SortChoices.h"

#include "mla/Conversion/MLAToGPU/Views.h"

namespace mla::gpu {

SortChoicesShape sortOf(SortChoicesOp op);

/// Add the code of the kernel's mla.sort_choices to `module`, and return its launch, which stores the first three
/// results. Emits an error if no kernel copies such rows.
mlir::FailureOr<Launch> launchOfSort(KernelOp kernel, mlir::gpu::GPUModuleOp module);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_SORTING_H
