//===- ChooseLimits.cpp - Limits of classes from their costs --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChooseLimits.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mla;
using namespace mla::run;

size_t mla::run::classOf(int64_t size, const std::vector<int64_t> &limits) {
  return std::find_if(limits.begin(), limits.end(), [&](int64_t limit) { return size <= limit; }) - limits.begin();
}

/// Return the logarithm of the cost of a class at a size; infinity if it has none.
static double costOf(const TunedSize &size, size_t ofClass, size_t before, double margin) {
  constexpr double least = 1e-12, tie = 1e-9; // of two equal classes the one before wins
  double cost = size.costs[ofClass];
  if (cost < 0)
    return std::numeric_limits<double>::infinity();
  return std::log(std::max(cost, least)) + (ofClass == before ? 0 : std::log(margin) + tie);
}

/// Return the classes of the sizes, which ascend as the sizes do, with the least sum of costs.
static std::vector<size_t> chooseClasses(const std::vector<TunedSize> &sizes, const std::vector<int64_t> &limits,
                                         double margin) {
  size_t numClasses = limits.size() + 1;
  std::vector<double> best(numClasses, 0); // with the last size in this class
  std::vector<std::vector<size_t>> from;   // the class of the size before
  for (const TunedSize &size : sizes) {
    std::vector<double> next(numClasses);
    std::vector<size_t> previous(numClasses);
    for (size_t i = 0, least = 0; i < numClasses; ++i) {
      least = best[i] < best[least] ? i : least;
      previous[i] = least;
      next[i] = best[least] + costOf(size, i, classOf(size.size, limits), margin);
    }
    best = std::move(next);
    from.push_back(std::move(previous));
  }
  std::vector<size_t> classes(sizes.size());
  size_t last = std::min_element(best.begin(), best.end()) - best.begin();
  for (size_t k = sizes.size(); k-- > 0; last = from[k][last])
    classes[k] = last;
  return classes;
}

std::vector<int64_t> mla::run::chooseLimits(const std::vector<TunedSize> &sizes, const std::vector<int64_t> &limits,
                                            double margin) {
  std::vector<size_t> classes = chooseClasses(sizes, limits, margin);
  std::vector<int64_t> chosen(limits.size());
  for (size_t i = 0; i < limits.size(); ++i) {
    // Of classes that ascend, those up to class i have the first sizes.
    size_t count = std::upper_bound(classes.begin(), classes.end(), i) - classes.begin();
    size_t before = std::count_if(sizes.begin(), sizes.end(), [&](auto &size) { return size.size <= limits[i]; });
    chosen[i] = count == before ? limits[i] : count ? sizes[count - 1].size : 0;
    chosen[i] = std::max(chosen[i], i ? chosen[i - 1] : 0);
  }
  return chosen;
}
