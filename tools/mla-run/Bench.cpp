//===- Bench.cpp - mla-run --bench ----------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecodeGraph.h"
#include "Emulator.h"
#include "Float.h"
#include "InfoFacts.h"
#include "Json.h"
#include "KernelTimes.h"
#include "Loading.h"
#include "MadeStep.h"
#include "Modes.h"

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <vector>

using namespace mla;
using namespace mla::run;

namespace {
class Bench : public MadeStep {
public:
  using MadeStep::MadeStep;

  Error prepare();
  Error measure();
  void print() const;

private:
  int64_t entry = 0;
  std::vector<double> seconds;      ///< of each layer of each step; sorted by measure()
  std::vector<double> modelSeconds; ///< of each decode step of a whole model; sorted by measure()
  KernelTimes kernels;
  bool readsAllWeights = true; ///< not those of experts that no token chose

  Error runStep(bool timed);
  Error runLayers(mla_batch *batch, mla_phase phase, bool timed);
  Error runOnDevice(mla_batch *batch, mla_phase phase, bool timed);
  Error timeKernels();
  Error timeModel();
  uint64_t bytesTouched() const;
  double rateOf(double median) const;
  void printText(double median) const;
  void printJson(double median) const;
};
} // namespace

Error Bench::prepare() {
  Result<InfoFacts> facts = gatherFacts(bundle);
  if (!facts)
    return facts.error();
  readsAllWeights = facts->scope.empty();
  return MadeStep::prepare();
}

Error Bench::runStep(bool timed) {
  Result<Batch> batch = begin(); // aborted at the end: the context does not grow
  if (!batch)
    return batch.error();
  if (Error error = toError(mla_select_entry(bundle, batch->get(), phase(), &entry)))
    return error;
  return info.device_memory ? runOnDevice(batch->get(), phase(), timed) : runLayers(batch->get(), phase(), timed);
}

Error Bench::runLayers(mla_batch *batch, mla_phase phase, bool timed) {
  for (int64_t layer : layers) {
    auto start = std::chrono::steady_clock::now();
    if (Error error = toError(mla_run_layer(bundle, layer, batch, phase, hidden.address(), out.address())))
      return error;
    std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    if (timed)
      seconds.push_back(time.count());
  }
  return {};
}

/// Run on the device. Calls return before the device finishes, so that many are timed together to make the final wait
/// negligible.
Error Bench::runOnDevice(mla_batch *batch, mla_phase phase, bool timed) {
  int64_t leastRuns = options.emulate ? 1 : 20;
  int64_t count = static_cast<int64_t>(layers.size()), rounds = (leastRuns + count - 1) / count;
  if (Error error = finish(info))
    return error;
  auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < rounds; ++i)
    for (int64_t layer : layers)
      if (Error error = toError(mla_run_layer(bundle, layer, batch, phase, hidden.address(), out.address())))
        return error;
  if (Error error = finish(info))
    return error;
  std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  if (timed)
    seconds.push_back(time.count() / static_cast<double>(rounds * count));
  return {};
}

Error Bench::measure() {
  int64_t warmUps = options.emulate ? 0 : 2;
  for (int64_t i = 0; i < warmUps + stepCount; ++i)
    if (Error error = runStep(i >= warmUps))
      return error;
  std::sort(seconds.begin(), seconds.end());
  if (Error error = info.device_memory && !options.counters ? timeKernels() : Error())
    return error;
  return info.vocab_size && info.device_memory && !options.layer && !options.prefill ? timeModel() : Error();
}

/// Time a graph of a whole decode step, many launches at a time: from token numbers to the next ones. The context does
/// not grow.
Error Bench::timeModel() {
  DecodeGraph graph(bundle, cache.get());
  if (Error error = graph.prepare(sequences, ids(), std::vector<int32_t>(batchSize, 1)))
    return error;
  if (Error error = graph.launch()) // sets the lengths
    return error;
  int64_t launches = options.emulate ? 1 : 10;
  for (int64_t i = 0; i < stepCount; ++i) {
    if (Error error = finish(info))
      return error;
    auto start = std::chrono::steady_clock::now();
    for (int64_t launch = 0; launch < launches; ++launch)
      if (Error error = graph.repeat())
        return error;
    if (Error error = finish(info))
      return error;
    std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    modelSeconds.push_back(time.count() / static_cast<double>(launches));
  }
  std::sort(modelSeconds.begin(), modelSeconds.end());
  return {};
}

/// Time kernels in separate steps: timing a kernel prevents the next from overlapping it.
Error Bench::timeKernels() {
  Result<Batch> batch = begin();
  if (!batch)
    return batch.error();
  for (int64_t i = 0; i < stepCount; ++i)
    for (int64_t layer : layers)
      if (Error error = kernels.add(bundle, layer, batch->get(), phase(), hidden.address(), out.address()))
        return error;
  return {};
}

/// Return the bytes that an attention's step must read: the entry's weights and the cached rows, once each.
uint64_t Bench::bytesTouched() const {
  uint64_t rowBytes = info.cache_row * bytesOf(info.cache_dtype);
  return mla_bundle_get_entry(bundle, entry)->weight_bytes + batchSize * (context + tokens) * rowBytes;
}

double Bench::rateOf(double median) const {
  return static_cast<double>(bytesTouched()) / std::max(median, 1e-9) * 1e-9;
}

void Bench::printText(double median) const {
  const mla_entry_info &used = *mla_bundle_get_entry(bundle, entry);
  std::printf("%s, q=%s, o=%s: batch %" PRId64 ", context %" PRId64 ", %" PRId64
              " tokens a sequence, %zu layers, %s, %" PRId64 " steps\n",
              options.prefill ? "prefill" : "decode", used.q, used.o, batchSize, context, tokens, layers.size(),
              info.device_memory ? info.device : (std::to_string(mla_num_threads()) + " threads").c_str(), stepCount);
  if (info.ranks > 1)
    std::printf("ranks              %" PRId64 "; what follows is of rank %" PRId64 "\n", info.ranks, info.group_rank);
  if (info.device_memory)
    std::printf("loading            %s\n", loadingText(info).c_str());
  std::printf("time a layer-step  median %.3f ms  min %.3f ms  max %.3f ms\n", median * 1e3, seconds.front() * 1e3,
              seconds.back() * 1e3);
  if (readsAllWeights)
    std::printf("bytes touched      %.3f MB (weights %.3f MB, cache %.3f MB)  %.2f GB/s\n",
                static_cast<double>(bytesTouched()) * 1e-6, static_cast<double>(used.weight_bytes) * 1e-6,
                static_cast<double>(bytesTouched() - used.weight_bytes) * 1e-6, rateOf(median));
  if (!kernels.empty())
    kernels.print();
  if (!modelSeconds.empty())
    std::printf("time a model-step  median %.3f ms  min %.3f ms  max %.3f ms  %.1f tokens/s\n",
                medianOf(modelSeconds) * 1e3, modelSeconds.front() * 1e3, modelSeconds.back() * 1e3,
                static_cast<double>(batchSize) / std::max(medianOf(modelSeconds), 1e-9));
}

void Bench::printJson(double median) const {
  const mla_entry_info &used = *mla_bundle_get_entry(bundle, entry);
  std::printf("{\"bundle\": %s, \"target\": \"%s\", \"isa\": %s, \"dtype\": \"%s\", ", json::quote(info.path).c_str(),
              info.target, json::quote(info.isa).c_str(), info.dtype == MLA_F32 ? "f32" : "bf16");
  std::printf("\"phase\": \"%s\", \"q\": \"%s\", \"o\": \"%s\", \"batch\": %" PRId64 ", \"context\": %" PRId64
              ", \"tokens\": %" PRId64 ", \"layers\": %zu, \"steps\": %" PRId64 ", \"threads\": %d, ",
              options.prefill ? "prefill" : "decode", used.q, used.o, batchSize, context, tokens, layers.size(),
              stepCount, mla_num_threads());
  if (info.ranks > 1)
    std::printf("\"ranks\": %" PRId64 ", ", info.ranks);
  if (info.device_memory)
    std::printf("\"device\": %s, \"code_seconds\": %.6f, \"weights_seconds\": %.6f, \"weights_bytes\": %" PRId64 ", ",
                json::quote(info.device).c_str(), info.code_seconds, info.weights_seconds, info.weights_bytes);
  std::printf("\"median_seconds\": %.9f, \"min_seconds\": %.9f, \"max_seconds\": %.9f, ", median, seconds.front(),
              seconds.back());
  if (!modelSeconds.empty())
    std::printf("\"model_median_seconds\": %.9f, \"model_min_seconds\": %.9f, \"model_max_seconds\": %.9f, ",
                medianOf(modelSeconds), modelSeconds.front(), modelSeconds.back());
  std::printf("\"weight_bytes\": %" PRId64, used.weight_bytes);
  if (readsAllWeights)
    std::printf(", \"bytes\": %" PRIu64 ", \"gigabytes_per_second\": %.3f", bytesTouched(), rateOf(median));
  std::printf("%s%s}\n", kernels.empty() ? "" : (", \"kernels\": " + kernels.json()).c_str(),
              options.counters ? (", \"counters\": " + countersAsJson()).c_str() : "");
}

void Bench::print() const {
  double median = medianOf(seconds);
  options.json ? printJson(median) : printText(median);
}

Error mla::run::bench(const Options &options, const mla_bundle *bundle) {
  Bench bench(options, bundle);
  if (Error error = bench.prepare())
    return error;
  if (Error error = bench.measure())
    return error;
  if (!options.quiet)
    bench.print();
  return {};
}
