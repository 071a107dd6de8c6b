//===- Profile.cpp - mla-run --profile ------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Profile.h"
#include "InfoFacts.h"
#include "MadeStep.h"
#include "Modes.h"
#include "ProfileItems.h"
#include "ReadRate.h"
#include "WriteFile.h"

#include <cinttypes>
#include <cstdio>

using namespace mla;
using namespace mla::run;

namespace {
/// Profiles one step again and again.
class Profiler : public MadeStep {
public:
  using MadeStep::MadeStep;
  /// Call after prepare().
  Result<StepProfile> measure();

private:
  std::vector<mla_profile_item> items;      ///< of the last step
  std::vector<std::vector<double>> seconds; ///< by item, of each step

  Error runStep(const mla_batch *batch);
  Error runLayers(const mla_batch *batch);
  Error runModel(const mla_batch *batch);
  std::string title() const;
  bool runsModel() const { return info.vocab_size && !options.layer; }
};
} // namespace

Error Profiler::runLayers(const mla_batch *batch) {
  for (int64_t layer : layers)
    if (Error error = collect(items, [&](mla_profile_item *to, int64_t room, int64_t *count) {
          return mla_profile_layer(bundle, layer, batch, phase(), hidden.address(), out.address(), to,
                                   sizeof(mla_profile_item), room, count);
        }))
      return error;
  return {};
}

Error Profiler::runModel(const mla_batch *batch) {
  std::vector<int32_t> numbers = ids();
  std::vector<float> logits(batchSize * info.vocab_size);
  return collect(items, [&](mla_profile_item *to, int64_t room, int64_t *count) {
    return mla_profile_model(bundle, batch, phase(), numbers.data(), MLA_LOGITS_LAST, logits.data(), to,
                             sizeof(mla_profile_item), room, count);
  });
}

Error Profiler::runStep(const mla_batch *batch) {
  items.clear();
  return runsModel() ? runModel(batch) : runLayers(batch);
}

std::string Profiler::title() const {
  char text[200];
  std::snprintf(text, sizeof(text),
                "%s: batch %" PRId64 ", context %" PRId64 ", %" PRId64 " token%s a sequence, %zu layer%s%s",
                nameOf(phase()), batchSize, context, tokens, tokens == 1 ? "" : "s", layers.size(),
                layers.size() == 1 ? "" : "s", runsModel() ? " and the ends" : "");
  return text;
}

/// Return what the bundle's description of its device says, or what this processor's memory reads.
static Result<Ceilings> ceilingsOf(const mla_bundle_info &info) {
  Ceilings ceilings;
  if (!info.device_memory) {
    ceilings.bytesPerSecond = measureReadRate();
    ceilings.origin = "measured in this run: a sum of memory by " + std::to_string(mla_num_threads()) + " threads";
    return ceilings;
  }
  Result<Source> source = readSource(info.path);
  if (!source)
    return source.error();
  const DeviceSource &device = source->device;
  if (device.name.empty()) {
    ceilings.origin = "none: the bundle does not describe its device; compile it again";
    return ceilings;
  }
  ceilings.bytesPerSecond = device.bytesPerSecond;
  ceilings.flopsPerSecond = device.flopsPerSecond;
  ceilings.e4m3FlopsPerSecond = device.e4m3FlopsPerSecond;
  ceilings.origin = "of the device '" + device.name + "', for which the bundle was planned (mla-compile --device)";
  return ceilings;
}

Result<StepProfile> Profiler::measure() {
  Result<Batch> batch = begin(); // aborted at the end: the context does not grow
  if (!batch)
    return batch.error();
  int64_t warmUps = options.emulate ? 0 : 2;
  for (int64_t step = 0; step < warmUps + stepCount; ++step) {
    if (Error error = runStep(batch->get()))
      return error;
    seconds.resize(items.size());
    for (size_t i = 0; step >= warmUps && i < items.size(); ++i)
      seconds[i].push_back(items[i].seconds);
  }
  Result<Ceilings> ceilings = ceilingsOf(info);
  if (!ceilings)
    return ceilings.error();
  StepProfile profile;
  profile.title = title();
  profile.device = info.device_memory ? info.device : std::to_string(mla_num_threads()) + " threads";
  profile.steps = stepCount;
  profile.ceilings = std::move(*ceilings);
  for (size_t i = 0; i < items.size(); ++i) {
    const mla_profile_item &item = items[i];
    std::sort(seconds[i].begin(), seconds[i].end());
    profile.launches.push_back({item.name,
                                *item.part ? item.part : "layers",
                                item.layer,
                                {item.grid[0], item.grid[1], item.grid[2]},
                                medianOf(seconds[i]),
                                item.bytes,
                                item.flops});
  }
  return profile;
}

Error mla::run::profile(const Options &options, const mla_bundle *bundle) {
  std::optional<WholeFile> trace;
  if (!options.traceFile.empty()) {
    Result<WholeFile> created = WholeFile::create(options.traceFile);
    if (!created)
      return created.error();
    trace.emplace(std::move(*created));
  }
  Profiler profiler(options, bundle);
  if (Error error = profiler.prepare())
    return error;
  Result<StepProfile> profile = profiler.measure();
  if (!profile)
    return profile.error();
  if (Error error = trace ? trace->finish(traceOf(*profile)) : Error())
    return error;
  if (options.json)
    std::printf("%s\n", profileAsJson(*profile).c_str());
  else
    printTable(*profile);
  return {};
}
