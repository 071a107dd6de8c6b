//===- WeightScales.h - Scales of weights in e4m3 ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_WEIGHTSCALES_H
#define MLA_LIB_IMPORT_WEIGHTSCALES_H

#include "mla/Import/LayerWeights.h"

namespace mla::importer {

/// Return the scales that the config announces for a weight, named and shaped as in DeepSeek-V3's checkpoints.
std::optional<WeightScale> announcedScale(const AttentionConfig &config, const ExpectedWeight &weight);

/// Check a weight's type. Find and check the scales of a weight in e4m3.
llvm::Error findScale(Checkpoint &checkpoint, const AttentionConfig &config, LayerWeight &weight);

/// Reject a weight that the checkpoint has only in packed form, naming the form.
llvm::Error checkNotPacked(const Checkpoint &checkpoint, const AttentionConfig &config, const ExpectedWeight &weight);

/// Return whether the tensor is a constant scale of an activation or of a quantized cache.
bool isUnusedScale(llvm::StringRef name);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_WEIGHTSCALES_H
