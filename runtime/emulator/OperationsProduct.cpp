//===- OperationsProduct.cpp - wgmma --------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 8.6, 9.7.15: wgmma.mma_async of bf16, f16 and e4m3 with sums in f32, A
// from shared memory or registers.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace mla::emulator;

static constexpr InstClass kind = InstClass::Product;

/// Start, leading and stride byte offsets in units of 16, and the swizzle (PTX ISA 8.6, 9.7.15.5.1.2.2). False: it was
/// reported.
static bool decodeDescriptor(Warp &warp, const Inst &inst, u64 bits, bool isMnMajor, Operand &operand) {
  operand.elementBytes = inst.bytes;
  operand.isHalf = inst.values[0];
  operand.start = static_cast<u32>(bits & 0x3fff) << 4;
  operand.leading = static_cast<u32>(bits >> 16 & 0x3fff) << 4;
  operand.stride = static_cast<u32>(bits >> 32 & 0x3fff) << 4;
  operand.isMnMajor = isMnMajor;
  u64 swizzle = bits >> 62, baseOffset = bits >> 49 & 7;
  if (swizzle == 1 && baseOffset == 0)
    return true;
  warp.fail(FaultKind::Unsupported, "the descriptor's swizzle is " + std::to_string(swizzle) + " and its base offset " +
                                        std::to_string(baseOffset) +
                                        "; only 128-byte swizzling (1) and 0 are emulated");
  return false;
}

/// All four warps of a warpgroup must execute the same products, with the same descriptors.
static bool isSameInWarpgroup(Warp &warp, const Block::ProductRecord &record) {
  Block &block = warp.block;
  unsigned group = warp.index / 4;
  if (group * 4 + 4 > block.warps.size()) {
    warp.fail(FaultKind::Divergence, "the warp belongs to no warpgroup of four warps");
    return false;
  }
  std::vector<Block::ProductRecord> &log = block.productLog[group];
  uint64_t number = block.productsIssued[warp.index]++;
  if (number == log.size())
    log.push_back(record);
  if (log[number] == record)
    return true;
  warp.fail(FaultKind::Divergence,
            "the warps of the warpgroup execute different wgmma, or with other descriptors: another "
            "warp's is at " +
                block.describeInst(log[number].pc));
  return false;
}

/// Sources: descriptors of B, and of A if it lies in shared memory. values: [1] A's and [2] B's major dimension, [3]
/// the sign of products.
static void multiply(Warp &warp, const Inst &inst, Mask mask) {
  Mask keeps = warp.predicates[inst.scale.cell];
  if (warp.failIfUndefined(warp.undefinedPredicates[inst.scale.cell], mask, "scale-d"))
    return;
  if (keeps != 0 && keeps != mask)
    return warp.fail(FaultKind::Divergence, "scale-d differs between the threads");
  auto product = std::make_shared<Product>();
  product->keeps = keeps != 0;
  product->negates = inst.values[3] < 0;
  product->inst = &inst;
  product->aFromRegisters = !inst.inputs.empty();
  u64 bits[2] = {};
  for (unsigned i = 0; i < inst.numSources; ++i) {
    if (warp.failIfUndefined(warp.undefinedOf(inst.sources[i]), mask, "the descriptor"))
      return;
    const u64 *values = warp.longs(inst.sources[i]);
    bits[i] = values[0];
    for (unsigned lane = 1; lane < lanes; ++lane)
      if (values[lane] != bits[i])
        return warp.fail(FaultKind::Divergence, "the descriptor differs between the threads", static_cast<int>(lane));
  }
  if (!decodeDescriptor(warp, inst, bits[0], inst.values[2], product->b) ||
      (!product->aFromRegisters && !decodeDescriptor(warp, inst, bits[1], inst.values[1], product->a)) ||
      !isSameInWarpgroup(warp, {warp.pc, bits[1], bits[0]}))
    return;
  auto isUnfenced = [&](int32_t cell) {
    return !warp.products.isPending(cell) && warp.writtenAt[cell] > warp.fencedAt;
  };
  // Without scale-d accumulators are not read; that compilers set them to a constant behind the fence, which they do
  // where the value is dead, writes no register.
  bool unfenced = false;
  for (int32_t cell : inst.results)
    unfenced |= isUnfenced(cell) && (keeps || !warp.isConstant[cell]);
  for (const Source &input : inst.inputs) {
    if (warp.products.isPending(static_cast<int32_t>(input.cell)))
      return warp.fail(FaultKind::ProductPending, "A is a register of a wgmma that is in flight");
    unfenced |= isUnfenced(static_cast<int32_t>(input.cell));
  }
  if (!warp.fencedAt)
    return warp.fail(FaultKind::ProductFence, "the warp's first wgmma; execute wgmma.fence before");
  if (unfenced)
    return warp.fail(FaultKind::ProductFence,
                     "a register was written since the last wgmma.fence; fence between the write and the product");
  warp.block.counters.productFlops += u64(2) * 16 * (2 * inst.results.size()) * product->b.depth();
  warp.products.issue(warp, std::move(product));
}

static void fenceProducts(Warp &warp, const Inst &, Mask) { warp.fencedAt = ++warp.step; }
static void commitProducts(Warp &warp, const Inst &, Mask) { warp.products.commit(); }
static void waitProducts(Warp &warp, const Inst &inst, Mask) {
  if (!warp.products.wait(warp, static_cast<size_t>(inst.values[0])))
    warp.nextPc = warp.pc;
}

static void decodeWaitProducts(Decoder &decoder, Inst &inst) {
  if (!decoder.accept("sync") || !decoder.accept("aligned") || !decoder.expectOperands(1, 1))
    return decoder.fail("this form is not emulated");
  inst.values[0] = decoder.immediate(decoder.operand(0));
  if (inst.values[0] < 0 || inst.values[0] > 7)
    return decoder.fail("expected 0 to 7 groups");
  inst.isAligned = true;
  inst.run = waitProducts;
}

namespace {
/// A type of the elements of A and B.
struct ElementType {
  const char *name, *depth; ///< As the shape has it.
  uint8_t bytes;
  bool hasMajors; ///< Operands may be MN-major, as the last ones say.
  bool isHalf;
};
} // namespace
static constexpr ElementType elementTypes[] = {
    {"bf16", "k16", 2, true, false}, {"f16", "k16", 2, true, true}, {"e4m3", "k32", 1, false, false}};

/// N of "m64nNk16", "k16" given; 0 if it is none.
static u32 columnsOf(std::string_view shape, std::string_view depth) {
  if (!shape.starts_with("m64n") || !shape.ends_with(depth))
    return 0;
  u32 n = 0;
  for (char c : shape.substr(4, shape.size() - 7)) {
    if (c < '0' || c > '9' || n > 256)
      return 0;
    n = 10 * n + static_cast<u32>(c - '0');
  }
  return n % 8 == 0 && n <= 256 ? n : 0;
}

/// .shape.f32.atype.btype. Returns null if it is none that is emulated.
static const ElementType *decodeShape(Decoder &decoder, u32 &n) {
  std::string shape = decoder.next();
  if (!decoder.accept("f32"))
    return nullptr;
  std::string a = decoder.next(), b = decoder.next();
  for (const ElementType &type : elementTypes)
    if (a == type.name && b == type.name && (n = columnsOf(shape, type.depth)))
      return &type;
  return nullptr;
}

/// imm-scale-a, imm-scale-b and, of types that have them, the majors.
static void decodeImmediates(Decoder &decoder, Inst &inst, bool hasMajors) {
  int64_t scaleA = decoder.immediate(decoder.operand(4)), scaleB = decoder.immediate(decoder.operand(5));
  if (std::abs(scaleA) != 1 || std::abs(scaleB) != 1)
    return decoder.fail("expected scales 1 or -1 of A and B");
  inst.values[3] = scaleA * scaleB;
  if (!hasMajors)
    return;
  bool fromRegisters = !inst.inputs.empty();
  inst.values[1] = fromRegisters ? 0 : decoder.immediate(decoder.operand(6));
  inst.values[2] = decoder.immediate(decoder.operand(fromRegisters ? 6 : 7));
}

static void decodeMultiply(Decoder &decoder, Inst &inst) {
  u32 n = 0;
  bool isKnown = decoder.accept("sync") && decoder.accept("aligned");
  const ElementType *type = isKnown ? decodeShape(decoder, n) : nullptr;
  if (!type)
    return decoder.fail("this form is not emulated");
  if (!decoder.expectOperands(6, 8))
    return;
  const ptx::Operand &d = decoder.operand(0), &a = decoder.operand(1);
  bool fromRegisters = a.kind == ptx::Operand::Vector;
  size_t operands = !type->hasMajors ? 6 : fromRegisters ? 7 : 8;
  if (!decoder.expectOperands(operands, operands))
    return;
  if (d.elements.size() != n / 2 || (fromRegisters && a.elements.size() != 4))
    return decoder.fail("expected " + std::to_string(n / 2) + " accumulators, and 4 registers of A");
  for (const ptx::Operand &element : d.elements)
    inst.results.push_back(decoder.destination(element, 'w'));
  decoder.addSource(inst, decoder.operand(2), 'd');
  if (!fromRegisters)
    decoder.addSource(inst, a, 'd');
  for (const ptx::Operand &element : fromRegisters ? a.elements : std::vector<ptx::Operand>()) {
    if (element.kind != ptx::Operand::Reg)
      return decoder.fail("expected registers of A");
    inst.inputs.push_back(decoder.source(element, 'w'));
  }
  inst.scale = decoder.source(decoder.operand(3), 'p');
  decodeImmediates(decoder, inst, type->hasMajors);
  inst.bytes = type->bytes;
  inst.values[0] = type->isHalf;
  inst.isAligned = inst.isProduct = true;
  inst.run = multiply;
}

std::vector<Row> mla::emulator::productRows() {
  std::vector<Row> rows = {
      {"wgmma.mma_async", "", nullptr, kind, decodeMultiply},
      {"wgmma.fence.sync.aligned", "=", fenceProducts, kind},
      {"wgmma.commit_group.sync.aligned", "=", commitProducts, kind},
      {"wgmma.wait_group", "", nullptr, kind, decodeWaitProducts},
  };
  for (Row &row : rows)
    row.isAligned = true;
  return rows;
}
