//===- Options.h - The command line of mla-run ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_OPTIONS_H
#define MLA_RUN_OPTIONS_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mla::run {

/// The checksum of a result.
struct Digest {
  std::string result;
  uint64_t sum;
};

struct Options {
  enum class Mode { Check, SelfCheck, Generate, Bench, Profile, Tune, Info, Certificate };

  Mode mode = Mode::Info;
  std::string bundle;
  std::optional<int64_t> layer; ///< Default: the bundle's first.
  // --check and --self-check
  std::string goldenFile;
  std::optional<double> tolerance;
  std::vector<std::string> adapters; ///< names or numbers, or "none"; empty: no sequence has one
  // --self-check, and --seed of --generate
  uint64_t seed = 1;
  std::string weights, configFile;
  // --generate
  std::vector<std::string> prompts;          ///< IDS or @FILE
  int64_t newTokens = 16, maxSequences = -1; ///< -1: all
  double temperature = 0, topP = 0;
  int64_t topK = 0;
  std::vector<int32_t> stop; ///< empty: the model's
  bool ignoreStop = false;
  // --profile
  std::string traceFile; ///< "": none
  // --tune
  std::vector<int64_t> sizes; ///< of steps; empty: the mode's default
  // --bench, --profile and --tune
  bool prefill = false;
  int64_t batch = -1, context = -1, steps = -1, tokens = -1; ///< -1: the mode's default
  bool json = false;
  // On the emulated device
  bool emulate = false, counters = false;
  // Of several ranks
  int64_t rank = -1; ///< that this process runs; -1: all, as threads
  std::string idFile;
  double timeoutSeconds = 60;
  // Not of the command line: of one of several ranks.
  bool quiet = false;                     ///< another prints
  std::vector<Digest> *digests = nullptr; ///< of the results; null: not wanted
};

/// Parse the command line. Return the exit status if there is nothing left to do (--help, or a usage error, which is
/// printed).
std::optional<int> parseOptions(int argc, char **argv, Options &options);

} // namespace mla::run

#endif // MLA_RUN_OPTIONS_H
