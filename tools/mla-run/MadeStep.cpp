//===- MadeStep.cpp - A step to measure -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MadeStep.h"
#include "Adapters.h"
#include "Float.h"
#include "InfoFacts.h"
#include "Random.h"

#include <cstring>

using namespace mla;
using namespace mla::run;

namespace {
/// Normal values, or bytes of a packed cache that are numbers, from a table with a seed: generating billions of values
/// would take longer than measuring.
class NormalValues {
public:
  explicit NormalValues(mla_dtype dtype);
  /// Write `count` consecutive values of the table from a position that depends on `seed`.
  void fill(void *to, uint64_t count, uint64_t seed) const;
  size_t elementBytes() const { return bytesOf(dtype); }

private:
  static constexpr uint64_t size = 1 << 20;
  mla_dtype dtype;
  std::vector<char> table;
};

} // namespace

NormalValues::NormalValues(mla_dtype dtype) : dtype(dtype), table(size * elementBytes()) {
  for (uint64_t i = 0; i < size; ++i) {
    if (dtype == MLA_I8) {
      table[i] = 0x20 | (mix(i) & 0x1f); // positive and small as e4m3, bf16 and f32
      continue;
    }
    float value = normal(i);
    uint16_t narrow = roundToBF16(value);
    if (dtype == MLA_F32)
      std::memcpy(&table[i * 4], &value, 4);
    else
      std::memcpy(&table[i * 2], &narrow, 2);
  }
}

void NormalValues::fill(void *to, uint64_t count, uint64_t seed) const {
  char *at = static_cast<char *>(to);
  for (uint64_t start = mix(seed) % size; count; start = 0) {
    uint64_t piece = std::min(count, size - start);
    std::memcpy(at, &table[start * elementBytes()], piece * elementBytes());
    at += piece * elementBytes();
    count -= piece;
  }
}

Error MadeStep::prepare() {
  if (options.layer)
    layers.assign(1, *options.layer);
  else
    layers.assign(info.layers, info.layers + info.num_layers);
  tokens = !options.prefill ? decodeTokens : options.tokens < 0 ? 1024 : options.tokens;
  context = options.context >= 0 ? options.context : options.prefill ? 0 : 4096;
  if (tokens * batchSize > INT32_MAX)
    return Error(ErrorKind::InvalidArgument, "mla-run: --tokens times --batch must stay below 2^31; lower one");
  int64_t pages = batchSize * pagesFor(info, context + tokens);
  mla_cache *made = nullptr;
  if (Error error = toError(mla_cache_create(bundle, pages, &made)))
    return error;
  cache.reset(made);
  if (Error error = toError(mla_cache_shuffle(made, 1)))
    return error;
  if (Error error = fillCache())
    return error;
  NormalValues values(info.dtype);
  uint64_t elements = tokens * batchSize * info.hidden_size * info.streams;
  if (Error error = hidden.resize(elements * values.elementBytes()))
    return error;
  if (Error error = out.resize(hidden.size()))
    return error;
  values.fill(hidden.host(), elements, 7);
  return hidden.send();
}

/// Set the context of every sequence, and fill every row of every layer.
Error MadeStep::fillCache() {
  NormalValues values(info.cache_dtype);
  for (int64_t layer : layers) {
    void *data = nullptr;
    int64_t dims[3];
    mla_dtype dtype;
    if (Error error = toError(mla_cache_pages(cache.get(), layer, &data, dims, &dtype)))
      return error;
    uint64_t rowBytes = dims[2] * values.elementBytes();
    std::vector<char> page(dims[1] * rowBytes);
    for (int64_t i = 0; i < dims[0]; ++i) {
      for (int64_t row = 0; row < dims[1]; ++row)
        values.fill(page.data() + row * rowBytes, dims[2], i * dims[1] + row);
      if (Error error = writeTo(info, static_cast<char *>(data) + i * page.size(), page.data(), page.size()))
        return error;
    }
  }
  sequences.resize(batchSize);
  Result<std::vector<int32_t>> adapters = adaptersOf(options, info, sequences.size());
  if (!adapters)
    return adapters.error();
  for (size_t i = 0; i < sequences.size(); ++i) {
    mla_sequence &sequence = sequences[i];
    if (Error error = toError(mla_sequence_create(cache.get(), &sequence)))
      return error;
    if (Error error = toError(mla_sequence_set_adapter(cache.get(), sequence, (*adapters)[i])))
      return error;
    if (Error error = context ? fillSequence(sequence) : Error())
      return error;
  }
  return {};
}

/// Append the sequence's rows, which are already filled, with an empty step.
Error MadeStep::fillSequence(mla_sequence sequence) {
  int32_t count = static_cast<int32_t>(context);
  mla_batch *batch = nullptr;
  if (Error error = toError(mla_batch_begin(cache.get(), &sequence, &count, 1, &batch)))
    return error;
  return toError(mla_batch_commit(batch));
}

Result<Batch> MadeStep::begin() {
  std::vector<int32_t> counts(sequences.size(), static_cast<int32_t>(tokens));
  mla_batch *begun = nullptr;
  if (Error error = toError(mla_batch_begin(cache.get(), sequences.data(), counts.data(), batchSize, &begun)))
    return error;
  return Batch(begun);
}

std::vector<int32_t> MadeStep::ids() const {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < batchSize * tokens; ++i)
    ids.push_back(static_cast<int32_t>(mix(i) % info.vocab_size));
  return ids;
}
