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
  std::string module = "self_attn.", outName = "o_proj", gateName = "g_proj"; ///< in the checkpoint
  bool twoAttentions = false;                                                 ///< of a layer of the checkpoint
  int64_t groupSize = 0;                       ///< columns of a group of integers; 0: equal groups
  int64_t zeroOffset = -1;                     ///< what to add to GPTQ's zeros; -1: not said
  int64_t blockRows = 128, blockColumns = 128; ///< that one e4m3 scale is for
};

/// `where` stands before messages. Sizes are the bundle's.
Result<Semantics> readSemantics(const std::string &where, const json::Value &config, const mla_bundle_info &info);

} // namespace mla::run

#endif // MLA_RUN_SEMANTICS_H
