//===- Tune.cpp - mla-run --tune ------------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs every class of every kernel that has several, at some sizes of steps,
// one choice at a time: all other kernels are those in use.
//
//===----------------------------------------------------------------------===//

#include "Tune.h"
#include "ChooseLimits.h"
#include "Emulator.h"
#include "MadeStep.h"
#include "Modes.h"
#include "ProfileItems.h"
#include "Text.h"

#include "mla/abi.h"

#include <cerrno>
#include <cstdio>
#include <unistd.h>

using namespace mla;
using namespace mla::run;

namespace {
/// Reads memory that no kernel uses, so that the next step finds none of its own in L2. Reading leaves no lines that
/// would have to be written back while the step is timed.
class ColdCache {
public:
  Error prepare() {
    void *made = nullptr;
    Error error = toError(mla_device_malloc(bytes, &made));
    device.reset(made);
    host.resize(error ? 0 : bytes);
    return error;
  }
  Error flush() { return toError(mla_device_copy_out(host.data(), device.get(), bytes)); }

private:
  static constexpr uint64_t bytes = 128 << 20; // several times an L2
  DeviceBlock device;
  std::vector<char> host;
};

/// New tokens of some sequences.
struct Step {
  int64_t sequences, tokens;
};

class Tuner : public MadeStep {
public:
  Tuner(const Options &options, mla_bundle *bundle, std::vector<Step> steps)
      : MadeStep(options, bundle), tuned(bundle), steps(std::move(steps)) {
    for (const Step &step : this->steps)
      decodeTokens = std::max(decodeTokens, options.prefill ? 1 : step.tokens);
  }

  /// Call after prepare().
  Error measure();
  const Measurements &measurements() const { return measured; }
  std::string unit() const { return hasClock ? "microseconds" : "thread instructions"; }

private:
  mla_bundle *tuned;
  std::vector<Step> steps;
  Measurements measured;
  std::vector<mla_profile_item> items; ///< of the last run
  bool hasClock = false;
  ColdCache cold;

  Error findClock();
  Error run(int64_t layer, const Step &step);
  Error measureStep(int64_t layer, const Step &step, bool &isNew);
  Error measureClass(int64_t choice, size_t ofClass, int64_t layer, const Step &step, double &cost);
  Error measureOnce(int64_t choice, int64_t layer, const Step &step, double &cost);
  std::set<std::string> kernelsOf(int64_t choice) const;
  const mla_choice_info &infoOf(int64_t choice) const { return *mla_bundle_get_choice(bundle, choice); }
  Error setLimits(int64_t choice, const std::vector<int64_t> &limits) {
    return toError(mla_bundle_set_limits(tuned, choice, limits.data(), static_cast<int64_t>(limits.size())));
  }
};
} // namespace

/// Run a layer once and collect its launches.
Error Tuner::run(int64_t layer, const Step &step) {
  std::vector<int32_t> counts(step.sequences, static_cast<int32_t>(step.tokens));
  mla_batch *begun = nullptr;
  if (Error error = toError(mla_batch_begin(cache.get(), sequences.data(), counts.data(), step.sequences, &begun)))
    return error;
  Batch batch(begun); // aborted: the context does not grow
  items.clear();
  return collect(items, [&](mla_profile_item *to, int64_t room, int64_t *count) {
    return mla_profile_layer(bundle, layer, begun, phase(), hidden.address(), out.address(), to,
                             sizeof(mla_profile_item), room, count);
  });
}

std::set<std::string> Tuner::kernelsOf(int64_t choice) const {
  std::set<std::string> kernels;
  for (const mla_profile_item &item : items)
    if (item.choice == choice)
      kernels.insert(item.name);
  return kernels;
}

/// Measure the kernel of a choice: its time, or the instructions that kernels of these names execute in a step.
Error Tuner::measureOnce(int64_t choice, int64_t layer, const Step &step, double &cost) {
  if (Error error = hasClock ? cold.flush() : Error())
    return error;
  std::map<std::string, uint64_t> before;
  if (!hasClock)
    before = countInstructions();
  if (Error error = run(layer, step))
    return error;
  cost = 0;
  for (const mla_profile_item &item : items)
    if (hasClock && item.choice == choice)
      cost += item.seconds * 1e6;
  if (hasClock)
    return {};
  std::map<std::string, uint64_t> after = countInstructions();
  for (const std::string &kernel : kernelsOf(choice))
    cost += static_cast<double>(after[kernel] - before[kernel]);
  return {};
}

/// Measure a class at a step, as the median of some runs.
Error Tuner::measureClass(int64_t choice, size_t ofClass, int64_t layer, const Step &step, double &cost) {
  const mla_choice_info &info = infoOf(choice);
  std::vector<int64_t> limits(info.most, info.most + info.num_limits);
  std::fill(limits.begin(), limits.begin() + ofClass, 0);
  if (Error error = setLimits(choice, limits))
    return error;
  const int64_t warmUps = hasClock ? 2 : 0, runs = hasClock ? stepCount : 1;
  std::vector<double> costs(warmUps + runs);
  for (double &of : costs)
    if (Error error = measureOnce(choice, layer, step, of))
      return error;
  costs.erase(costs.begin(), costs.begin() + warmUps);
  std::sort(costs.begin(), costs.end());
  cost = medianOf(costs);
  return {};
}

/// Measure the choices of a step at their sizes, unless they were measured there already.
Error Tuner::measureStep(int64_t layer, const Step &step, bool &isNew) {
  if (Error error = run(layer, step))
    return error;
  std::map<int64_t, int64_t> sizes; // by choice
  for (const mla_profile_item &item : items)
    if (item.choice >= 0)
      sizes[item.choice] = item.size;
  for (auto [choice, size] : sizes) {
    const mla_choice_info &info = infoOf(choice);
    size_t last = info.num_limits;
    MeasuredChoice &to = measured[choice];
    isNew |= to.costs.empty();
    to.before.assign(info.limits, info.limits + last);
    to.kernels.resize(last + 1);
    auto [place, isMissing] = to.costs.try_emplace(size, last + 1, -1.0);
    for (size_t i = 0; isMissing && i <= last; ++i) {
      if (i < last && size > info.most[i])
        continue;
      if (Error error = measureClass(choice, i, layer, step, place->second[i]))
        return error;
      to.kernels[i].merge(kernelsOf(choice));
    }
    if (Error error = setLimits(choice, to.before))
      return error;
  }
  return {};
}

/// Find out whether the device has a clock.
Error Tuner::findClock() {
  if (Error error = run(layers.front(), steps.front()))
    return error;
  hasClock = !items.empty() && items.front().seconds >= 0;
  if (!hasClock && countInstructions().empty())
    return Error(ErrorKind::Unsupported, "mla-run: --tune: this device has neither a clock nor counters");
  return hasClock ? cold.prepare() : Error();
}

Error Tuner::measure() {
  if (Error error = findClock())
    return error;
  std::vector<int64_t> ofNewKinds; // layers with choices that no layer before has
  for (int64_t layer : layers) {
    bool isNew = false;
    if (Error error = measureStep(layer, steps.front(), isNew))
      return error;
    if (isNew)
      ofNewKinds.push_back(layer);
  }
  for (const Step &step : steps)
    for (int64_t layer : ofNewKinds) {
      bool isNew = false;
      if (Error error = measureStep(layer, step, isNew))
        return error;
    }
  // Times of two runs differ by about so much.
  const double margin = hasClock ? 1.02 : 1;
  for (auto &[choice, of] : measured) {
    std::vector<TunedSize> sizes;
    for (const auto &[size, costs] : of.costs)
      sizes.push_back({size, costs});
    of.limits = chooseLimits(sizes, of.before, margin);
  }
  return {};
}

//===----------------------------------------------------------------------===//
// The mode
//===----------------------------------------------------------------------===//

/// Return the steps to measure. In decode a step of so many sequences has a token of each; what depends on the tokens
/// of a sequence is measured with one sequence.
static std::vector<Step> stepsOf(const Options &options) {
  static const std::vector<int64_t> ofDecode = {1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256};
  static const std::vector<int64_t> ofPrefill = {8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};
  std::vector<int64_t> sizes = !options.sizes.empty() ? options.sizes : options.prefill ? ofPrefill : ofDecode;
  std::vector<Step> steps;
  for (int64_t size : sizes)
    steps.push_back(options.prefill ? Step{1, size} : Step{size, 1});
  for (int64_t size : sizes)
    if (!options.prefill && size > 1 && size <= MLA_MAX_DECODE_QUERIES)
      steps.push_back({1, size});
  return steps;
}

static Error checkTunable(const Options &options, const mla_bundle *bundle) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  if (!info.device_memory)
    return Error(ErrorKind::InvalidArgument, options.bundle + ": is for target '" + info.target +
                                                 "', whose code has no classes of kernels; there is nothing to tune");
  if (access(info.path, W_OK) != 0)
    return Error(ErrorKind::IO, tunedPath(info.path) + ": cannot be written: " + errnoText(errno) +
                                    "; tune a copy of the bundle that you may write");
  return {};
}

Error mla::run::tune(const Options &given, mla_bundle *bundle) {
  if (Error error = checkTunable(given, bundle))
    return error;
  std::vector<Step> steps = stepsOf(given);
  Options options = given;
  for (const Step &step : steps) {
    options.batch = std::max(options.batch, step.sequences);
    options.tokens = std::max(options.tokens, step.tokens);
  }
  if (options.context < 0 && !options.prefill)
    options.context = 1024;
  Tuner tuner(options, bundle, std::move(steps));
  if (Error error = mla_bundle_num_choices(bundle) ? tuner.prepare() : Error())
    return error;
  if (Error error = mla_bundle_num_choices(bundle) ? tuner.measure() : Error())
    return error;
  if (tuner.measurements().empty()) {
    std::printf("no kernel of this phase has several classes: there is nothing to tune\n");
    return {};
  }
  printMeasurements(bundle, tuner.measurements(), tuner.unit());
  if (Error error = writeTuning(bundle, tuner.measurements(), tuner.unit()))
    return error;
  std::printf("written to %s\n", tunedPath(given.bundle).c_str());
  return {};
}
