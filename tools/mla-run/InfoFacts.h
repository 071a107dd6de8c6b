//===- InfoFacts.h - Contents of --info -------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_INFOFACTS_H
#define MLA_RUN_INFOFACTS_H

#include "Handles.h"
#include "Source.h"
#include "Tuned.h"

#include "mla/abi.h"

#include <vector>

namespace mla::run {

/// The workspace of a step.
struct WorkspaceFact {
  mla_phase phase;
  int64_t sequences, tokens, context; ///< new tokens and all tokens per sequence
  uint64_t bytes;
};

/// The description of a bundle, printed as text or JSON.
struct InfoFacts {
  explicit InfoFacts(const mla_bundle *bundle) : bundle(bundle), info(*mla_bundle_get_info(bundle)) {}

  const mla_bundle *bundle;
  const mla_bundle_info &info;
  Source source;
  bool sourceIsRecorded = false;
  int64_t indexTopK = 0;                              ///< 0: the model's attention is not sparse
  std::string scope;                                  ///< "layer" or "model"; "": attentions
  std::vector<std::pair<std::string, int64_t>> files; ///< names and sizes in bytes
  std::string ptxVersion;                             ///< "" for a CPU
  std::vector<WorkspaceFact> workspaces;              ///< of a bundle for a GPU
  std::optional<Tuning> tuning;                       ///< what mla-run --tune wrote
};

Result<InfoFacts> gatherFacts(const mla_bundle *bundle);

void printInfoAsJson(const InfoFacts &facts);

/// Return the version of the bundle's format.
inline int formatOf(const mla_bundle_info &info) {
  if (info.ranks > 1)
    return MLA_BUNDLE_VERSION_WITH_RANKS;
  return info.num_adapters ? MLA_BUNDLE_VERSION : MLA_BUNDLE_VERSION_WITHOUT_ADAPTERS;
}

inline const char *nameOf(mla_dtype dtype) { return dtype == MLA_F32 ? "f32" : dtype == MLA_BF16 ? "bf16" : "i8"; }
inline uint64_t bytesOf(mla_dtype dtype) { return dtype == MLA_F32 ? 4 : dtype == MLA_BF16 ? 2 : 1; }
inline const char *nameOf(mla_phase phase) { return phase == MLA_PHASE_DECODE ? "decode" : "prefill"; }

} // namespace mla::run

#endif // MLA_RUN_INFOFACTS_H
