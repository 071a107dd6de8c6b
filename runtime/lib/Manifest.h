//===- Manifest.h - manifest.json -------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_MANIFEST_H
#define MLA_RUNTIME_MANIFEST_H

#include "LaunchList.h"

#include "mla/cache_format.h"
#include "mla/error.h"
#include "mla/runtime.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace mla {

/// Both ends are inclusive; a last of -1 is no bound.
struct ManifestRange {
  int64_t first = 0, last = -1;
  bool covers(int64_t number) const { return number >= first && (last == -1 || number <= last); }
};

struct ManifestEntry {
  std::string symbol;
  mla_phase phase = MLA_PHASE_PREFILL;
  std::string q, o;
  ManifestRange tokens, contexts;
  std::vector<std::string> weights;
  std::vector<int64_t> layers; ///< that it serves, ascending; empty: all
  LaunchList launches;         ///< of a target that has kernels

  bool serves(int64_t layer) const { return layers.empty() || std::binary_search(layers.begin(), layers.end(), layer); }
};

/// The ends of a model: from token ids to hidden states, and from hidden states to logits.
enum class End { Embed, Logits };
constexpr size_t numEnds = 2;
/// Returns the kind of its launch list, of a target that has kernels.
constexpr schema::Core coreOf(End end) { return end == End::Embed ? schema::Core::Embed : schema::Core::Logits; }

struct ManifestEnd {
  std::string symbol; ///< empty: the bundle is of layers
  std::vector<std::string> weights;
};

/// The fields of abi.h, checked one by one and against each other.
struct Manifest {
  std::string producer, target, isa, products, cacheFormat, modelType, plan;
  mla_dtype dtype = MLA_F32, cacheDType = MLA_F32;
  schema::CacheFormat cacheLayout = schema::CacheFormat::Standard; ///< cacheFormat is its name
  int64_t page = 0, tensorParallel = 0, rank = 0;
  int64_t ranks = 1, groupRank = 0; ///< that run together, with a communicator
  int64_t tokenRanks = 1;           ///< ranks that share the tokens of a sequence
  int64_t hiddenSize = 0, numAttentionHeads = 0, heads = 0, firstHead = 0, qLoraRank = 0, kvLoraRank = 0;
  int64_t qkNopeHeadDim = 0, qkRopeHeadDim = 0, vHeadDim = 0;
  int64_t streams = 1;               ///< rows of hiddenSize per token of hidden states
  std::string scope;                 ///< "layer" or "model"; "": attentions
  int64_t vocabSize = 0;             ///< 0: the bundle is of layers
  std::vector<int32_t> stopTokens;   ///< that end a text
  int64_t maxContext = 0;            ///< tokens of the longest text; 0: unknown
  int64_t madeWeights = 0;           ///< bytes of weights that are made on the device; 0: the bundle has them
  std::vector<std::string> adapters; ///< names of those that sequences choose from
  bool ownCacheRows = false;         ///< rows of the cache depend on the sequence's adapter
  double rmsNormEps = 0, ropeTheta = 0, cacheScale = 1;
  std::vector<int64_t> layers;
  std::vector<ManifestEntry> entries;
  ManifestEnd ends[numEnds];                         ///< by End
  std::map<std::string, int64_t> files;              ///< exact sizes, in bytes
  Kernels kernels;                                   ///< that launch lists name
  std::optional<LaunchList> cores[schema::numCores]; ///< by schema::Core, with those of ends

  /// Returns the row of the GPU target, or null if the bundle is for the CPU.
  const schema::GpuTargetRow *gpuTarget() const { return schema::findGpuTarget(target); }
  bool hasKernels() const { return gpuTarget(); }
  /// Returns the launch list, or null.
  const LaunchList *find(schema::Core core) const {
    const std::optional<LaunchList> &list = cores[static_cast<unsigned>(core)];
    return list ? &*list : nullptr;
  }
};

/// `path` is for messages only.
Result<Manifest> parseManifest(const std::string &path, std::string_view text);

} // namespace mla

#endif // MLA_RUNTIME_MANIFEST_H
