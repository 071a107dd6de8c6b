//===- ReferenceModel.h - What --self-check compares with -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_REFERENCEMODEL_H
#define MLA_RUN_REFERENCEMODEL_H

#include "Options.h"
#include "ReferenceWeights.h"

namespace mla::run {

/// The weights of a layer and what they mean, from the best source there is: the checkpoint that is given, the one that
/// the bundle names, or the bundle's own weights.
class ReferenceModel {
public:
  Semantics semantics;
  LayerWeights weights;
  std::vector<LayerWeights> adapted; ///< With each adapter of the bundle that sequences choose from, by number.
  std::string description;           ///< of all that, for people

  Error load(const Options &options, const mla_bundle_info &info, int64_t layer);

private:
  // What the weights refer to.
  std::optional<Checkpoint> checkpoint;
  std::optional<AdapterWeights> adapter;
  std::vector<AdapterWeights> unmerged;
  std::optional<WeightFiles> own;

  Error adaptWeights(const std::vector<std::string> &adapterPaths, const mla_bundle_info &info, int64_t layer);
  Error fromCheckpoint(const std::string &adapterPath, const mla_bundle_info &info, int64_t layer);
  Error fromBundle(const mla_bundle_info &info, int64_t layer);
};

} // namespace mla::run

#endif // MLA_RUN_REFERENCEMODEL_H
