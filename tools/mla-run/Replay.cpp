//===- Replay.cpp - Steps through a paged cache --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Replay.h"
#include "Float.h"
#include "InfoFacts.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

using namespace mla;
using namespace mla::run;

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

/// Fill the cache with NaN: rows without a token must not be used, not even multiplied by zero.
Error Replay::poison() {
  void *data = nullptr;
  int64_t dims[3];
  mla_dtype dtype;
  if (Error error = toError(mla_cache_pages(cache.get(), layer, &data, dims, &dtype)))
    return error;
  std::vector<char> page(dims[1] * dims[2] * bytesOf(dtype), '\xff'); // no number in any type
  for (int64_t i = 0; i < dims[0]; ++i)
    if (Error error = writeTo(info, static_cast<char *>(data) + i * page.size(), page.data(), page.size()))
      return error;
  return {};
}

Error Replay::createRow(mla_sequence &row, int32_t adapter) {
  if (Error error = toError(mla_sequence_create(cache.get(), &row)))
    return error;
  return toError(mla_sequence_set_adapter(cache.get(), row, adapter));
}

Error Replay::prepare(const std::vector<int64_t> &rowTokens, const std::vector<int32_t> &adapters) {
  int64_t pages = 0;
  for (int64_t tokens : rowTokens)
    pages += pagesFor(info, tokens);
  mla_cache *made = nullptr;
  // Shuffle all pages, including spare ones: consecutive numbers would hide a wrong block table.
  if (Error error = toError(mla_cache_create(bundle, 2 * pages + 7, &made)))
    return error;
  cache.reset(made);
  if (Error error = toError(mla_cache_shuffle(made, 1)))
    return error;
  rows.resize(rowTokens.size());
  for (size_t row = 0; row < rows.size(); ++row)
    if (Error error = createRow(rows[row], adapters[row]))
      return error;
  return poison();
}

Error Replay::pack(const std::vector<float> &states) {
  uint64_t bytes = states.size() * (info.dtype == MLA_F32 ? 4 : 2);
  if (Error error = hidden.resize(bytes))
    return error;
  if (Error error = out.resize(bytes))
    return error;
  for (size_t i = 0; i < states.size(); ++i) {
    store(info.dtype, hidden.host(), i, states[i]);
    // Detect elements that the entry does not write.
    store(info.dtype, out.host(), i, std::numeric_limits<float>::quiet_NaN());
  }
  if (Error error = hidden.send())
    return error;
  return out.send();
}

/// A bundle of an earlier release cannot count on a device.
Error Replay::countSaturation(const mla_batch *batch) {
  saturation = {};
  mla_status status = mla_batch_saturation(bundle, layer, batch, &saturation);
  return status == MLA_UNSUPPORTED ? Error() : toError(status);
}

void Replay::warnOfSaturation(const std::string &step) const {
  if (!saturation.tokens)
    return;
  bool isKey = saturation.column >= info.kv_lora_rank, isLimit = std::isfinite(saturation.value);
  std::fprintf(
      stderr,
      "warning: %s: %s: the rows of %lld tokens in the cache hold numbers that %s: the first, of sequence "
      "%lld at position %lld, has %g in column %lld of %s%s\n",
      info.path, step.c_str(), static_cast<long long>(saturation.tokens),
      isLimit ? "are at the limit of e4m3" : "are not finite", static_cast<long long>(saturation.sequence),
      static_cast<long long>(saturation.position), saturation.value,
      static_cast<long long>(saturation.column - (isKey ? info.kv_lora_rank : 0)), isKey ? "k_rope" : "the latent",
      isLimit ? "; larger values were cut there: choose --cache-dtype=fp8_row, or a larger --cache-scale" : "");
}

Error Replay::runBatch(mla_phase phase, const std::vector<int64_t> &lengths) {
  std::vector<mla_sequence> sequences;
  std::vector<int32_t> tokens;
  for (size_t row = 0; row < rows.size(); ++row)
    if (lengths[row]) {
      sequences.push_back(rows[row]);
      tokens.push_back(static_cast<int32_t>(std::min<int64_t>(lengths[row], INT32_MAX)));
    }
  mla_batch *begun = nullptr;
  if (Error error = toError(mla_batch_begin(cache.get(), sequences.data(), tokens.data(),
                                            static_cast<int64_t>(sequences.size()), &begun)))
    return error;
  Batch batch(begun);
  if (Error error = toError(mla_select_entry(bundle, begun, phase, &lastEntry)))
    return error;
  if (Error error = toError(mla_run_layer(bundle, layer, begun, phase, hidden.address(), out.address())))
    return error;
  if (Error error = out.fetch())
    return error;
  if (Error error = countSaturation(begun))
    return error;
  return toError(mla_batch_commit(batch.release()));
}

Error Replay::run(mla_phase phase, const std::vector<int64_t> &lengths, const std::vector<float> &states) {
  if (Error error = pack(states))
    return error;
  return runBatch(phase, lengths);
}

float Replay::output(size_t index) const { return load(info.dtype, out.host(), index); }
