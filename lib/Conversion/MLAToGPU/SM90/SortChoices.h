//===- SortChoices.h - Choices of tokens, sorted by expert ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_SORTCHOICES_H
#define MLA_CONVERSION_MLATOGPU_SM90_SORTCHOICES_H

#include "mla/Conversion/MLAToGPU/KernelBuilder.h"

#include <string>

namespace mla::gpu {

/// mla.sort_choices: `choices` of `experts` per token, rows of `width` elements of two bytes, a multiple of 8, and of
/// `scales` f32.
struct SortChoicesShape {
  int64_t choices, experts, width;
  int64_t scales = 0;
  int64_t from = 0; ///< the number of the first expert
  std::string name() const;
};
/// CTAs of an expert.
inline constexpr int64_t sortParts = 8;
inline constexpr int64_t sortThreads = 256, sortSharedBytes = 2 * 4 * sortThreads / 32;

/// Adds the kernel, if it is not there: pointers x, experts, rows, order, first, and with scales those of x and of
/// rows; tokens, and the stride of x in elements. Grid: (experts + 1, sortParts); the last expert has the choices of
/// none.
void emitSortChoices(mlir::gpu::GPUModuleOp module, const SortChoicesShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_SORTCHOICES_H
