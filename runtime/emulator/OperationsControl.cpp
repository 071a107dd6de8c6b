//===- OperationsControl.cpp - Branches -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 8.6, 9.7.12.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace mla::emulator;

static constexpr InstClass kind = InstClass::Control;

static void branch(Warp &warp, const Inst &inst, Mask mask) { warp.diverge(inst, mask, inst.target); }

/// .uni promises that all active threads branch to the same place.
static void branchUniform(Warp &warp, const Inst &inst, Mask mask) {
  if (mask != warp.active)
    return warp.fail(FaultKind::Divergence, "bra.uni of only some of the active threads");
  warp.nextPc = inst.target;
}

static void decodeBranch(Decoder &decoder, Inst &inst) {
  bool isUniform = decoder.accept("uni");
  if (!decoder.expectOperands(1, 1))
    return;
  if (decoder.operand(0).kind != ptx::Operand::Label)
    return decoder.fail("expected a label");
  inst.target = static_cast<uint32_t>(decoder.operand(0).bits);
  inst.isBranch = true;
  inst.run = isUniform ? branchUniform : branch;
}

/// Lanes go to the entries of a table. Those of one entry part from the others at a time.
static void branchByTable(Warp &warp, const Inst &inst, Mask mask) {
  if (warp.failIfUndefined(warp.undefinedOf(inst.sources[0]), mask, "the index of the branch"))
    return;
  const std::vector<uint32_t> &table = warp.block.program.kernel->branchTables[inst.target];
  const u32 *indices = warp.words(inst.sources[0]);
  unsigned first = static_cast<unsigned>(std::countr_zero(mask));
  Mask same = 0;
  bool isInside = true;
  forLanes(mask, [&](unsigned lane) {
    isInside &= indices[lane] < table.size();
    same |= Mask(indices[lane] == indices[first]) << lane;
  });
  if (!isInside)
    return warp.fail(FaultKind::OutOfBounds,
                     "an index of the branch is not below the table's " + std::to_string(table.size()) + " entries");
  // The others come back to this instruction.
  Mask others = warp.active & ~same;
  if (others) {
    warp.stack.push_back({inst.reconvergence, warp.reconvergence, warp.active});
    warp.stack.push_back({inst.index, inst.reconvergence, others});
    warp.reconvergence = inst.reconvergence;
    warp.active = same;
  }
  warp.nextPc = table[indices[first]];
}

static void decodeTableBranch(Decoder &decoder, Inst &inst) {
  decoder.accept("uni");
  if (!decoder.expectOperands(2, 2))
    return;
  if (decoder.operand(1).kind != ptx::Operand::Label)
    return decoder.fail("expected a branch table");
  decoder.addSource(inst, decoder.operand(0), 'w');
  inst.target = static_cast<uint32_t>(decoder.operand(1).bits);
  inst.isBranch = inst.isTableBranch = true;
  inst.run = branchByTable;
}

static void exitLanes(Warp &warp, const Inst &, Mask mask) { warp.exit(mask); }

static void decodeExit(Decoder &decoder, Inst &inst) {
  decoder.accept("uni");
  decoder.expectOperands(0, 0);
  inst.isExit = true;
  inst.run = exitLanes;
}

std::vector<Row> mla::emulator::controlRows() {
  return {
      {"bra", "", nullptr, kind, decodeBranch},
      {"brx.idx", "", nullptr, kind, decodeTableBranch},
      {"ret", "", nullptr, kind, decodeExit},
      {"exit", "", nullptr, kind, decodeExit},
  };
}
