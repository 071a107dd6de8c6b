//===- Check.cpp - mla-run --check ----------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Float.h"
#include "Golden.h"
#include "Memory.h"
#include "Modes.h"

#include "mla/abi.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

using namespace mla;
using namespace mla::run;

namespace {
/// Runs the steps of a golden file, one after the other, on one sequence a row.
class Replay {
public:
  Replay(const mla_bundle *bundle, const Golden &golden, int64_t layer)
      : bundle(bundle), info(*mla_bundle_get_info(bundle)), golden(golden), layer(layer), hidden(info), out(info) {}

  Error prepare();
  /// The relative L2 error of the step's out.
  Result<double> run(const GoldenStep &step);

private:
  const mla_bundle *bundle;
  const mla_bundle_info &info;
  const Golden &golden;
  int64_t layer;
  Cache cache;
  std::vector<mla_sequence> rows;
  Array hidden, out;

  size_t elementBytes() const { return info.dtype == MLA_F32 ? 4 : 2; }
  Error poison();
  Error runBatch(const GoldenStep &step);
  Error pack(const GoldenStep &step);
  double compare(const GoldenStep &step) const;
};
} // namespace

static void store(mla_dtype dtype, char *to, size_t index, float value) {
  uint16_t narrow = roundToBF16(value);
  if (dtype == MLA_F32)
    std::memcpy(to + index * 4, &value, 4);
  else
    std::memcpy(to + index * 2, &narrow, 2);
}

static float load(mla_dtype dtype, const char *from, size_t index) {
  uint32_t wide = 0;
  uint16_t narrow = 0;
  if (dtype == MLA_F32)
    return std::memcpy(&wide, from + index * 4, 4), floatFromBits(wide);
  return std::memcpy(&narrow, from + index * 2, 2), widenBF16(narrow);
}

/// Fills the cache with NaN: what no token was written to must not be used, not even times zero.
Error Replay::poison() {
  void *data = nullptr;
  int64_t dims[3];
  mla_dtype dtype;
  if (Error error = toError(mla_cache_pages(cache.get(), layer, &data, dims, &dtype)))
    return error;
  int64_t pageElements = dims[1] * dims[2];
  std::vector<char> page(pageElements * (dtype == MLA_F32 ? 4 : 2));
  for (int64_t i = 0; i < pageElements; ++i)
    store(dtype, page.data(), i, std::numeric_limits<float>::quiet_NaN());
  for (int64_t i = 0; i < dims[0]; ++i)
    if (Error error = writeTo(info, static_cast<char *>(data) + i * page.size(), page.data(), page.size()))
      return error;
  return {};
}

Error Replay::prepare() {
  int64_t pages = 0;
  for (int64_t row = 0; row < golden.batch(); ++row) {
    int64_t tokens = 0;
    for (const GoldenStep &step : golden.steps)
      tokens += step.lengths[row];
    pages += (tokens + info.page - 1) / info.page;
  }
  mla_cache *made = nullptr;
  // Spare pages, and all of them shuffled: consecutive numbers would hide a wrong block table.
  if (Error error = toError(mla_cache_create(bundle, 2 * pages + 7, &made)))
    return error;
  cache.reset(made);
  if (Error error = toError(mla_cache_shuffle(made, 1)))
    return error;
  rows.resize(golden.batch());
  for (mla_sequence &row : rows)
    if (Error error = toError(mla_sequence_create(made, &row)))
      return error;
  return poison();
}

/// Gathers the real tokens in the order of the batch.
Error Replay::pack(const GoldenStep &step) {
  int64_t width = info.hidden_size, tokens = 0;
  for (int64_t length : step.lengths)
    tokens += length;
  if (Error error = hidden.resize(tokens * width * elementBytes()))
    return error;
  if (Error error = out.resize(hidden.size()))
    return error;
  size_t at = 0;
  for (size_t row = 0; row < step.lengths.size(); ++row)
    for (int64_t i = 0; i < step.lengths[row] * width; ++i)
      store(info.dtype, hidden.host(), at++, goldenValue(*step.hidden, row * step.rowTokens() * width + i));
  // An element that the entry does not write must not pass.
  for (size_t i = 0; i < at; ++i)
    store(info.dtype, out.host(), i, std::numeric_limits<float>::quiet_NaN());
  if (Error error = hidden.send())
    return error;
  return out.send();
}

double Replay::compare(const GoldenStep &step) const {
  int64_t width = info.hidden_size;
  double difference = 0, norm = 0;
  size_t at = 0;
  for (size_t row = 0; row < step.lengths.size(); ++row)
    for (int64_t i = 0; i < step.lengths[row] * width; ++i) {
      double want = goldenValue(*step.out, row * step.rowTokens() * width + i);
      double delta = load(info.dtype, out.host(), at++) - want;
      difference += delta * delta;
      norm += want * want;
    }
  if (norm == 0)
    return difference == 0 ? 0 : std::numeric_limits<double>::infinity();
  return std::sqrt(difference) / std::sqrt(norm);
}

Error Replay::runBatch(const GoldenStep &step) {
  std::vector<mla_sequence> sequences;
  std::vector<int32_t> tokens;
  for (size_t row = 0; row < rows.size(); ++row)
    if (step.lengths[row]) {
      sequences.push_back(rows[row]);
      tokens.push_back(static_cast<int32_t>(std::min<int64_t>(step.lengths[row], INT32_MAX)));
    }
  mla_batch *begun = nullptr;
  if (Error error = toError(mla_batch_begin(cache.get(), sequences.data(), tokens.data(),
                                            static_cast<int64_t>(sequences.size()), &begun)))
    return error;
  Batch batch(begun);
  // A short prompt is a prefill too; a decode.N of more tokens than decode serves is a chunk of one.
  mla_phase phase = step.isPrefill() ? MLA_PHASE_PREFILL : MLA_PHASE_AUTO;
  if (Error error = toError(mla_run_layer(bundle, layer, begun, phase, hidden.address(), out.address())))
    return error;
  if (Error error = out.fetch())
    return error;
  return toError(mla_batch_commit(batch.release()));
}

Result<double> Replay::run(const GoldenStep &step) {
  if (Error error = pack(step))
    return error;
  if (Error error = runBatch(step))
    return error;
  return compare(step);
}

/// One line a tensor; whether it is within the tolerance.
static bool report(const GoldenStep &step, double error, double tolerance) {
  bool passed = error <= tolerance; // false for NaN
  std::printf("%-14s  relative L2 error %.1e  (tolerance %.1e)  %s\n", step.out->name.c_str(), error, tolerance,
              passed ? "ok" : "FAILED");
  std::fflush(stdout);
  return passed;
}

Result<bool> mla::run::check(const Options &options, const mla_bundle *bundle) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  Result<Golden> golden = openGolden(options.goldenFile, info);
  if (!golden)
    return golden.error();
  if (info.tensor_parallel > 1)
    std::fprintf(stderr,
                 "note: %s: rank %lld of %lld gives partial sums; only a golden file of this rank's own outputs fits\n",
                 info.path, static_cast<long long>(info.rank), static_cast<long long>(info.tensor_parallel));
  Replay replay(bundle, *golden, options.layer.value_or(info.layers[0]));
  if (Error error = replay.prepare())
    return error;
  double tolerance = options.tolerance.value_or(info.dtype == MLA_F32 ? 1e-4 : 2e-2);
  size_t passed = 0;
  for (const GoldenStep &step : golden->steps) {
    Result<double> error = replay.run(step);
    if (!error)
      return Error(error.error().kind(), step.name + ": " + error.error().message());
    passed += report(step, *error, tolerance);
  }
  bool all = passed == golden->steps.size();
  std::printf("%s: %zu of %zu tensors within tolerance\n", all ? "passed" : "FAILED", passed, golden->steps.size());
  return all;
}
