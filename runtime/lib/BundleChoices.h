//===- BundleChoices.h - Choices of an open bundle --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_BUNDLECHOICES_H
#define MLA_RUNTIME_BUNDLECHOICES_H

#include "Manifest.h"
#include "Tuned.h"

#include "mla/tune.h"

namespace mla {

/// A choice of one of the launch lists of a manifest, which must outlive it.
class BundleChoice {
public:
  BundleChoice(const char *list, LaunchList &launches, size_t index);

  mla_choice_info info;

  bool is(const TunedChoice &tuned) const { return tuned.list == info.list && tuned.kernel == info.kernel; }
  const LaunchList *launches() const { return list; }
  size_t index() const { return number; } ///< in its list
  /// Returns why it cannot have the limits; "" if it can.
  std::string whyNot(const std::vector<int64_t> &limits) const { return list->whyNot(number, limits); }
  void set(std::vector<int64_t> limits);

private:
  LaunchList *list;
  size_t number;
  std::vector<int64_t> defaults;
};

/// Returns the choices of all lists, in the order of the manifest.
std::vector<BundleChoice> choicesOf(Manifest &manifest);

/// Checks that the choices of a tuning are those of the bundle. On the tuned device, sets their limits.
Error apply(const std::string &path, const Tuning &tuning, const std::string &device,
            std::vector<BundleChoice> &choices);

} // namespace mla

#endif // MLA_RUNTIME_BUNDLECHOICES_H
