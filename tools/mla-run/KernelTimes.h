//===- KernelTimes.h - Times of each kernel ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_KERNELTIMES_H
#define MLA_RUN_KERNELTIMES_H

#include "Handles.h"

#include <array>
#include <string>
#include <vector>

namespace mla::run {

/// Times of the kernels of layers of a GPU, by kernel and grid.
class KernelTimes {
public:
  /// Run a layer, one kernel after the other, and add its times.
  Error add(const mla_bundle *bundle, int64_t layer, const mla_batch *batch, mla_phase phase, const void *hidden,
            void *out);

  bool empty() const { return groups.empty(); }
  void print() const;
  /// Return an array of objects; medians are null if there is no clock.
  std::string json() const;

private:
  struct Group {
    std::string kernel;
    std::array<uint32_t, 3> grid;
    std::vector<double> seconds;

    /// Return the median, which is negative if there is no clock.
    double median() const;
  };
  std::vector<Group> groups; ///< in the order of their first launches
  int64_t layerRuns = 0;

  Group &groupOf(const mla_launch_time &time);
  double launchesOf(const Group &group) const;
  double total() const;
};

} // namespace mla::run

#endif // MLA_RUN_KERNELTIMES_H
