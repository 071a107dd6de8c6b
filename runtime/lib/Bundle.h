//===- Bundle.h - An open bundle --------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_BUNDLE_H
#define MLA_RUNTIME_BUNDLE_H

#include "BundleChoices.h"
#include "Comm.h"
#include "Device.h"
#include "GpuCode.h"
#include "Manifest.h"
#include "WeightFiles.h"

#include "mla/runtime.h"

/// Immutable once open, so that threads may share it; except for limits of choices, which a caller may replace.
struct mla_bundle {
  std::string path;
  mla::Manifest manifest;
  mla_bundle_info info = {};
  std::vector<mla_entry_info> entries;
  std::vector<const char *> adapters;
  std::vector<mla_kernel_info> kernels; ///< in the order of their names
  std::vector<mla::BundleChoice> choices;
  std::optional<mla::WeightFiles> weights;
  /// The weights of layer l for entry e, at l * number of entries + e.
  std::vector<std::vector<mla::Tensor>> bound;
  std::vector<mla::Tensor> boundEnds[mla::numEnds];
  mla::CommUse comm; ///< that code and kernels use; null if they are of one rank
  /// Exactly one of the two is set, or neither if the bundle is only inspected.
  std::unique_ptr<mla::Code> code;
  std::unique_ptr<mla::GpuCode> gpu;

  const std::vector<mla::Tensor> &boundWeights(size_t layerIndex, size_t entry) const {
    return bound[layerIndex * entries.size() + entry];
  }
  /// Runs an entry with a layer's weights on host arrays.
  mla::Error runOnHost(size_t layerIndex, size_t entry, mla::EntryArguments arguments) const {
    const std::vector<mla::Tensor> &weights = boundWeights(layerIndex, entry);
    arguments.weights = weights.data();
    arguments.numWeights = static_cast<int64_t>(weights.size());
    return code->run(static_cast<int64_t>(entry), arguments);
  }
  /// Runs an end of a model on host arrays.
  mla::Error runEnd(mla::End end, const mla::Tensor &in, const mla::Tensor &out) const {
    const std::vector<mla::Tensor> &weights = boundEnds[static_cast<size_t>(end)];
    return code->runEnd(end, {in, weights.data(), static_cast<int64_t>(weights.size()), out});
  }
  /// Returns the number of the choice of a launch's kernel, or -1.
  int64_t choiceOf(const mla::LaunchList &list, const mla::Launch &launch) const;
  /// Returns the index of a layer number in the manifest's list, or -1.
  int64_t layerIndex(int64_t layer) const;
};

namespace mla {

/// Finds, checks and lays out the weights of every layer and entry.
Error bindWeights(mla_bundle &bundle);

/// Selects the entry of a layer for a step with at most this many query tokens, and tokens in total, per sequence.
Result<int64_t> selectEntry(const char *function, const mla_bundle &bundle, int64_t layer, mla_phase phase,
                            int64_t maxQueries, int64_t maxLength);

} // namespace mla

#endif // MLA_RUNTIME_BUNDLE_H
