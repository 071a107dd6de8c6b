//===- RunModel.cpp - From token ids to logits ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BatchHandles.h"
#include "EnqueueModel.h"
#include "Status.h"

#include <cstring>
#include <new>
#include <numeric>

using namespace mla;

namespace {
/// A call of mla_run_model.
struct ModelRun {
  const char *function;
  const mla_bundle *bundle;
  const mla_batch *handle, *batch;
  mla_phase phase;
  const int32_t *ids;
  mla_logits which;
  float *logits;
  Profile *profile;

  int64_t rows() const { return which == MLA_LOGITS_ALL ? batch->tokens() : batch->count(); }
};
} // namespace

static Error checkIds(const char *function, const mla_bundle &bundle, const int32_t *ids, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    if (ids[i] < 0 || ids[i] >= bundle.info.vocab_size)
      return badArgument(function, "ids[" + std::to_string(i) + "] is " + std::to_string(ids[i]) +
                                       ", but the model has tokens 0 to " + std::to_string(bundle.info.vocab_size - 1) +
                                       "; use its own tokenizer");
  return {};
}

/// Checks the arguments and finds the open batch.
static Error check(ModelRun &run) {
  const mla_bundle *bundle = run.bundle;
  if (!bundle || !run.handle)
    return badArgument(run.function, "bundle or batch is NULL; pass both");
  if (Error error = checkIsModel(run.function, *bundle))
    return error;
  BatchLayer found; // all layers are alike here
  if (Error error = findBatchLayer(run.function, bundle, bundle->manifest.layers.front(), run.handle, found))
    return error;
  run.batch = found.batch;
  if (!run.ids || !run.logits)
    return badArgument(run.function, "ids or logits is NULL; pass both");
  if (run.which != MLA_LOGITS_LAST && run.which != MLA_LOGITS_ALL)
    return badArgument(run.function,
                       "which is " + std::to_string(static_cast<int>(run.which)) + "; use a value of mla_logits");
  return checkIds(run.function, *bundle, run.ids, run.batch->tokens());
}

//===----------------------------------------------------------------------===//
// On the host
//===----------------------------------------------------------------------===//

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

/// Runs an end, which moves its arrays and at most its weights: of an embedding as much as it writes.
static Error runEnd(const ModelRun &run, End end, const Tensor &in, const Tensor &out, double bytes) {
  auto call = [&] { return run.bundle->runEnd(end, in, out); };
  if (!run.profile)
    return call();
  const std::string &symbol = run.bundle->manifest.ends[static_cast<size_t>(end)].symbol;
  return run.profile->run(symbol, nameOf(schema::Part::Rest), noLayer, bytes, call);
}

/// Returns the bytes of the weights of an end.
static double weightBytes(const mla_bundle &bundle, End end) {
  double bytes = 0;
  for (const std::string &name : bundle.manifest.ends[static_cast<size_t>(end)].weights)
    bytes += static_cast<double>(bundle.weights->find(name)->bytes);
  return bytes;
}

static Error runOnHost(const ModelRun &run) {
  const mla_bundle &bundle = *run.bundle;
  int64_t tokens = run.batch->tokens(), width = widthOf(bundle.info);
  uint64_t rowBytes = width * elementBytes(bundle.info.dtype);
  Rows in(tokens * rowBytes), out(tokens * rowBytes);
  if (!in.data || !out.data)
    return outOfMemory(bundle.path, "hidden states of " + std::to_string(tokens) + " tokens");
  auto states = static_cast<double>(tokens * rowBytes);
  if (Error error =
          runEnd(run, End::Embed, arrayOf(run.ids, {tokens}), arrayOf(in.data.get(), {tokens, width}), 2 * states))
    return error;
  for (int64_t layer : bundle.manifest.layers) {
    if (Error error =
            runLayer(run.function, &bundle, layer, run.handle, run.phase, in.data.get(), out.data.get(), run.profile))
      return error;
    std::swap(in.data, out.data);
  }
  if (run.which == MLA_LOGITS_LAST)
    keepLast(*run.batch, in.data.get(), rowBytes);
  double rows = static_cast<double>(run.rows()),
         logitBytes = sizeof(float) * static_cast<double>(bundle.info.vocab_size);
  return runEnd(run, End::Logits, arrayOf(in.data.get(), {run.rows(), width}),
                arrayOf(run.logits, {run.rows(), bundle.info.vocab_size}),
                weightBytes(bundle, End::Logits) + rows * (static_cast<double>(rowBytes) + logitBytes));
}

//===----------------------------------------------------------------------===//
// On a device
//===----------------------------------------------------------------------===//

/// Returns the step of the batch, without memory of its own.
static mla_model_step stepOf(const ModelRun &run) {
  const mla_batch &batch = *run.batch;
  mla_model_step step = {};
  step.size = sizeof(step);
  step.phase = run.phase;
  step.which = run.which;
  step.tokens = batch.tokens();
  step.batch = batch.count();
  step.max_queries = batch.maxQueries;
  step.max_length = batch.maxLength;
  step.cached = std::accumulate(batch.lengths.begin(), batch.lengths.end(), int64_t(0));
  step.num_pages = batch.cache->pool.pages();
  step.table_width = batch.maxPages;
  step.cu_seqlens = reinterpret_cast<const int32_t *>(batch.gpu->cuSeqlens());
  step.lengths = reinterpret_cast<const int32_t *>(batch.gpu->lengths());
  step.block_table = reinterpret_cast<const int32_t *>(batch.gpu->blockTable());
  step.stream = batch.gpu->stream();
  return step;
}

/// Reserves the step's memory in the batch's workspace: that of mla_enqueue_model, logits, ids, and for a profile the
/// next tokens.
static Error reserve(const ModelRun &run, ModelStep &model) {
  Result<uint64_t> bytes = modelWorkspace(run.function, *run.bundle, model);
  if (!bytes)
    return bytes.error();
  uint64_t logitBytes = run.rows() * run.bundle->info.vocab_size * sizeof(float);
  auto rounded = [](uint64_t size) {
    return (size + workspaceAlignment - 1) / workspaceAlignment * workspaceAlignment;
  };
  uint64_t idsAt = *bytes + rounded(logitBytes), nextAt = idsAt + rounded(model.step.tokens * sizeof(int32_t));
  Result<uint64_t> memory = run.batch->gpu->workspace(run.function, nextAt + run.rows() * sizeof(int32_t));
  if (!memory)
    return memory.error();
  model.step.workspace = reinterpret_cast<void *>(*memory);
  model.step.workspace_bytes = *bytes;
  model.step.logits = reinterpret_cast<float *>(*memory + *bytes);
  model.step.ids = reinterpret_cast<const int32_t *>(*memory + idsAt);
  if (run.profile && run.bundle->manifest.find(schema::Core::Next))
    model.step.next = reinterpret_cast<int32_t *>(*memory + nextAt);
  return {};
}

/// Copies the ids to the device, runs the step, and copies the logits back. The context must be current.
static Error runStep(const ModelRun &run, const ModelStep &model) {
  const cuda::Driver &driver = run.bundle->gpu->context()->driver;
  auto stream = static_cast<cuda::Stream>(model.step.stream);
  if (cuda::Status status = driver.cuMemcpyHtoDAsync(reinterpret_cast<uint64_t>(model.step.ids), run.ids,
                                                     model.step.tokens * sizeof(int32_t), stream))
    return driver.failed(run.function, "cuMemcpyHtoDAsync", status);
  Error error = enqueueModel(run.function, *run.bundle, model);
  // Also after a failure: kernels before it may run.
  Error recorded = run.batch->gpu->record(run.function);
  if (error || recorded)
    return error ? error : recorded;
  if (Error error = waitForStream(run.function, *run.bundle->gpu->context(), stream))
    return error;
  if (cuda::Status status = driver.cuMemcpyDtoH(run.logits, reinterpret_cast<uint64_t>(model.step.logits),
                                                run.rows() * run.bundle->info.vocab_size * sizeof(float)))
    return driver.failed(run.function, "cuMemcpyDtoH", status);
  return {};
}

static Error runOnDevice(const ModelRun &run) {
  const mla_batch &batch = *run.batch;
  if (Error error = batch.gpu->refuseCapture(run.function, "capture mla_enqueue_model instead"))
    return error;
  ModelStep model;
  mla_model_step step = stepOf(run);
  model.hostCuSeqlens = batch.cuSeqlens.data();
  model.profile = run.profile;
  if (Error error = checkModelStep(run.function, *run.bundle, &step, model))
    return error;
  std::vector<void *> pages;
  for (int64_t layer : run.bundle->manifest.layers)
    pages.push_back(batch.cache->layerPages(batch.cache->layerIndex(layer)).data);
  model.step.pages = pages.data();
  if (Error error = reserve(run, model))
    return error;
  ContextScope scope(*run.bundle->gpu->context());
  if (Error error = scope.error(run.function))
    return error;
  return runStep(run, model);
}

Error mla::runModel(const char *function, const mla_bundle *bundle, const mla_batch *batch, mla_phase phase,
                    const int32_t *ids, mla_logits which, float *logits, Profile *profile) {
  ModelRun run = {function, bundle, batch, nullptr, phase, ids, which, logits, profile};
  if (Error error = check(run))
    return error;
  return run.bundle->gpu ? runOnDevice(run) : runOnHost(run);
}

mla_status mla_run_model(const mla_bundle *bundle, const mla_batch *batch, mla_phase phase, const int32_t *ids,
                         mla_logits which, float *logits) {
  return report(runModel("mla_run_model", bundle, batch, phase, ids, which, logits));
}
