//===- Check.cpp - mla-run --check ----------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Adapters.h"
#include "Digest.h"
#include "Golden.h"
#include "Modes.h"
#include "Replay.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>

using namespace mla;
using namespace mla::run;

bool mla::run::hasShortProducts(const mla_bundle_info &info) { return std::string_view(info.products) == "e4m3"; }

/// Return the error of a packed cache's rounding: without scales, small values are subnormals of e4m3, which have fewer
/// digits.
static double errorOfCache(const mla_bundle_info &info) {
  if (info.cache_dtype != MLA_I8)
    return 0;
  return std::string_view(info.cache_format) == "fp8_tensor" ? 8e-2 : 6e-2;
}

double mla::run::toleranceOfShortProducts(const mla_bundle_info &info) { return std::hypot(1e-1, errorOfCache(info)); }

double mla::run::toleranceOf(const Options &options, const mla_bundle_info &info) {
  if (options.tolerance)
    return *options.tolerance;
  if (hasShortProducts(info))
    return toleranceOfShortProducts(info);
  double ofCache = errorOfCache(info);
  if (ofCache > 0)
    return ofCache;
  return info.dtype == MLA_F32 ? 1e-4 : 2e-2;
}

void mla::run::noteRank(const mla_bundle_info &info, const char *fits) {
  if (info.tensor_parallel > 1)
    std::fprintf(stderr, "note: %s: rank %lld of %lld returns partial sums; %s\n", info.path,
                 static_cast<long long>(info.rank), static_cast<long long>(info.tensor_parallel), fits);
}

/// Return the hidden states of the real tokens, in the order of the batch.
static std::vector<float> packedStates(const GoldenStep &step, int64_t width) {
  std::vector<float> states;
  for (size_t row = 0; row < step.lengths.size(); ++row)
    for (int64_t i = 0; i < step.lengths[row] * width; ++i)
      states.push_back(goldenValue(*step.hidden, row * step.rowTokens() * width + i));
  return states;
}

/// Return the relative L2 error of the step's output.
static double compare(const Replay &replay, const GoldenStep &step, int64_t width) {
  double difference = 0, norm = 0;
  size_t at = 0;
  for (size_t row = 0; row < step.lengths.size(); ++row)
    for (int64_t i = 0; i < step.lengths[row] * width; ++i) {
      double want = goldenValue(*step.out, row * step.rowTokens() * width + i);
      double delta = replay.output(at++) - want;
      difference += delta * delta;
      norm += want * want;
    }
  if (norm == 0)
    return difference == 0 ? 0 : std::numeric_limits<double>::infinity();
  return std::sqrt(difference) / std::sqrt(norm);
}

static Result<double> replayStep(const Options &options, Replay &replay, const GoldenStep &step, int64_t width) {
  // A short prompt is also a prefill; a decode.N of more tokens than decode serves is a chunk of a prompt.
  mla_phase phase = step.isPrefill() ? MLA_PHASE_PREFILL : MLA_PHASE_AUTO;
  if (Error error = replay.run(phase, step.lengths, packedStates(step, width)))
    return error;
  note(options, step.out->name, replay.bytes(), replay.numBytes());
  return compare(replay, step, width);
}

static std::vector<int64_t> tokensOfRows(const Golden &golden) {
  std::vector<int64_t> tokens(golden.batch());
  for (const GoldenStep &step : golden.steps)
    for (size_t row = 0; row < tokens.size(); ++row)
      tokens[row] += step.lengths[row];
  return tokens;
}

/// Print one line per tensor; return whether its error is within the tolerance.
static bool report(const Options &options, const GoldenStep &step, double error, double tolerance) {
  bool passed = error <= tolerance; // false for NaN
  if (options.quiet)
    return passed;
  std::printf("%-14s  relative L2 error %.1e  (tolerance %.1e)  %s\n", step.out->name.c_str(), error, tolerance,
              passed ? "ok" : "FAILED");
  std::fflush(stdout);
  return passed;
}

Result<bool> mla::run::check(const Options &options, const mla_bundle *bundle) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  if (Result<SafetensorsFile> file = SafetensorsFile::open(options.goldenFile); file && isGoldenModel(*file))
    return checkModel(options, bundle, *file);
  Result<Golden> golden = openGolden(options.goldenFile, info);
  if (!golden)
    return golden.error();
  noteRank(info, "only a golden file of this rank's own outputs fits");
  Replay replay(bundle, options.layer.value_or(info.layers[0]));
  Result<std::vector<int32_t>> adapters = adaptersOf(options, info, golden->batch());
  if (!adapters)
    return adapters.error();
  if (Error error = replay.prepare(tokensOfRows(*golden), *adapters))
    return error;
  double tolerance = toleranceOf(options, info);
  size_t passed = 0;
  for (const GoldenStep &step : golden->steps) {
    Result<double> error = replayStep(options, replay, step, info.hidden_size);
    if (!error)
      return Error(error.error().kind(), step.name + ": " + error.error().message());
    passed += report(options, step, *error, tolerance);
    if (!options.quiet)
      replay.warnOfSaturation(step.name);
  }
  bool all = passed == golden->steps.size();
  if (!options.quiet)
    std::printf("%s: %zu of %zu tensors within tolerance\n", all ? "passed" : "FAILED", passed, golden->steps.size());
  return all;
}
