//===- NcclExchange.h - Collectives of emulated devices ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A collective is work on the streams of all ranks. When its turn has come on
// every stream, the last to arrive moves the data of all: nothing else runs on
// these streams meanwhile.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_NCCLEXCHANGE_H
#define MLA_EMULATOR_NCCLEXCHANGE_H

#include "Nccl.h" // of runtime/lib: the functions that the runtime calls

#include "mla/emulator.h"

#include <map>
#include <mutex>
#include <vector>

namespace mla::emulated {

/// What one rank brings to a collective.
struct Operation {
  enum Kind { AllReduce, AllGather, Exchange } kind = AllReduce;
  uint64_t in = 0, out = 0, count = 0;
  int type = 0;
  /// Of an Exchange: the blocks to and from each rank.
  struct Block {
    uint64_t address = 0, count = 0;
    int type = 0, peer = 0;
  };
  std::vector<Block> sent, received;
};

/// A communicator that all its ranks share.
struct Group {
  std::mutex mutex;
  int ranks = 0, joined = 0;
  nccl::Status error = nccl::success;
  /// The operations of collectives that have begun, by their numbers and ranks.
  struct Running {
    std::map<int, const Operation *> operations;
    bool isDone = false;
    int left = 0;
  };
  std::map<uint64_t, Running> running;

  /// Enters a rank's operation; returns the collective's number.
  void enter(uint64_t number, int rank, const Operation &operation);
  /// Returns whether the collective is done; then this rank has left it.
  bool leaveIfDone(uint64_t number);

private:
  nccl::Status move(const std::map<int, const Operation *> &operations) const;
};

enum : nccl::Status { unhandledCuda = 1, invalidArgument = 4, invalidUsage = 5 };

/// Of the driver in whose place the emulated device is loaded. Null members without one.
struct EmulatorFunctions {
  decltype(&mla_emulator_launch) launch = nullptr;
  decltype(&mla_emulator_memory) memory = nullptr;
};
const EmulatorFunctions &emulator();

} // namespace mla::emulated

#endif // MLA_EMULATOR_NCCLEXCHANGE_H
