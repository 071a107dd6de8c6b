//===- Clock.h - Vector clocks of the agents of a block ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The agents that access shared memory: warps through the generic proxy, and on their
// behalf the asynchronous ones. Each is an agent with a clock of its own, so
// that a vector of clocks says what has happened before (Flanagan and Freund,
// "FastTrack: Efficient and Precise Dynamic Race Detection", PLDI 2009):
//   Warp(w)      generic reads and writes of warp w; counts its releases
//   Products(w)  reads of wgmma of warp w; counts groups
//   Stores(w)    reads of bulk stores of warp w; counts operations
//   Words(w)     writes of cp.async of warp w; counts operations
//   Copies(b)    writes that complete on mbarrier b; counts its phases
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_CLOCK_H
#define MLA_EMULATOR_CLOCK_H

#include <algorithm>
#include <cstdint>
#include <vector>

namespace mla::emulator {

using Time = uint32_t;
constexpr Time never = UINT32_MAX; ///< The time of what has not completed.

/// Numbers of agents, for a block of `warps` warps.
struct Agents {
  static constexpr unsigned maxBarriers = 128;
  unsigned warps;
  unsigned warp(unsigned w) const { return w; }
  unsigned products(unsigned w) const { return warps + w; }
  unsigned stores(unsigned w) const { return 2 * warps + w; }
  unsigned words(unsigned w) const { return 3 * warps + w; }
  unsigned copies(unsigned barrier) const { return 4 * warps + barrier; }
  unsigned count() const { return 4 * warps + maxBarriers; }
  /// Those that read.
  unsigned readers() const { return 3 * warps; }
  bool isWarp(unsigned agent) const { return agent < warps; }
  /// Through the generic proxy, as cp.async is too.
  bool isGeneric(unsigned agent) const { return isWarp(agent) || (agent >= words(0) && agent < copies(0)); }
};

/// What has happened before a point of a warp or of a barrier: `all`, and `fenced`, the part of it that a proxy fence
/// made visible to the asynchronous proxy (PTX ISA 8.6, 8.9.5: proxy-preserved base causality order).
struct Clock {
  std::vector<Time> all, fenced;
  Clock() = default;
  explicit Clock(unsigned agents) : all(agents), fenced(agents) {}
  void join(const Clock &other) {
    for (size_t i = 0; i < all.size(); ++i) {
      all[i] = std::max(all[i], other.all[i]);
      fenced[i] = std::max(fenced[i], other.fenced[i]);
    }
  }
};

} // namespace mla::emulator

#endif // MLA_EMULATOR_CLOCK_H
