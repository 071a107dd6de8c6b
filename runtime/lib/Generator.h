//===- Generator.h - Sequences that join and end ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_GENERATOR_H
#define MLA_RUNTIME_GENERATOR_H

#include "DecodeGraph.h"

#include <deque>
#include <optional>
#include <vector>

/// Above the C API's batches. What it says of a sequence's tokens follows from two rules: a prompt is a batch of its
/// own, and a token is chosen from its sequence's logits, number and position alone.
struct mla_generator {
  mla_generator(const mla_bundle *bundle, mla_cache *cache, int64_t maxSequences, const mla_sampling &sampling,
                std::vector<int32_t> stop);
  ~mla_generator();

  mla::Error add(int64_t number, const int32_t *prompt, int64_t count, int64_t newTokens);
  mla::Error step(std::vector<mla_generated> &made);
  int64_t mostSequences() const { return maxSequences; }

private:
  struct Waiting {
    int64_t number;
    std::vector<int32_t> prompt;
    int64_t newTokens;
  };
  struct Running {
    int64_t number;
    mla_sequence sequence;
    int32_t last;      ///< the token that the next step appends
    int64_t length;    ///< cached tokens
    int64_t remaining; ///< tokens to make
  };
  using Tokens = std::vector<std::optional<int32_t>>;

  const mla_bundle *bundle;
  const mla_bundle_info &info;
  mla_cache *cache;
  int64_t maxSequences;
  mla_sampling sampling;
  std::vector<int32_t> stop;
  std::deque<Waiting> waiting;
  std::vector<Running> running;
  std::unique_ptr<mla::DecodeGraph> graph; ///< of all that run, on a GPU between steps of the same sequences
  bool failed = false;

  /// Returns the pages of this rank that so many tokens take, the same on all ranks.
  int64_t pagesOf(int64_t tokens) const {
    int64_t span = info.page * info.token_ranks;
    return (tokens + span - 1) / span;
  }
  mla::Error checkPrompt(const int32_t *prompt, int64_t count, int64_t newTokens) const;
  bool hasRoom(const Waiting &next) const;
  mla::Error runOrJoin(std::vector<mla_generated> &made);
  mla::Error join(const Waiting &next, std::vector<mla_generated> &made);
  mla::Error runPrompt(Running &sequence, const std::vector<int32_t> &prompt);
  mla::Error runBatch(const std::vector<mla_sequence> &sequences, const std::vector<int32_t> &counts,
                      const std::vector<int32_t> &ids, std::vector<float> &logits) const;
  mla::Error decode(std::vector<mla_generated> &made);
  mla::Result<Tokens> decodeOnHost();
  mla::Result<Tokens> decodeOnDevice();
  mla::Error prepareGraph();
  mla::Error endGraph();
  std::optional<int32_t> choose(const Running &sequence, const float *logits) const;
  mla_generated append(Running &sequence, int32_t token) const;
  mla::Error freeFinished(const std::vector<mla_generated> &made);
};

#endif // MLA_RUNTIME_GENERATOR_H
