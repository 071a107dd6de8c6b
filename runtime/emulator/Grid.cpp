//===- Grid.cpp - One launch of a kernel ----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Grid.h"

#include <algorithm>
#include <numeric>
#include <pthread.h>

using namespace mla::emulator;

Grid::Grid(const LaunchRequest &request, const Settings &settings, uint64_t seed) : settings(settings), seed(seed) {
  info.program = request.program;
  std::copy(std::begin(request.grid), std::end(request.grid), info.grid);
  std::copy(std::begin(request.block), std::end(request.block), info.block);
  info.dynamicShared = request.dynamicShared;
  uint64_t bytes = std::max<uint64_t>(request.parameters.size(), 1);
  info.parameters = globalMemory().allocate(bytes);
  std::copy(request.parameters.begin(), request.parameters.end(), globalMemory().contents(info.parameters));
  globalMemory().set(info.parameters, bytes, Written);
  order.resize(uint64_t(info.grid[0]) * info.grid[1] * info.grid[2]);
  std::iota(order.begin(), order.end(), 0);
  if (settings.policy == Policy::Lazy)
    std::reverse(order.begin(), order.end());
  if (settings.policy == Policy::Random)
    std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
  total.launches = 1;
}

Grid::~Grid() { globalMemory().free(info.parameters); }

std::unique_ptr<Block> Grid::makeBlock(uint64_t number) const {
  uint32_t index[3] = {static_cast<uint32_t>(number % info.grid[0]),
                       static_cast<uint32_t>(number / info.grid[0] % info.grid[1]),
                       static_cast<uint32_t>(number / info.grid[0] / info.grid[1])};
  return std::make_unique<Block>(info, index, settings, seed + 0x9e3779b97f4a7c15 * (number + 1));
}

void Grid::runEarly() {
  size_t count = std::min<size_t>(order.size(), static_cast<size_t>(settings.multiprocessors));
  for (; next < count && !firstFault; ++next) {
    early.push_back(makeBlock(order[next]));
    if (early.back()->run(/*isEarly=*/true) == Block::Outcome::Failed)
      firstFault = early.back()->fault;
  }
}

bool Grid::hasTriggered() const {
  for (const std::unique_ptr<Block> &block : early)
    if (!block->hasTriggered())
      return false;
  return true;
}

void Grid::settle() {
  for (const std::unique_ptr<Block> &block : early)
    block->marks.clear(ReadEarly | WrittenEarly);
}

void Grid::markAgain() const {
  for (const std::unique_ptr<Block> &block : early)
    block->marks.setAgain();
}

void Grid::finish(Block &block, Block::Outcome outcome) {
  std::lock_guard<std::mutex> lock(mutex);
  if (outcome == Block::Outcome::Failed && !firstFault)
    firstFault = block.fault;
  block.counters.largestBlock = block.counters.threadInstructions;
  total.add(block.counters);
  marks.push_back(std::move(block.marks));
}

/// Takes blocks until none is left: first those that ran early.
void Grid::work() {
  for (;;) {
    std::unique_ptr<Block> block;
    uint64_t number = 0;
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (firstFault)
        return;
      if (!early.empty()) {
        block = std::move(early.back());
        early.pop_back();
      } else if (next < order.size()) {
        number = order[next++];
      } else {
        return;
      }
    }
    if (!block)
      block = makeBlock(number);
    finish(*block, block->run(/*isEarly=*/false));
  }
}

void Grid::run() {
  size_t left = order.size() - next + early.size();
  std::vector<pthread_t> helpers;
  auto work = [](void *grid) -> void * { return static_cast<Grid *>(grid)->work(), nullptr; };
  for (size_t i = 1; i < std::min<size_t>(left, static_cast<size_t>(settings.threads)); ++i) {
    pthread_t helper;
    if (pthread_create(&helper, nullptr, work, this) != 0)
      break; // those that there are do all of it
    helpers.push_back(helper);
  }
  this->work();
  for (pthread_t helper : helpers)
    pthread_join(helper, nullptr);
  for (Marks &ofBlock : marks)
    ofBlock.clear(Generic);
  marks.clear();
}

void Counters::add(const Counters &other) {
  launches += other.launches;
  blocks += other.blocks;
  threadInstructions += other.threadInstructions;
  for (size_t i = 0; i < warpInstructions.size(); ++i)
    warpInstructions[i] += other.warpInstructions[i];
  productFlops += other.productFlops;
  globalRead += other.globalRead;
  globalWritten += other.globalWritten;
  copiedIn += other.copiedIn;
  copiedOut += other.copiedOut;
  sharedRead += other.sharedRead;
  sharedWritten += other.sharedWritten;
  sharedAccesses += other.sharedAccesses;
  bankConflicts += other.bankConflicts;
  largestBlock = std::max(largestBlock, other.largestBlock);
}
