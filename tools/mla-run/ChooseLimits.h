//===- ChooseLimits.h - Limits of classes from their costs ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_CHOOSELIMITS_H
#define MLA_RUN_CHOOSELIMITS_H

#include "Tuned.h"

namespace mla::run {

/// Return the class that a size is of.
size_t classOf(int64_t size, const std::vector<int64_t> &limits);

/// Return the limits with the least product of the costs of all sizes, which ascend; the last class has a cost at each.
/// A class that is not the one of `limits` must be better by the factor `margin`. A limit between the same sizes as
/// before is kept.
std::vector<int64_t> chooseLimits(const std::vector<TunedSize> &sizes, const std::vector<int64_t> &limits,
                                  double margin);

} // namespace mla::run

#endif // MLA_RUN_CHOOSELIMITS_H
