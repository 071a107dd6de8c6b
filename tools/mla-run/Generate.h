//===- Generate.h - Tokens of a model ---------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_GENERATE_H
#define MLA_RUN_GENERATE_H

#include "Digest.h"
#include "Handles.h"
#include "Modes.h"

#include <vector>

namespace mla::run {

using Ids = std::vector<int32_t>;

/// Sequences of a model's bundle, which take tokens and give logits.
class Session {
public:
  explicit Session(const mla_bundle *bundle) : bundle(bundle), info(*mla_bundle_get_info(bundle)) {}

  /// Create sequences of up to lengths[i] tokens.
  Error prepare(const std::vector<int64_t> &lengths);
  /// Append tokens to every sequence, at least one. Fill `logits` with a row per sequence, or per token.
  Error run(const std::vector<Ids> &tokens, mla_logits which, std::vector<float> &logits);

private:
  const mla_bundle *bundle;
  const mla_bundle_info &info;
  Cache cache;
  std::vector<mla_sequence> sequences;
};

/// Return the index of the largest of a row's logits, of equal ones the first.
int32_t pickLargest(const float *logits, int64_t count);

/// Return the error of logits that are NaN.
Error areNaN(const mla_bundle_info &info);

/// Return an error if the bundle is not a model.
Error checkIsModel(const mla_bundle_info &info, const char *what);

} // namespace mla::run

#endif // MLA_RUN_GENERATE_H
