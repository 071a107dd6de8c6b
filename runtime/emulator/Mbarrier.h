//===- Mbarrier.h - Barriers of a block -------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_MBARRIER_H
#define MLA_EMULATOR_MBARRIER_H

#include "Clock.h"

#include <string>

namespace mla::emulator {

/// An mbarrier object (PTX ISA 8.6, 9.7.13.15): counts arrivals and bytes of copies; a phase completes when none of
/// either is pending.
struct Mbarrier {
  uint32_t address = 0;
  unsigned number = 0; ///< For its agent.
  int64_t expected = 0, pending = 0, transactions = 0;
  uint64_t phase = 0; ///< That is not complete.
  Clock arrived;      ///< What happened before the arrivals so far.
  Clock completed;    ///< What happened before the last completed phase did.
  // Initialization is a generic write of the object.
  unsigned initWarp = 0;
  Time initTime = 0;
  bool isVisibleToCopies = false; ///< fence.mbarrier_init or a proxy fence came after it.
  uint32_t initPc = 0;

  static constexpr int64_t maxArrivals = (1 << 20) - 1;
  bool hasCompleted(uint32_t parity) const { return (phase & 1) != parity; }
};

/// One of the block's 16 named barriers (PTX ISA 8.6, 9.7.13.1).
struct NamedBarrier {
  uint32_t expected = 0; ///< Threads; 0: nobody has arrived.
  uint32_t arrived = 0;
  Clock clock; ///< What happened before the arrivals.
};

} // namespace mla::emulator

#endif // MLA_EMULATOR_MBARRIER_H
