//===- ControlFlow.cpp - Where lanes meet, which registers products have --===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Operations.h"

#include <algorithm>

using namespace mla::emulator;

//===----------------------------------------------------------------------===//
// Reconvergence
//===----------------------------------------------------------------------===//

namespace {
/// Basic blocks of a kernel, and their postdominators (Cooper, Harvey and Kennedy, "A Simple, Fast Dominance
/// Algorithm", 2001, on the reversed graph). The last block is the exit.
class Postdominators {
public:
  explicit Postdominators(const Program &program);
  /// The first instruction of the immediate postdominator of the block that ends with `inst`; UINT32_MAX: the exit.
  uint32_t after(const Inst &inst) const;

private:
  void findBlocks(const Program &program);
  void connect(const Program &program);
  void orderFrom(uint32_t block);
  uint32_t intersect(uint32_t a, uint32_t b) const;
  void solve();

  std::vector<uint32_t> blockOf, first; ///< Of an instruction; of a block.
  std::vector<std::vector<uint32_t>> successors, predecessors;
  std::vector<uint32_t> order, number, dominator; ///< Postorder of the reversed graph; a block's number in it.
};
} // namespace

static bool isExit(const Inst &inst) { return inst.isExit; }

static std::vector<uint32_t> targetsOf(const Program &program, const Inst &inst) {
  if (inst.isTableBranch)
    return program.kernel->branchTables[inst.target];
  return {inst.target};
}

void Postdominators::findBlocks(const Program &program) {
  std::vector<bool> starts(program.code.size() + 1);
  starts[0] = true;
  for (const Inst &inst : program.code) {
    if (!inst.isBranch && !isExit(inst))
      continue;
    starts[inst.index + 1] = true;
    if (inst.isBranch)
      for (uint32_t target : targetsOf(program, inst))
        starts[target] = true;
  }
  blockOf.resize(program.code.size());
  for (uint32_t i = 0; i < program.code.size(); ++i) {
    if (starts[i])
      first.push_back(i);
    blockOf[i] = static_cast<uint32_t>(first.size()) - 1;
  }
}

void Postdominators::connect(const Program &program) {
  uint32_t exit = static_cast<uint32_t>(first.size());
  successors.resize(exit + 1);
  predecessors.resize(exit + 1);
  auto edge = [&](uint32_t from, uint32_t to) {
    successors[from].push_back(to);
    predecessors[to].push_back(from);
  };
  for (uint32_t block = 0; block < exit; ++block) {
    uint32_t end = block + 1 < exit ? first[block + 1] : static_cast<uint32_t>(program.code.size());
    const Inst &last = program.code[end - 1];
    if (last.isBranch)
      for (uint32_t target : targetsOf(program, last))
        edge(block, target < blockOf.size() ? blockOf[target] : exit);
    if (isExit(last))
      edge(block, exit);
    bool fallsThrough = (!last.isBranch && !isExit(last)) || last.guard >= 0;
    if (fallsThrough)
      edge(block, block + 1);
  }
}

void Postdominators::orderFrom(uint32_t root) {
  // Without recursion: kernels have thousands of blocks.
  std::vector<bool> seen(successors.size());
  std::vector<std::pair<uint32_t, size_t>> path = {{root, 0}};
  seen[root] = true;
  while (!path.empty()) {
    auto &[block, next] = path.back();
    if (next == predecessors[block].size()) {
      number[block] = static_cast<uint32_t>(order.size());
      order.push_back(block);
      path.pop_back();
      continue;
    }
    uint32_t from = predecessors[block][next++];
    if (!seen[from]) {
      seen[from] = true;
      path.emplace_back(from, 0);
    }
  }
}

uint32_t Postdominators::intersect(uint32_t a, uint32_t b) const {
  while (a != b) {
    while (number[a] < number[b])
      a = dominator[a];
    while (number[b] < number[a])
      b = dominator[b];
  }
  return a;
}

void Postdominators::solve() {
  uint32_t exit = static_cast<uint32_t>(first.size());
  number.assign(exit + 1, UINT32_MAX);
  dominator.assign(exit + 1, UINT32_MAX);
  orderFrom(exit);
  dominator[exit] = exit;
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = order.size() - 1; i-- > 0;) {
      uint32_t block = order[i], found = UINT32_MAX;
      for (uint32_t successor : successors[block])
        if (number[successor] != UINT32_MAX && dominator[successor] != UINT32_MAX)
          found = found == UINT32_MAX ? successor : intersect(successor, found);
      changed |= found != dominator[block];
      dominator[block] = found;
    }
  }
}

Postdominators::Postdominators(const Program &program) {
  findBlocks(program);
  connect(program);
  solve();
}

uint32_t Postdominators::after(const Inst &inst) const {
  uint32_t found = dominator[blockOf[inst.index]];
  return found < first.size() ? first[found] : UINT32_MAX;
}

void mla::emulator::findReconvergence(Program &program) {
  Postdominators postdominators(program);
  for (Inst &inst : program.code)
    if (inst.isBranch)
      inst.reconvergence = postdominators.after(inst);
}

//===----------------------------------------------------------------------===//
// Registers of products
//===----------------------------------------------------------------------===//

static bool isRegister(const Source &source) { return !source.constant && !source.isPredicate; }

/// A register takes part if a wgmma has it, or a move connects it with one that does.
void mla::emulator::findProductRegisters(Program &program) {
  std::vector<bool> accumulators(program.cells), inputs(program.cells);
  for (const Inst &inst : program.code) {
    if (!inst.isProduct)
      continue;
    for (int32_t cell : inst.results)
      accumulators[cell] = inputs[cell] = true;
    for (const Source &input : inst.inputs)
      inputs[input.cell] = true;
  }
  auto isCopy = [](const Inst &inst) { return inst.isRename && isRegister(inst.sources[0]); };
  for (bool changed = true; changed;) {
    changed = false;
    auto spread = [&](std::vector<bool> &set, uint32_t from, uint32_t to) {
      if (set[from] && !set[to])
        changed = set[to] = true;
    };
    for (const Inst &inst : program.code)
      if (isCopy(inst)) {
        spread(accumulators, inst.sources[0].cell, inst.destination);
        spread(accumulators, inst.destination, inst.sources[0].cell);
        spread(inputs, inst.destination, inst.sources[0].cell);
      }
  }
  for (Inst &inst : program.code) {
    auto has = [&](const std::vector<bool> &set, int32_t cell) { return cell >= 0 && set[cell]; };
    bool touches = false, writes = false;
    for (unsigned i = 0; i < inst.numSources; ++i)
      touches |= isRegister(inst.sources[i]) && accumulators[inst.sources[i].cell];
    for (const Source &input : inst.inputs)
      touches |= isRegister(input) && accumulators[input.cell];
    if (!inst.destinationIsPredicate)
      writes |= has(inputs, inst.destination);
    for (int32_t cell : inst.results)
      writes |= has(inputs, cell);
    if (inst.isProduct || inst.isRename) // which look for themselves
      continue;
    inst.touchesProducts = touches || writes;
    inst.writesProductInput = writes;
  }
}
