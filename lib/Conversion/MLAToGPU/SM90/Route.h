//===- Route.h - The experts of every token ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_ROUTE_H
#define MLA_CONVERSION_MLATOGPU_SM90_ROUTE_H

#include "Rows.h"

namespace mla::gpu {

/// mla.route, one warp per token. A lane has every 32nd expert.
struct RouteShape {
  int64_t experts = 0; ///< at most maxRoutedExperts
  int64_t chosen = 0;  ///< with those that are shared, at most maxChosen
  int64_t shared = 0;  ///< more experts of every token, with weight 1
  bool isSigmoid = false, isCorrected = false, isNormalized = false;
  int64_t groups = 1, kept = 1, best = 1; ///< at most maxGroups, groups, maxBest
  double factor = 1;
  int64_t parts = 1; ///< arrays of logits, one after the other, that are summed

  int64_t columns() const { return chosen + shared; } ///< of the results
  std::string name() const;
};

inline constexpr int64_t routeTokens = 4; ///< per CTA
inline constexpr int64_t routeThreads = 32 * routeTokens;
/// Limits: a lane stores a choice, a lane has the sum of a group; code is unrolled.
inline constexpr int64_t maxRoutedExperts = 1024, maxChosen = 32, maxGroups = 32, maxBest = 4;

/// A choice of a token: an expert's number and weight.
struct ExpertChoice {
  Val number, weight;
};
/// Loads this lane's corrections, which depend on no other kernel; none if the route has no correction.
Vals loadCorrections(KernelBuilder &k, const RouteShape &shape, Val correction);
/// Routes a token by a whole warp: lane i has its i-th choice. `row` has the logits of the first part, the others are
/// `partBytes` apart.
ExpertChoice routeToken(KernelBuilder &k, const RouteShape &shape, llvm::ArrayRef<Val> corrections, Val row,
                        Val partBytes);

/// Adds the kernel to the module, if it is not there. Arguments: logits f32, the correction f32 if there is one,
/// experts i32, weights f32; tokens, elements between rows of logits. Grid: ceil(tokens / routeTokens).
void emitRoute(mlir::gpu::GPUModuleOp module, const RouteShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_ROUTE_H
