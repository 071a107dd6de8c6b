//===- Profile.cpp - Times of the launches of a step ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Profile.h"
#include "Bundle.h"

using namespace mla;

/// Returns the amount, or a negative number if the bundle does not say, or says what cannot be computed: a profile is
/// no reason to fail.
static double amountOf(const std::optional<Expression> &amount, const Sizes &sizes) {
  Result<int64_t> value = amount ? amount->evaluate(sizes) : Result<int64_t>(int64_t(-1));
  return value ? static_cast<double>(*value) : -1.0;
}

/// Returns the size that the limits of the launch's choice are compared with, or -1.
static int64_t sizeOfChoice(const LaunchList &list, const Launch &launch, const Sizes &sizes) {
  Result<int64_t> size =
      launch.choice ? list.choices[*launch.choice].size.evaluate(sizes) : Result<int64_t>(int64_t(-1));
  return size ? *size : -1;
}

Error Profile::enqueue(const char *function, const mla_bundle &bundle, const LaunchList &launches,
                       LaunchBindings &bindings, int64_t layer) {
  const GpuCode &code = *bundle.gpu;
  LaunchTimer timer(function, *code.context(), bindings.stream);
  bindings.timer = &timer;
  Error error = code.enqueue(function, launches, bindings);
  bindings.timer = nullptr;
  if (error)
    return error;
  std::vector<LaunchTimer::Timed> times;
  if (Error error = timer.finish(times))
    return error;
  Sizes sizes = bindings.sizes;
  sizes[Size::Processors] = code.context()->processors;
  for (const LaunchTimer::Timed &time : times) {
    const Launch &launch = *time.launch;
    list.push_back({launch.collective ? nameOf(launch.collective->kind) : code.kernelName(launch.kernel),
                    launch.part ? nameOf(*launch.part) : "",
                    layer,
                    {time.grid[0], time.grid[1], time.grid[2]},
                    0,
                    time.seconds,
                    amountOf(launch.bytes, sizes),
                    amountOf(launch.flops, sizes),
                    bundle.choiceOf(launches, launch),
                    sizeOfChoice(launches, launch, sizes)});
  }
  return {};
}
