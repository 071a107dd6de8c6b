//===- RunModel.cpp - From token ids to logits ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BatchHandles.h"
#include "Bundle.h"
#include "Cache.h"
#include "Status.h"

#include <cstring>
#include <new>

using namespace mla;

/// Returns the open batch of a model's bundle.
static Result<const mla_batch *> checkModel(const char *function, const mla_bundle *bundle, const mla_batch *handle) {
  if (!bundle || !handle)
    return badArgument(function, "bundle or batch is NULL; pass both");
  const mla_batch *batch = findOpen(handle);
  if (!batch)
    return badArgument(function, "the batch has ended, or its cache is gone; run the model before mla_batch_commit or "
                                 "_abort");
  if (!bundle->info.vocab_size)
    return badArgument(function, "bundle " + bundle->path + " has no embedding; compile with --scope=model");
  if (!bundle->code)
    return badArgument(function, "bundle " + bundle->path + " is only inspected; open it with mla_bundle_open");
  return batch;
}

static Error checkIds(const char *function, const mla_bundle &bundle, const int32_t *ids, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    if (ids[i] < 0 || ids[i] >= bundle.info.vocab_size)
      return badArgument(function, "ids[" + std::to_string(i) + "] is " + std::to_string(ids[i]) +
                                       ", but the model has tokens 0 to " + std::to_string(bundle.info.vocab_size - 1) +
                                       "; use its own tokenizer");
  return {};
}

namespace {
/// Rows of hidden states.
struct Rows {
  std::unique_ptr<char[]> data;
  explicit Rows(uint64_t bytes) : data(new (std::nothrow) char[bytes]) {}
};
} // namespace

/// Moves the last row of every sequence to the front.
static void keepLast(const mla_batch &batch, char *rows, uint64_t rowBytes) {
  for (int64_t i = 0; i < batch.count(); ++i)
    std::memmove(rows + i * rowBytes, rows + (batch.cuSeqlens[i + 1] - 1) * rowBytes, rowBytes);
}

static Error runModel(const char *function, const mla_bundle *bundle, const mla_batch *handle, mla_phase phase,
                      const int32_t *ids, mla_logits which, float *logits) {
  Result<const mla_batch *> batch = checkModel(function, bundle, handle);
  if (!batch)
    return batch.error();
  if (!ids || !logits)
    return badArgument(function, "ids or logits is NULL; pass both");
  if (which != MLA_LOGITS_LAST && which != MLA_LOGITS_ALL)
    return badArgument(function, "which is " + std::to_string(static_cast<int>(which)) + "; use a value of mla_logits");
  int64_t tokens = (*batch)->tokens(), width = bundle->info.hidden_size;
  if (Error error = checkIds(function, *bundle, ids, tokens))
    return error;
  uint64_t rowBytes = width * elementBytes(bundle->info.dtype);
  Rows in(tokens * rowBytes), out(tokens * rowBytes);
  if (!in.data || !out.data)
    return outOfMemory(bundle->path, "hidden states of " + std::to_string(tokens) + " tokens");
  if (Error error = bundle->runEnd(End::Embed, arrayOf(ids, {tokens}), arrayOf(in.data.get(), {tokens, width})))
    return error;
  for (int64_t layer : bundle->manifest.layers) {
    mla_status status = mla_run_layer(bundle, layer, handle, phase, in.data.get(), out.data.get());
    if (status != MLA_OK)
      return Error(static_cast<ErrorKind>(status), mla_last_error());
    std::swap(in.data, out.data);
  }
  int64_t rows = which == MLA_LOGITS_ALL ? tokens : (*batch)->count();
  if (which == MLA_LOGITS_LAST)
    keepLast(**batch, in.data.get(), rowBytes);
  return bundle->runEnd(End::Logits, arrayOf(in.data.get(), {rows, width}),
                        arrayOf(logits, {rows, bundle->info.vocab_size}));
}

mla_status mla_run_model(const mla_bundle *bundle, const mla_batch *batch, mla_phase phase, const int32_t *ids,
                         mla_logits which, float *logits) {
  return report(runModel("mla_run_model", bundle, batch, phase, ids, which, logits));
}
