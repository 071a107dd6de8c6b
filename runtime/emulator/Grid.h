//===- Grid.h - One launch of a kernel --------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_GRID_H
#define MLA_EMULATOR_GRID_H

#include "Block.h"

namespace mla::emulator {

/// The parameters of a launch.
struct LaunchRequest {
  const Program *program = nullptr;
  uint32_t grid[3] = {1, 1, 1}, block[3] = {1, 1, 1};
  uint32_t dynamicShared = 0;
  std::vector<uint8_t> parameters;
  bool mayOverlap = false; ///< Programmatic stream serialization.
};

class Grid {
public:
  Grid(const LaunchRequest &request, const Settings &settings, uint64_t seed);
  ~Grid();

  /// Runs as many blocks as there are multiprocessors up to their griddepcontrol.wait, while the preceding grid has
  /// done nothing yet.
  void runEarly();
  /// All blocks that ran early have let the next grid start.
  bool hasTriggered() const;
  /// The preceding grid is complete: what was done early is in order now.
  void settle();
  /// Marks again what was done early, after another grid has settled.
  void markAgain() const;
  /// Runs all blocks to their end.
  void run();

  const std::optional<Fault> &fault() const { return firstFault; }
  const Counters &counters() const { return total; }
  const std::string &name() const { return info.program->name; }

private:
  std::unique_ptr<Block> makeBlock(uint64_t number) const;
  void finish(Block &block, Block::Outcome outcome);
  void work();

  const Settings &settings;
  uint64_t seed;
  GridInfo info;
  std::vector<uint64_t> order; ///< Numbers of blocks, as they are run.
  std::vector<std::unique_ptr<Block>> early;
  std::mutex mutex;
  size_t next = 0;
  std::optional<Fault> firstFault;
  Counters total;
  std::vector<Marks> marks; ///< Of the blocks that are done.
};

} // namespace mla::emulator

#endif // MLA_EMULATOR_GRID_H
