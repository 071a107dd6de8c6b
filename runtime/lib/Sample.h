//===- Sample.h - The choice of a token ----------------------- -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_SAMPLE_H
#define MLA_RUNTIME_SAMPLE_H

#include "mla/error.h"
#include "mla/runtime.h"

#include <optional>

namespace mla {

/// Copies and checks how tokens are chosen; null is the likeliest.
Result<mla_sampling> checkSampling(const char *function, const mla_sampling *given);

/// Chooses a token from `count` logits, at least one; none if one is NaN.
std::optional<int32_t> chooseToken(const mla_sampling &sampling, const float *logits, int64_t count, uint64_t sequence,
                                   uint64_t position);

} // namespace mla

#endif // MLA_RUNTIME_SAMPLE_H
