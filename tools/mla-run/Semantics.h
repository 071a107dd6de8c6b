//===- Semantics.h - What a config means ------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// A second reading of config.json, beside the compiler's: what --self-check
// compares with must not repeat its mistakes. As benchmarks/replay.py has it,
// which golden files confirm.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_SEMANTICS_H
#define MLA_RUN_SEMANTICS_H

#include "Json.h"

#include "mla/runtime.h"

#include <string>
#include <vector>

namespace mla::run {

/// What an attention layer computes, besides its sizes.
struct Semantics {
  double normEpsilon = 1e-6; ///< of the latents' norms, whatever rms_norm_eps says
  bool interleaved = true;   ///< RoPE turns neighbours, not halves
  std::vector<double> frequencies;
  double cosSinScale = 1, softmaxScale = 1;
  double queryScale = 1, latentScale = 1; ///< constants behind the norms
  double beta = 0;                        ///< of the query's scale by position; 0: none
  double originalLength = 1;
  int64_t mostTokens = INT64_MAX;              ///< beyond, an indexer would leave keys out
  int64_t window = INT64_MAX;                  ///< of last tokens that a query sees, its own among them
  bool hasSinks = false, normsKeyRope = false; ///< a logit per head in the softmax; a norm of the key's rotary part
  enum { NoGate, HeadGate, ElementGate } gate = NoGate;
  bool joinsGate = false;            ///< queries and gates are one projection of the query's latent, normed and not
  std::string module = "self_attn."; ///< in the checkpoint
  std::vector<std::pair<std::string, std::string>> names; ///< of its parts there, behind the usual ones
  bool twoAttentions = false;                             ///< of a layer of the checkpoint
  int64_t groupSize = 0;                                  ///< columns of a group of integers; 0: equal groups
  int64_t zeroOffset = -1;                                ///< what to add to GPTQ's zeros; -1: not said
  int64_t blockRows = 128, blockColumns = 128;            ///< that one e4m3 scale is for

  /// A name of a part in the checkpoint, "dense.weight" for "o_proj.weight".
  std::string ownName(const std::string &usual) const;
};

/// `where` stands before messages. Sizes are the bundle's.
Result<Semantics> readSemantics(const std::string &where, const json::Value &config, const mla_bundle_info &info);

} // namespace mla::run

#endif // MLA_RUN_SEMANTICS_H
