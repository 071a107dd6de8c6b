//===- WeightSpec.h - Weights without data ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The code of a layer depends only on the shapes and element types of its
// weights. Weights are read or generated only when requested.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_IMPORT_WEIGHTSPEC_H
#define MLA_IMPORT_WEIGHTSPEC_H

#include "mla/Import/LayerWeights.h"

namespace mla::importer {

/// A low-rank update: the weight W [out, in] is used as W + scale · B A.
struct WeightUpdate {
  std::string nameA, nameB; ///< Of the tensors A [rank, in] and B [out, rank].
  int64_t rank = 0;
  double scale = 1.0;
  DType typeA = DType::F32, typeB = DType::F32;
};

/// The updates of a weight W [out, in] by several adapters that are not merged; see UnmergedAdapters.h.
struct WeightUpdates {
  std::string nameA, nameB; ///< Of the tensors [count, rank, in] and [count, out, rank], in F32.
  int64_t count = 0, rank = 0;
};

/// A weight's name, shape and element type, and its update.
struct WeightSpec {
  ExpectedWeight expected;
  DType dtype;
  /// The packed form in which the checkpoint has it; "" if it has this element type there.
  std::string form = {};
  std::optional<WeightUpdate> update = std::nullopt; ///< Merged.
  std::optional<WeightUpdates> updates = std::nullopt;

  /// Its scales are expected.scale.
  bool isScaled() const { return dtype == DType::F8_E4M3; }
};

/// Return the spec of a weight that was found.
WeightSpec makeSpec(Checkpoint &checkpoint, const LayerWeight &weight);

/// Return the element type of a weight according to the config, used for generated weights.
DType announcedDType(const AttentionConfig &config, const ExpectedWeight &weight);

/// Return the weights of a layer according to the config.
std::vector<WeightSpec> announcedSpecs(const AttentionConfig &config, int64_t layer);

/// Return the weights of the first of `layers`, after findLayerWeights has found them all. The layers share code, so
/// that every weight of the others must have the element type of the first one's.
llvm::Expected<std::vector<WeightSpec>> findSpecs(Checkpoint &checkpoint, const AttentionConfig &config,
                                                  llvm::ArrayRef<int64_t> layers);

} // namespace mla::importer

#endif // MLA_IMPORT_WEIGHTSPEC_H
