//===- Profile.h - Times of the launches of a step --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_PROFILE_H
#define MLA_RUNTIME_PROFILE_H

#include "GpuCode.h"

#include <chrono>
#include <vector>

namespace mla {

/// The layer of an item that is of none.
constexpr int64_t noLayer = -1;

/// Runs the lists of a step, or on a host its entries, one after the other, and keeps their times.
class Profile {
public:
  /// Enqueues the list with a timer around each launch, and waits.
  Error enqueue(const char *function, const mla_bundle &bundle, const LaunchList &list, LaunchBindings &bindings,
                int64_t layer);

  /// Calls an entry on the host, which moves at most so many bytes.
  template <typename Call>
  Error run(const std::string &symbol, const char *part, int64_t layer, double bytes, Call call) {
    auto start = std::chrono::steady_clock::now();
    Error error = call();
    std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    list.push_back({symbol.c_str(), part, layer, {0, 0, 0}, 0, time.count(), bytes, unknown, -1, -1});
    return error;
  }

  const std::vector<mla_profile_item> &items() const { return list; }

private:
  static constexpr double unknown = -1;
  std::vector<mla_profile_item> list;
};

} // namespace mla

#endif // MLA_RUNTIME_PROFILE_H
