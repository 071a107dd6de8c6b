//===- RouteAndSort.h - The experts of few tokens, sorted -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_ROUTEANDSORT_H
#define MLA_CONVERSION_MLATOGPU_SM90_ROUTEANDSORT_H

#include "Route.h"
#include "SortChoices.h"

namespace mla::gpu {

/// mla.route and mla.sort_choices of up to `mostTokens` tokens. Every CTA routes all tokens, one per warp, and sorts
/// their choices, of which a thread has one: no CTA needs another. Each copies some rows.
struct RouteAndSortShape {
  RouteShape route;
  SortChoicesShape sort;

  static constexpr int64_t mostTokens = 8, threads = 32 * mostTokens, blocks = 16;
  static constexpr int64_t sharedBytes = 2 * 4 * threads; ///< experts of choices, then choices in their order
  std::string name() const { return route.name() + "_" + sort.name(); }
};

/// Adds the kernel to the module, if it is not there. Arguments: logits f32, the correction f32 if there is one;
/// experts i32, weights f32, x, rows, order i32, first i32; tokens, elements between rows of logits, and of x. Grid:
/// blocks.
void emitRouteAndSort(mlir::gpu::GPUModuleOp module, const RouteAndSortShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_ROUTEANDSORT_H
