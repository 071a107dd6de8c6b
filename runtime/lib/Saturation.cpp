//===- Saturation.cpp - What a packed cache could not hold of a step ------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckOnDevice.h"
#include "Enqueue.h"
#include "RowVerdict.h"
#include "Status.h"

using namespace mla;

namespace {
/// Takes the verdicts in the order of the sequences.
class Counter {
public:
  Counter(const PackedRows &rows, mla_saturation &result) : rows(rows), result(result) { result = {}; }

  void take(const mla_row_verdict &verdict) {
    if (verdict.tokens && !result.tokens)
      result = firstOf(verdict, sequence, rows);
    else
      result.tokens += verdict.tokens;
    ++sequence;
  }

private:
  const PackedRows &rows;
  mla_saturation &result;
  int64_t sequence = 0;
};
} // namespace

static PackedRows rowsOf(const mla_bundle &bundle, const mla_step &step) {
  PackedRows rows = packedRows(bundle.manifest.cacheLayout, bundle.info.kv_lora_rank, bundle.info.qk_rope_head_dim);
  rows.pages = step.pages;
  return rows;
}

static void countOnHost(const mla_bundle &bundle, const mla_step &step, mla_saturation &result) {
  PackedRows rows = rowsOf(bundle, step);
  StepTables tables = tablesOf(step, bundle.info);
  Counter counter(rows, result);
  for (int64_t s = 0; s < step.batch; ++s)
    counter.take(judgeRows(tables, rows, s));
}

/// Counts in a step whose tables are right.
static Error count(const char *function, const mla_bundle &bundle, const CheckedStep &checked, mla_saturation &result) {
  result = {};
  if (!schema::isPacked(bundle.manifest.cacheLayout))
    return {};
  if (!bundle.info.device_memory)
    return countOnHost(bundle, checked.step, result), Error();
  const LaunchList *list = nullptr;
  if (Error error = findCore(function, &bundle, schema::Core::RowCheck, list))
    return error;
  PackedRows rows = rowsOf(bundle, checked.step);
  Counter counter(rows, result);
  auto take = [&](const mla_row_verdict &verdict) { return counter.take(verdict), Error(); };
  return runCheck<mla_row_verdict>(function, bundle, *list, schema::List::RowCheck, checked, take);
}

static Error countInStep(const char *function, const mla_bundle *bundle, const mla_step *given,
                         mla_saturation *result) {
  if (!result)
    return badArgument(function, "result is NULL; pass a place for it");
  CheckedStep checked;
  if (Error error = checkGivenTables(function, bundle, given, checked))
    return error;
  Error wrong;
  FieldChecker(function, wrong)
      .pointer("pages", checked.step.pages, bundle->gpu ? bf16Alignment : elementBytes(bundle->info.cache_dtype));
  return wrong ? wrong : count(function, *bundle, checked, *result);
}

mla_status mla_step_saturation(const mla_bundle *bundle, const mla_step *step, mla_saturation *result) {
  return report(countInStep("mla_step_saturation", bundle, step, result));
}

/// Returns the batch as a step.
static CheckedStep stepOf(const mla_batch &batch, size_t cacheIndex) {
  CheckedStep checked;
  mla_step &step = checked.step;
  step = {};
  step.tokens = batch.tokens();
  step.batch = batch.count();
  step.max_queries = batch.maxQueries;
  step.max_length = batch.maxLength;
  step.num_pages = batch.cache->pool.pages();
  step.table_width = batch.maxPages;
  step.pages = batch.cache->layerPages(cacheIndex).data;
  step.cu_seqlens = batch.cuSeqlens.data();
  step.lengths = batch.lengths.data();
  step.block_table = batch.blockTable.data();
  if (batch.gpu) {
    step.cu_seqlens = reinterpret_cast<const int32_t *>(batch.gpu->cuSeqlens());
    step.lengths = reinterpret_cast<const int32_t *>(batch.gpu->lengths());
    step.block_table = reinterpret_cast<const int32_t *>(batch.gpu->blockTable());
    step.stream = batch.gpu->stream();
  }
  checked.sizes = sizesOfPaged(step);
  return checked;
}

static Error countInBatch(const char *function, const mla_bundle *bundle, int64_t layer, const mla_batch *handle,
                          mla_saturation *result) {
  if (!result)
    return badArgument(function, "result is NULL; pass a place for it");
  BatchLayer found;
  if (Error error = findBatchLayer(function, bundle, layer, handle, found))
    return error;
  return count(function, *bundle, stepOf(*found.batch, found.cacheIndex), *result);
}

mla_status mla_batch_saturation(const mla_bundle *bundle, int64_t layer, const mla_batch *batch,
                                mla_saturation *result) {
  return report(countInBatch("mla_batch_saturation", bundle, layer, batch, result));
}
