//===- Warp.cpp - The state of a warp -------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"

#include <bit>

using namespace mla::emulator;

static uint32_t valueOf(Special special, const Block &block, unsigned thread) {
  const uint32_t (&size)[3] = block.grid.block;
  switch (special) {
  case Special::TidX:
    return thread % size[0];
  case Special::TidY:
    return thread / size[0] % size[1];
  case Special::TidZ:
    return thread / size[0] / size[1];
  case Special::NtidX:
  case Special::NtidY:
  case Special::NtidZ:
    return size[static_cast<int>(special) - static_cast<int>(Special::NtidX)];
  case Special::CtaidX:
  case Special::CtaidY:
  case Special::CtaidZ:
    return block.blockIndex[static_cast<int>(special) - static_cast<int>(Special::CtaidX)];
  case Special::NctaidX:
  case Special::NctaidY:
  case Special::NctaidZ:
    return block.grid.grid[static_cast<int>(special) - static_cast<int>(Special::NctaidX)];
  case Special::LaneId:
    return thread % lanes;
  case Special::WarpId:
    return thread / lanes;
  case Special::ClusterRank:
    return 0;
  }
  return 0;
}

Warp::Warp(Block &block, unsigned index, uint32_t threads) : block(block), index(index) {
  const Program &program = block.program;
  alive = active = threads >= lanes ? allLanes : (Mask(1) << threads) - 1;
  cells = block.registers.get() + size_t(index) * program.cells * lanes;
  undefined.assign(program.cells, {});
  writtenAt.assign(program.cells, 0);
  isConstant.assign(program.cells, false);
  predicates.assign(program.predicates, 0);
  undefinedPredicates.assign(program.predicates, allLanes);
  for (auto [special, cell] : program.specials) {
    for (unsigned lane = 0; lane < lanes; ++lane)
      words(cell)[lane] = valueOf(special, block, index * lanes + lane);
    undefined[cell] = {0, 0};
  }
  if (program.parameterBase >= 0) {
    std::fill_n(longs(program.parameterBase), lanes, block.grid.parameters);
    undefined[program.parameterBase] = {0, 0};
  }
  registersPerThread = Block::registersAtLaunch(block.grid.threads());
  clock = Clock(block.agents.count());
  tick();
  products.begin(program.cells);
}

/// Which lanes go first is not specified.
void Warp::diverge(const Inst &inst, Mask taken, uint32_t target) {
  Mask others = active & ~taken;
  if (!others) {
    nextPc = target;
    return;
  }
  stack.push_back({inst.reconvergence, reconvergence, active});
  Frame jump{target, inst.reconvergence, taken}, fall{inst.index + 1, inst.reconvergence, others};
  bool fallsFirst = block.isEager() || block.sometimes(2);
  stack.push_back(fallsFirst ? jump : fall);
  const Frame &first = fallsFirst ? fall : jump;
  nextPc = first.pc;
  reconvergence = first.reconvergence;
  active = first.mask;
}

void Warp::exit(Mask mask) {
  for (unsigned lane = 0; lane < lanes; ++lane) {
    bool isPending = false;
    if (mask >> lane & 1)
      wordCopies[lane].forAll([&](const WordCopy &copy) { isPending |= !copy.isCounted; });
    if (isPending)
      return fail(FaultKind::CopyPending, "the thread exits before its cp.async has completed (cp.async.wait_group)",
                  static_cast<int>(lane));
  }
  alive &= ~mask;
  active &= ~mask;
  nextPc = active ? pc + 1 : UINT32_MAX;
}

void Warp::converge() {
  while (!(active & alive) || pc == reconvergence) {
    if (stack.empty()) {
      if (!(active & alive))
        state = State::Done;
      return;
    }
    Frame frame = stack.back();
    stack.pop_back();
    pc = frame.pc;
    reconvergence = frame.reconvergence;
    active = frame.mask & alive;
  }
}

void Warp::fail(FaultKind kind, const std::string &what, int lane) { block.failAt(pc, *this, lane, kind, what); }

bool Warp::failIfUndefined(Mask undefinedLanes, Mask mask, const char *what) {
  if (!(undefinedLanes & mask))
    return false;
  fail(FaultKind::Uninitialized, std::string(what) + " depends on a value that nobody wrote",
       std::countr_zero(undefinedLanes & mask));
  return true;
}
