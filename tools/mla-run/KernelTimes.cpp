//===- KernelTimes.cpp - Times of each kernel -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelTimes.h"
#include "Json.h"

#include <algorithm>
#include <cstdio>

using namespace mla;
using namespace mla::run;

KernelTimes::Group &KernelTimes::groupOf(const mla_launch_time &time) {
  std::array<uint32_t, 3> grid = {time.grid[0], time.grid[1], time.grid[2]};
  for (Group &group : groups)
    if (group.kernel == time.kernel && group.grid == grid)
      return group;
  return groups.emplace_back(Group{time.kernel, grid, {}});
}

Error KernelTimes::add(const mla_bundle *bundle, int64_t layer, const mla_batch *batch, mla_phase phase,
                       const void *hidden, void *out) {
  constexpr size_t mostLaunches = 1024; // per launch list
  std::vector<mla_launch_time> times(mostLaunches);
  int64_t count = 0;
  if (Error error =
          toError(mla_time_layer(bundle, layer, batch, phase, hidden, out, times.data(), mostLaunches, &count)))
    return error;
  for (int64_t i = 0; i < count; ++i)
    groupOf(times[i]).seconds.push_back(times[i].seconds);
  ++layerRuns;
  return {};
}

double KernelTimes::Group::median() const {
  std::vector<double> sorted = seconds;
  std::sort(sorted.begin(), sorted.end());
  size_t half = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/// Return the number of launches per layer.
double KernelTimes::launchesOf(const Group &group) const {
  return static_cast<double>(group.seconds.size()) / static_cast<double>(layerRuns);
}

double KernelTimes::total() const {
  double sum = 0;
  for (const Group &group : groups)
    sum += group.median() * launchesOf(group);
  return sum;
}

void KernelTimes::print() const {
  bool hasClock = groups.front().median() >= 0;
  size_t width = std::string_view("kernel").size();
  for (const Group &group : groups)
    width = std::max(width, group.kernel.size());
  int column = static_cast<int>(width);
  std::printf("%-*s  %8s  %-18s  %10s  %6s\n", column, "kernel", "launches", "grid", "median us", "share");
  for (const Group &group : groups) {
    std::string grid =
        std::to_string(group.grid[0]) + " x " + std::to_string(group.grid[1]) + " x " + std::to_string(group.grid[2]);
    std::printf("%-*s  %8g  %-18s  ", column, group.kernel.c_str(), launchesOf(group), grid.c_str());
    if (hasClock)
      std::printf("%10.2f  %5.1f%%\n", group.median() * 1e6, 100 * group.median() * launchesOf(group) / total());
    else
      std::printf("%10s  %6s\n", "-", "-");
  }
  if (hasClock)
    std::printf("one after the other, %.2f us a layer-step\n", total() * 1e6);
  else
    std::printf("no times: the device is emulated and has no clock\n");
}

std::string KernelTimes::json() const {
  std::string text = "[";
  for (const Group &group : groups) {
    char numbers[160];
    std::snprintf(numbers, sizeof(numbers),
                  ", \"launches\": %g, \"grid\": [%u, %u, %u], \"median_seconds\": ", launchesOf(group), group.grid[0],
                  group.grid[1], group.grid[2]);
    char seconds[40] = "null";
    if (group.median() >= 0)
      std::snprintf(seconds, sizeof(seconds), "%.9f", group.median());
    text +=
        (text.size() > 1 ? ", {\"kernel\": " : "{\"kernel\": ") + json::quote(group.kernel) + numbers + seconds + "}";
  }
  return text + "]";
}
