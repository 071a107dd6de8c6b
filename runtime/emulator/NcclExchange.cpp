//===- NcclExchange.cpp - Collectives of emulated devices -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NcclExchange.h"
#include "SumOfRanks.h"

#include <cstring>

using namespace mla;
using namespace mla::emulated;

static uint64_t widthOf(int type) { return type == nccl::float32 ? 4 : type == nccl::bfloat16 ? 2 : 1; }

static const char *read(uint64_t address, uint64_t bytes) {
  return static_cast<const char *>(emulator().memory(address, bytes, /*written=*/0));
}
static char *write(uint64_t address, uint64_t bytes) {
  return static_cast<char *>(emulator().memory(address, bytes, /*written=*/1));
}

using Operations = std::map<int, const Operation *>;

static bool areAlike(const Operations &operations) {
  const Operation &first = *operations.begin()->second;
  for (auto [rank, operation] : operations)
    if (operation->kind != first.kind || operation->count != first.count || operation->type != first.type)
      return false;
  return true;
}

static nccl::Status reduce(const Operations &operations) {
  const Operation &first = *operations.begin()->second;
  uint64_t bytes = first.count * widthOf(first.type);
  std::vector<const char *> inputs;
  for (auto [rank, operation] : operations)
    inputs.push_back(read(operation->in, bytes));
  for (const char *input : inputs)
    if (!input)
      return invalidArgument;
  std::vector<char> sum(bytes);
  sumOfRanks(
      static_cast<int64_t>(inputs.size()), [&](int64_t rank) { return inputs[static_cast<size_t>(rank)]; }, sum.data(),
      first.count, first.type == nccl::bfloat16 ? SumBF16 : SumF32);
  for (auto [rank, operation] : operations) {
    char *out = write(operation->out, bytes);
    if (!out)
      return invalidArgument;
    std::memcpy(out, sum.data(), bytes);
  }
  return nccl::success;
}

static nccl::Status gather(const Operations &operations) {
  const Operation &first = *operations.begin()->second;
  uint64_t bytes = first.count * widthOf(first.type);
  std::vector<char> all;
  for (auto [rank, operation] : operations) {
    const char *in = read(operation->in, bytes);
    if (!in)
      return invalidArgument;
    all.insert(all.end(), in, in + bytes);
  }
  for (auto [rank, operation] : operations) {
    char *out = write(operation->out, all.size());
    if (!out)
      return invalidArgument;
    std::memcpy(out, all.data(), all.size());
  }
  return nccl::success;
}

/// Moves what each rank sends to each, in the order of sending.
static nccl::Status exchange(const Operations &operations) {
  std::map<std::pair<int, int>, std::vector<char>> messages; // from, to
  for (auto [rank, operation] : operations)
    for (const Operation::Block &block : operation->sent) {
      uint64_t bytes = block.count * widthOf(block.type);
      const char *in = read(block.address, bytes);
      if (!in)
        return invalidArgument;
      std::vector<char> &message = messages[{rank, block.peer}];
      message.insert(message.end(), in, in + bytes);
    }
  for (auto [rank, operation] : operations)
    for (const Operation::Block &block : operation->received) {
      std::vector<char> &message = messages[{block.peer, rank}];
      uint64_t bytes = block.count * widthOf(block.type);
      char *out = bytes <= message.size() ? write(block.address, bytes) : nullptr;
      if (!out)
        return invalidArgument;
      std::memcpy(out, message.data(), bytes);
      message.erase(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(bytes));
    }
  return nccl::success;
}

nccl::Status Group::move(const Operations &operations) const {
  if (!areAlike(operations))
    return invalidUsage;
  switch (operations.begin()->second->kind) {
  case Operation::AllReduce:
    return reduce(operations);
  case Operation::AllGather:
    return gather(operations);
  case Operation::Exchange:
    return exchange(operations);
  }
  return invalidUsage;
}

void Group::enter(uint64_t number, int rank, const Operation &operation) {
  std::lock_guard<std::mutex> lock(mutex);
  running[number].operations[rank] = &operation;
}

bool Group::leaveIfDone(uint64_t number) {
  std::lock_guard<std::mutex> lock(mutex);
  Running &collective = running[number];
  if (error || (!collective.isDone && static_cast<int>(collective.operations.size()) < ranks))
    return false;
  if (!collective.isDone)
    error = move(collective.operations);
  collective.isDone = !error;
  if (collective.isDone && ++collective.left == ranks)
    running.erase(number);
  return !error;
}
