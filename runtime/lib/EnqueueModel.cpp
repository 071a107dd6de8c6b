//===- EnqueueModel.cpp - A whole model on a device -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EnqueueModel.h"
#include "Status.h"

using namespace mla;

/// Kernels load so many bytes at once.
static constexpr uint64_t logitAlignment = 16;

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

Error mla::checkIsModel(const char *function, const mla_bundle &bundle) {
  if (bundle.info.vocab_size)
    return {};
  return badArgument(function, "bundle " + bundle.path + " has no embedding; compile with --scope=model");
}

/// Checks that the bundle is of a whole model for a GPU, opened or inspected.
static Error checkTarget(const char *function, const mla_bundle *bundle) {
  if (!bundle)
    return badArgument(function, "bundle is NULL; pass one of mla_bundle_open");
  if (!bundle->info.device_memory)
    return Error(ErrorKind::Unsupported, std::string(function) + ": bundle " + bundle->path + " is for target " +
                                             bundle->manifest.target + "; use mla_run_model");
  return checkIsModel(function, *bundle);
}

Error mla::checkGpuModel(const char *function, const mla_bundle *bundle) {
  Error error = checkTarget(function, bundle);
  return error ? error : checkOpenBundle(function, bundle);
}

/// Without cu_seqlens, the host knows the last token of each sequence only if each has one, or there is one sequence.
static Error checkWhich(const char *function, const ModelStep &model) {
  const mla_model_step &step = model.step;
  if (step.which != MLA_LOGITS_LAST && step.which != MLA_LOGITS_ALL)
    return badArgument(function,
                       "which is " + std::to_string(static_cast<int>(step.which)) + "; use a value of mla_logits");
  bool isKnown = model.hostCuSeqlens || step.batch == 1 || (step.max_queries == 1 && step.tokens == step.batch);
  if (step.which == MLA_LOGITS_ALL || isKnown)
    return {};
  return Error(ErrorKind::Unsupported,
               std::string(function) + ": which is MLA_LOGITS_LAST, for " + std::to_string(step.tokens) +
                   " tokens of " + std::to_string(step.batch) + " sequences, up to " +
                   std::to_string(step.max_queries) +
                   " of each; use MLA_LOGITS_ALL, one token of every sequence, or one sequence");
}

static Result<int64_t> entryOf(const char *function, const mla_bundle &bundle, const ModelStep &model, int64_t layer) {
  return selectEntry(function, bundle, layer, model.step.phase, model.step.max_queries, model.step.max_length);
}

Error mla::checkModelStep(const char *function, const mla_bundle &bundle, const mla_model_step *given,
                          ModelStep &checked) {
  if (Error error = copyStruct(function, "step", given, checked.step))
    return error;
  Error error;
  FieldChecker check(function, error);
  checked.sizes = sizesOfPaged(checked.step);
  checkStepSizes(check, bundle.info, checked.sizes);
  if (error)
    return error;
  if (Error error = checkWhich(function, checked))
    return error;
  for (int64_t layer : bundle.manifest.layers)
    if (Result<int64_t> entry = entryOf(function, bundle, checked, layer); !entry)
      return entry.error();
  return {};
}

static Error checkPointers(const char *function, const mla_bundle &bundle, const mla_model_step &step) {
  Error error;
  FieldChecker check(function, error);
  check.pointer("ids", step.ids, int32Alignment);
  checkTables(check, step);
  check.pointer("pages", step.pages, alignof(void *));
  for (int64_t i = 0; !error && i < bundle.info.num_layers; ++i)
    check.pointer(("pages[" + std::to_string(i) + "]").c_str(), step.pages[i], bf16Alignment);
  if (!step.logits && !step.next)
    check.fail("logits and next are NULL; pass at least one");
  if (step.logits)
    check.pointer("logits", step.logits, logitAlignment);
  if (step.next)
    check.pointer("next", step.next, int32Alignment);
  check.pointer("workspace", step.workspace, workspaceAlignment);
  if (!error && step.next && !bundle.manifest.find(schema::Core::Next))
    return Error(ErrorKind::Unsupported, std::string(function) + ": bundle " + bundle.path +
                                             " has no kernel next; pass NULL for next, or compile the bundle again");
  return error;
}

//===----------------------------------------------------------------------===//
// Workspace
//===----------------------------------------------------------------------===//

namespace {
/// The parts of the workspace, in bytes from its start.
struct Places {
  uint64_t hidden[2], logits, scratch, bytes;
};
} // namespace

/// Returns the most bytes of scratch memory of all lists.
static Result<uint64_t> scratchBytes(const char *function, const mla_bundle &bundle, const ModelStep &model) {
  Sizes sizes = sizesOnDevice(bundle, model.sizes), ofRows = sizes;
  ofRows[Size::Tokens] = model.rows();
  uint64_t most = 0;
  auto note = [&](const LaunchList &list, const Sizes &sizes) -> Error {
    Result<uint64_t> bytes = workspaceBytes(function, list, sizes);
    if (!bytes)
      return bytes.error();
    most = std::max(most, *bytes);
    return {};
  };
  for (int64_t layer : bundle.manifest.layers) {
    Result<int64_t> entry = entryOf(function, bundle, model, layer);
    if (Error error = entry ? note(bundle.manifest.entries[*entry].launches, sizes) : entry.error())
      return error;
  }
  for (auto [core, all] : {std::pair(schema::Core::Embed, &sizes), std::pair(schema::Core::Logits, &ofRows),
                           std::pair(schema::Core::Next, &ofRows)})
    if (const LaunchList *list = bundle.manifest.find(core))
      if (Error error = note(*list, *all))
        return error;
  return most;
}

/// Sizes are below 2^31 and widths below 2^26: nothing overflows.
static Result<Places> place(const char *function, const mla_bundle &bundle, const ModelStep &model) {
  Result<uint64_t> scratch = scratchBytes(function, bundle, model);
  if (!scratch)
    return scratch.error();
  Places places = {};
  auto add = [&](uint64_t bytes) {
    uint64_t start = places.bytes;
    places.bytes += (bytes + workspaceAlignment - 1) / workspaceAlignment * workspaceAlignment;
    return start;
  };
  uint64_t hiddenBytes = model.step.tokens * widthOf(bundle.info) * elementBytes(bundle.info.dtype);
  for (uint64_t &hidden : places.hidden)
    hidden = add(hiddenBytes);
  places.logits = add(model.rows() * bundle.info.vocab_size * sizeof(float));
  places.scratch = add(*scratch);
  return places;
}

Result<uint64_t> mla::modelWorkspace(const char *function, const mla_bundle &bundle, const ModelStep &step) {
  Result<Places> places = place(function, bundle, step);
  if (!places)
    return places.error();
  return places->bytes;
}

//===----------------------------------------------------------------------===//
// Enqueueing
//===----------------------------------------------------------------------===//

namespace {
/// Enqueues one step.
class Enqueuer {
public:
  Enqueuer(const char *function, const mla_bundle &bundle, const ModelStep &model, const Places &places)
      : function(function), bundle(bundle), model(model), step(model.step), places(places),
        hidden{at(places.hidden[0]), at(places.hidden[1])},
        logits(step.logits ? step.logits : reinterpret_cast<float *>(at(places.logits))) {}
  Error run();

private:
  const char *function;
  const mla_bundle &bundle;
  const ModelStep &model;
  const mla_model_step &step;
  const Places &places;
  char *hidden[2]; ///< the current states, and room for the next
  float *logits;

  char *at(uint64_t offset) const { return static_cast<char *>(step.workspace) + offset; }
  uint64_t rowBytes() const { return widthOf(bundle.info) * elementBytes(bundle.info.dtype); }
  Error enqueue(const LaunchList &list, LaunchBindings &bindings, int64_t layer) const;
  Error runEnd(schema::Core core, const DeviceArray *weights, int64_t rows) const;
  Error runLayer(size_t index);
  Error keepLast();
};
} // namespace

Error Enqueuer::enqueue(const LaunchList &list, LaunchBindings &bindings, int64_t layer) const {
  return enqueueList(function, bundle, list, bindings, {at(places.scratch), places.bytes - places.scratch, step.stream},
                     model.profile, layer);
}

Error Enqueuer::runEnd(schema::Core core, const DeviceArray *weights, int64_t rows) const {
  LaunchBindings bindings;
  give(bindings, listOf(core), EndArrays{step.ids, hidden[0], logits, step.next});
  bindings.weights = weights;
  bindings.sizes = model.sizes;
  bindings.sizes[Size::Tokens] = rows;
  return enqueue(*bundle.manifest.find(core), bindings, noLayer);
}

Error Enqueuer::runLayer(size_t index) {
  Result<int64_t> entry = entryOf(function, bundle, model, bundle.manifest.layers[index]);
  if (!entry)
    return entry.error();
  LaunchBindings bindings;
  bindings.give(Buffer::Hidden, hidden[0]);
  bindings.give(Buffer::Out, hidden[1]);
  bindings.give(Buffer::Pages, step.pages[index]);
  bindings.give(Buffer::CuSeqlens, step.cu_seqlens);
  bindings.give(Buffer::Lengths, step.lengths);
  bindings.give(Buffer::BlockTable, step.block_table);
  bindings.weights = bundle.gpu->weights(index, *entry);
  bindings.sizes = model.sizes;
  std::swap(hidden[0], hidden[1]);
  return enqueue(bundle.manifest.entries[*entry].launches, bindings, bundle.manifest.layers[index]);
}

/// Puts the last row of every sequence, one after the other, at hidden[0].
Error Enqueuer::keepLast() {
  if (model.takesAll())
    return {};
  if (!model.hostCuSeqlens) { // one sequence
    hidden[0] += (step.tokens - 1) * rowBytes();
    return {};
  }
  const cuda::Driver &driver = bundle.gpu->context()->driver;
  ContextScope scope(*bundle.gpu->context());
  if (Error error = scope.error(function))
    return error;
  auto to = reinterpret_cast<uint64_t>(hidden[1]), from = reinterpret_cast<uint64_t>(hidden[0]);
  for (int64_t i = 0; i < step.batch; ++i)
    if (cuda::Status status =
            driver.cuMemcpyDtoDAsync(to + i * rowBytes(), from + (model.hostCuSeqlens[i + 1] - 1) * rowBytes(),
                                     rowBytes(), static_cast<cuda::Stream>(step.stream)))
      return driver.failed(function, "cuMemcpyDtoDAsync", status);
  std::swap(hidden[0], hidden[1]);
  return {};
}

Error Enqueuer::run() {
  if (Error error = runEnd(schema::Core::Embed, bundle.gpu->weights(End::Embed), step.tokens))
    return error;
  for (size_t i = 0; i < bundle.manifest.layers.size(); ++i)
    if (Error error = runLayer(i))
      return error;
  if (Error error = keepLast())
    return error;
  if (Error error = runEnd(schema::Core::Logits, bundle.gpu->weights(End::Logits), model.rows()))
    return error;
  return step.next ? runEnd(schema::Core::Next, nullptr, model.rows()) : Error();
}

Error mla::enqueueModel(const char *function, const mla_bundle &bundle, const ModelStep &model) {
  Result<Places> places = place(function, bundle, model);
  if (!places)
    return places.error();
  if (places->bytes > model.step.workspace_bytes)
    return badArgument(function, "workspace_bytes is " + std::to_string(model.step.workspace_bytes) +
                                     ", these sizes need " + std::to_string(places->bytes) +
                                     "; ask for the workspace of the same sizes");
  return Enqueuer(function, bundle, model, *places).run();
}

Error mla::enqueueGivenModel(const char *function, const mla_bundle *bundle, const mla_model_step *given,
                             std::optional<void *> stream) {
  if (Error error = checkGpuModel(function, bundle))
    return error;
  ModelStep model;
  if (Error error = checkModelStep(function, *bundle, given, model))
    return error;
  if (Error error = checkPointers(function, *bundle, model.step))
    return error;
  if (stream)
    model.step.stream = *stream;
  return enqueueModel(function, *bundle, model);
}

mla_status mla_enqueue_model(const mla_bundle *bundle, const mla_model_step *step) {
  return report(enqueueGivenModel("mla_enqueue_model", bundle, step));
}

static Error giveModelWorkspace(const char *function, const mla_bundle *bundle, const mla_model_step *given,
                                uint64_t *bytes) {
  if (Error error = checkTarget(function, bundle))
    return error;
  if (!bytes)
    return badArgument(function, "bytes is NULL; pass a place for the result");
  ModelStep model;
  if (Error error = checkModelStep(function, *bundle, given, model))
    return error;
  Result<uint64_t> result = modelWorkspace(function, *bundle, model);
  if (!result)
    return result.error();
  *bytes = *result;
  return {};
}

mla_status mla_model_workspace(const mla_bundle *bundle, const mla_model_step *step, uint64_t *bytes) {
  return report(giveModelWorkspace("mla_model_workspace", bundle, step, bytes));
}
