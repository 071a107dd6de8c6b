//===- OperationsMemory.cpp - Loads, stores, atomics, matrices ------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 8.6, 9.7.9.8 (ld), 9.7.9.11 (st), 9.7.13.4 (atom), 9.7.14.5.15
// (ldmatrix), 9.7.14.5.16 (stmatrix).
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace mla::emulator;

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

bool Block::checkGlobal(Warp &warp, DeviceAddress address, uint32_t bytes, bool isWrite, bool isAsync, int lane) {
  GlobalMemory &memory = globalMemory();
  if (!memory.contains(address, bytes)) {
    warp.fail(FaultKind::OutOfBounds,
              std::string(isWrite ? "writes " : "reads ") + std::to_string(bytes) + " bytes at " + hex(address) + "; " +
                  memory.describe(address + bytes - 1),
              lane);
    return false;
  }
  uint8_t conflicting = isWrite ? ReadEarly | WrittenEarly : WrittenEarly;
  if (!isEarly && memory.anyHas(address, bytes, conflicting)) {
    warp.fail(FaultKind::DependentLaunch,
              std::string(isWrite ? "writes " : "reads ") + hex(address) +
                  ", which the next grid accesses before its griddepcontrol.wait",
              lane);
    return false;
  }
  if (isAsync && !isWrite && memory.anyHas(address, bytes, Generic)) {
    warp.fail(FaultKind::ProxyFence,
              "the copy reads " + hex(address) +
                  ", which a thread of this grid writes; the asynchronous proxy sees it "
                  "only behind a fence.proxy.async",
              lane);
    return false;
  }
  uint8_t bits = (isEarly ? isWrite ? WrittenEarly : ReadEarly : 0) | (isWrite && !isAsync ? Generic : 0);
  if (bits) {
    memory.set(address, bytes, bits);
    marks.add(address, bytes, bits, warp.index, warp.now());
  }
  return true;
}

/// Bounds, alignment and what else an ordinary access of shared memory must keep to. False: it was reported.
static bool checkShared(Warp &warp, u32 address, u32 bytes, bool isWrite, int lane) {
  Block &block = warp.block;
  if (!block.shared.contains(address, bytes)) {
    warp.fail(FaultKind::OutOfBounds,
              "shared address " + hex(address) + " is outside of the block's " + std::to_string(block.shared.size()) +
                  " bytes from " + hex(SharedMemory::base) + " on",
              lane);
    return false;
  }
  if (block.holdsMbarrier(address, bytes)) {
    warp.fail(FaultKind::Barrier, "an ordinary access of the mbarrier at " + hex(address & ~7u), lane);
    return false;
  }
  Accessor by{block.agents.warp(warp.index), warp.now(), warp.clock, warp.pc, false};
  Conflict conflict = isWrite ? block.shared.write(address, bytes, by) : block.shared.read(address, bytes, by);
  if (!conflict)
    return true;
  block.failConflict(warp, conflict, isWrite ? "writes" : "reads", lane);
  return false;
}

/// The addresses of all lanes; false if one decides on an undefined value or is misaligned.
static bool addresses(Warp &warp, const Inst &inst, Mask mask, u32 alignment, u64 (&result)[lanes]) {
  const Source &base = inst.sources[0];
  if (warp.failIfUndefined(warp.undefinedOf(base), mask, "the address"))
    return false;
  const u64 *wide = warp.longs(base);
  const u32 *narrow = warp.words(base);
  u64 bits = 0;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    result[lane] = (inst.addressIsWord[0] ? narrow[lane] : wide[lane]) + static_cast<u64>(inst.offsets[0]);
    bits |= mask >> lane & 1 ? result[lane] : 0;
  }
  if (bits % alignment == 0)
    return true;
  forLanes(mask, [&](unsigned lane) {
    if (result[lane] % alignment != 0)
      warp.fail(FaultKind::Misaligned, hex(result[lane]) + "; expected a multiple of " + std::to_string(alignment),
                static_cast<int>(lane));
  });
  return false;
}

/// Passes over the 32 banks of shared memory: a warp's accesses go by groups that together have at most 128 bytes; in a
/// group, different words of a bank take a pass each.
static void countBanks(Block &block, const u64 (&address)[lanes], Mask mask, u32 bytes) {
  ++block.counters.sharedAccesses;
  unsigned perGroup = std::min(lanes, 128 / std::max(bytes, 4u));
  for (unsigned first = 0; first < lanes; first += perGroup) {
    u64 seen[32][lanes];
    unsigned count[32] = {}, passes = 1;
    for (unsigned lane = first; lane < first + perGroup; ++lane)
      for (u32 word = 0; word < std::max(bytes / 4, 1u) && mask >> lane & 1; ++word) {
        u64 at = address[lane] / 4 + word;
        unsigned bank = at % 32;
        if (std::find(seen[bank], seen[bank] + count[bank], at) == seen[bank] + count[bank])
          seen[bank][count[bank]++] = at;
        passes = std::max(passes, count[bank]);
      }
    block.counters.bankConflicts += passes - 1;
  }
}

//===----------------------------------------------------------------------===//
// ld and st
//===----------------------------------------------------------------------===//

namespace {
/// Where the bytes of an access are, and whether they are written.
struct Place {
  uint8_t *contents;
  uint8_t *state;     ///< Of global memory; or null
  uint8_t *undefined; ///< Of shared memory; or null
  Place after(u32 bytes) const {
    return {contents + bytes, state ? state + bytes : nullptr, undefined ? undefined + bytes : nullptr};
  }
  bool isUndefined(u32 bytes) const {
    for (u32 i = 0; i < bytes; ++i)
      if (state ? !(state[i] & Written) : undefined[i] != 0)
        return true;
    return false;
  }
  void setUndefined(u32 bytes, bool value) const {
    for (u32 i = 0; i < bytes; ++i)
      if (state)
        state[i] = value ? state[i] & ~Written : state[i] | Written;
      else
        undefined[i] = value;
  }
};
} // namespace

static bool place(Warp &warp, const Inst &inst, u64 address, u32 bytes, bool isWrite, unsigned lane, Place &found) {
  Block &block = warp.block;
  if (inst.space == Space::Shared) {
    u32 at = static_cast<u32>(address);
    if (address >> 32 || !checkShared(warp, at, bytes, isWrite, static_cast<int>(lane))) {
      if (address >> 32)
        warp.fail(FaultKind::OutOfBounds, hex(address) + " is no address of shared memory", static_cast<int>(lane));
      return false;
    }
    found = {block.shared.contents(at), nullptr, block.shared.undefined(at)};
    return true;
  }
  if (!block.checkGlobal(warp, address, bytes, isWrite, false, static_cast<int>(lane)))
    return false;
  found = {globalMemory().contents(address), globalMemory().state(address), nullptr};
  return true;
}

/// Of one element: what a wider register gets.
static u64 extended(const Inst &inst, const uint8_t *from) {
  u64 value = 0;
  std::memcpy(&value, from, inst.bytes);
  unsigned unused = 64 - 8 * inst.bytes;
  return inst.isSigned ? static_cast<u64>(static_cast<s64>(value << unused) >> unused) : value;
}

static void loadLanes(Warp &warp, const Inst &inst, Mask mask) {
  u32 size = inst.bytes, count = static_cast<u32>(inst.results.size()), bytes = size * count;
  u64 address[lanes];
  if (!addresses(warp, inst, mask, bytes, address))
    return;
  Halves undefined[4];
  std::fill_n(undefined, 4, Halves{0, 0});
  forLanes(mask, [&](unsigned lane) {
    Place from;
    if (warp.block.fault || !place(warp, inst, address[lane], bytes, false, lane, from))
      return;
    for (u32 i = 0; i < count; ++i) {
      Place element = from.after(i * size);
      u32 half = size == 4 ? 2 : size; // of 4 bytes, the halves are told apart
      undefined[i].low |= Mask(element.isUndefined(half)) << lane;
      undefined[i].high |= Mask(size == 4 ? element.after(half).isUndefined(half) : element.isUndefined(size)) << lane;
      if (inst.results[i] < 0)
        continue;
      u64 value = extended(inst, element.contents);
      if (inst.resultIsLong >> i & 1)
        warp.longs(inst.results[i])[lane] = value;
      else
        warp.words(inst.results[i])[lane] = static_cast<u32>(value);
    }
  });
  for (u32 i = 0; i < count; ++i)
    if (inst.results[i] >= 0)
      warp.setUndefined(inst.results[i], mask, undefined[i]);
  u64 moved = u64(bytes) * std::popcount(mask);
  Counters &counters = warp.block.counters;
  (inst.space == Space::Shared ? counters.sharedRead : counters.globalRead) += moved;
  if (inst.space == Space::Shared)
    countBanks(warp.block, address, mask, bytes);
}

static void storeLanes(Warp &warp, const Inst &inst, Mask mask) {
  u32 size = inst.bytes, count = static_cast<u32>(inst.inputs.size()), bytes = size * count;
  u64 address[lanes];
  if (!addresses(warp, inst, mask, bytes, address))
    return;
  forLanes(mask, [&](unsigned lane) {
    Place to;
    if (warp.block.fault || !place(warp, inst, address[lane], bytes, true, lane, to))
      return;
    for (u32 i = 0; i < count; ++i) {
      const Source &input = inst.inputs[i];
      u64 value = inst.inputIsLong >> i & 1 ? warp.longs(input)[lane] : warp.words(input)[lane];
      std::memcpy(to.contents + i * size, &value, size);
      Place element = to.after(i * size);
      Halves undefined = warp.undefinedHalves(input);
      u32 low = size == 4 ? 2 : size;
      element.setUndefined(low, (size == 8 ? undefined.low | undefined.high : undefined.low) >> lane & 1);
      if (size == 4)
        element.after(low).setUndefined(low, undefined.high >> lane & 1);
    }
  });
  u64 moved = u64(bytes) * std::popcount(mask);
  Counters &counters = warp.block.counters;
  (inst.space == Space::Shared ? counters.sharedWritten : counters.globalWritten) += moved;
  if (inst.space == Space::Shared)
    countBanks(warp.block, address, mask, bytes);
}

/// A parameter: the same for all lanes.
static void loadParameter(Warp &warp, const Inst &inst, Mask mask) {
  u64 value = extended(inst, globalMemory().contents(warp.block.grid.parameters + static_cast<u64>(inst.values[0])));
  for (unsigned lane = 0; lane < lanes; ++lane)
    if (mask >> lane & 1) {
      if (inst.values[1])
        warp.longs(inst.destination)[lane] = value;
      else
        warp.words(inst.destination)[lane] = static_cast<u32>(value);
    }
  warp.setUndefined(inst.destination, mask, 0);
}

/// The bytes of "b32", "u64", …; 0 if the type is not emulated.
static u32 bytesOfType(std::string_view type) {
  std::string_view bits = type.substr(std::min<size_t>(1, type.size()));
  return type.size() < 2 || std::string_view("bus f").find(type[0]) == std::string_view::npos ? 0
         : bits == "8"                                                                        ? 1
         : bits == "16"                                                                       ? 2
         : bits == "32"                                                                       ? 4
         : bits == "64"                                                                       ? 8
                                                                                              : 0;
}

static char letterOfBytes(u32 bytes) { return bytes == 1 ? 'b' : bytes == 2 ? 'h' : bytes == 4 ? 'w' : 'd'; }

/// Modifiers from the order on: [.weak|.volatile|.relaxed.SCOPE] .SPACE [cache hints] [.vN] .TYPE
static u32 decodeAccess(Decoder &decoder, Inst &inst) {
  decoder.acceptAnyOf({"weak", "volatile", "relaxed", "acquire", "release"});
  decoder.acceptAnyOf({"cta", "cluster", "gpu", "sys"});
  if (decoder.accept("shared") || decoder.accept("shared::cta"))
    inst.space = Space::Shared;
  else if (decoder.accept("global"))
    inst.space = Space::Global;
  else
    decoder.fail("only the spaces global, shared and param are emulated");
  decoder.acceptAnyOf({"ca", "cg", "cs", "lu", "cv", "wb", "wt"});
  decoder.accept("nc");
  decoder.acceptAnyOf({"L1::no_allocate", "L1::evict_first", "L1::evict_last"});
  decoder.acceptAnyOf({"L2::128B", "L2::256B", "L2::64B"});
  u32 count = decoder.accept("v2") ? 2 : decoder.accept("v4") ? 4 : 1;
  std::string type = decoder.next();
  inst.bytes = static_cast<uint8_t>(bytesOfType(type));
  inst.isSigned = type[0] == 's';
  inst.kind = inst.space == Space::Shared ? InstClass::Shared : InstClass::Global;
  if (!inst.bytes || !decoder.expectOperands(2, 2) || inst.bytes * count > 16)
    decoder.fail("this type is not emulated");
  return count;
}

/// The elements of a vector, or the operand itself.
static std::vector<ptx::Operand> elementsOf(const ptx::Operand &operand) {
  return operand.kind == ptx::Operand::Vector ? operand.elements : std::vector<ptx::Operand>{operand};
}

static void decodeParameterLoad(Decoder &decoder, Inst &inst) {
  std::string type = decoder.next();
  inst.bytes = static_cast<uint8_t>(bytesOfType(type));
  inst.isSigned = type[0] == 's';
  if (!decoder.expectOperands(2, 2))
    return;
  const ptx::Operand &from = decoder.operand(1);
  if (!inst.bytes || from.kind != ptx::Operand::Memory || from.elements.size() != 1)
    return decoder.fail("this form is not emulated");
  uint64_t size = decoder.parameterSize(from.elements[0].name);
  if (from.bits > size || inst.bytes > size - from.bits)
    return decoder.fail("reads outside of the parameter's " + std::to_string(size) + " bytes");
  inst.values[0] = static_cast<int64_t>(decoder.parameterOffset(from.elements[0].name) + from.bits);
  const ptx::Operand &to = decoder.operand(0);
  inst.values[1] = to.kind == ptx::Operand::Reg && to.reg.type == ptx::RegisterType::B64;
  inst.destination = decoder.destination(to, letterOfBytes(inst.bytes), /*mayBeWider=*/true);
  inst.kind = InstClass::Move;
  inst.run = loadParameter;
}

static void decodeLoad(Decoder &decoder, Inst &inst) {
  if (decoder.accept("param"))
    return decodeParameterLoad(decoder, inst);
  u32 count = decodeAccess(decoder, inst);
  if (decoder.failed())
    return;
  std::vector<ptx::Operand> elements = elementsOf(decoder.operand(0));
  if (elements.size() != count)
    return decoder.fail("the vector has not as many elements as the type");
  for (const ptx::Operand &element : elements) {
    inst.results.push_back(decoder.destinationOrSink(element, letterOfBytes(inst.bytes), /*mayBeWider=*/true));
    bool isLong = element.kind == ptx::Operand::Reg && element.reg.type == ptx::RegisterType::B64;
    inst.resultIsLong |= static_cast<uint8_t>(isLong << (inst.results.size() - 1));
  }
  decoder.addAddress(inst, decoder.operand(1));
  inst.run = loadLanes;
}

static void decodeStore(Decoder &decoder, Inst &inst) {
  u32 count = decodeAccess(decoder, inst);
  if (decoder.failed())
    return;
  std::vector<ptx::Operand> elements = elementsOf(decoder.operand(1));
  if (elements.size() != count)
    return decoder.fail("the vector has not as many elements as the type");
  for (const ptx::Operand &element : elements) {
    bool isLong = inst.bytes == 8 || (element.kind == ptx::Operand::Reg && element.reg.type == ptx::RegisterType::B64);
    inst.inputIsLong |= static_cast<uint8_t>(isLong << inst.inputs.size());
    inst.inputs.push_back(decoder.source(element, isLong ? 'd' : letterOfBytes(inst.bytes), /*mayBeWider=*/true));
  }
  decoder.addAddress(inst, decoder.operand(0));
  inst.run = storeLanes;
}

//===----------------------------------------------------------------------===//
// atom, prefetch
//===----------------------------------------------------------------------===//

/// Lanes one after the other. Blocks run at the same time: the addition is one of the host's.
static void atomicAdd(Warp &warp, const Inst &inst, Mask mask) {
  u64 address[lanes];
  if (!addresses(warp, inst, mask, 4, address))
    return;
  const u32 *operand = warp.words(inst.sources[1]);
  if (warp.failIfUndefined(warp.undefinedOf(inst.sources[1]), mask, "the operand"))
    return;
  u32 values[lanes] = {};
  forLanes(mask, [&](unsigned lane) {
    Place at;
    if (warp.block.fault || !place(warp, inst, address[lane], 4, true, lane, at))
      return;
    if (at.isUndefined(4))
      return warp.fail(FaultKind::Uninitialized, "adds to memory at " + hex(address[lane]) + ", which nobody wrote",
                       static_cast<int>(lane));
    values[lane] = __atomic_fetch_add(reinterpret_cast<u32 *>(at.contents), operand[lane], __ATOMIC_RELAXED);
  });
  if (inst.destination >= 0)
    writeWords(warp, inst.destination, values, mask, 0);
  warp.block.counters.globalRead += 4 * std::popcount(mask);
  warp.block.counters.globalWritten += 4 * std::popcount(mask);
}

static void decodeAtomic(Decoder &decoder, Inst &inst) {
  decoder.acceptAnyOf({"relaxed", "acquire", "release", "acq_rel"});
  decoder.acceptAnyOf({"cta", "cluster", "gpu", "sys"});
  bool isKnown = decoder.accept("global") && decoder.accept("add") && (decoder.accept("u32") || decoder.accept("s32"));
  if (!isKnown || !decoder.expectOperands(3, 3))
    return decoder.fail("this form is not emulated");
  inst.space = Space::Global;
  inst.destination = decoder.destinationOrSink(decoder.operand(0), 'w');
  decoder.addAddress(inst, decoder.operand(1));
  decoder.addSource(inst, decoder.operand(2), 'w');
  inst.run = atomicAdd;
}

static void nothing(Warp &, const Inst &, Mask) {}

/// A hint: the address may be invalid.
static void decodePrefetch(Decoder &decoder, Inst &inst) {
  decoder.acceptAnyOf({"global", "param", "const"});
  decoder.acceptAnyOf({"L1", "L2", "tensormap"});
  if (decoder.expectOperands(1, 1))
    decoder.addAddress(inst, decoder.operand(0));
  inst.run = nothing;
}

//===----------------------------------------------------------------------===//
// ldmatrix and stmatrix
//===----------------------------------------------------------------------===//

static constexpr u32 matrixRowBytes = 16, matrixRows = 8;

/// Lane i has the address of row i of the matrices, one after the other. Of matrix m, lane l holds elements 2(l mod 4)
/// and 2(l mod 4) + 1 of row l/4; transposed, of column l/4.
template <typename Action> static void forElements(bool isTransposed, unsigned lane, Action action) {
  for (u32 e = 0; e < 2; ++e) {
    u32 row = isTransposed ? lane % 4 * 2 + e : lane / 4, column = isTransposed ? lane / 4 : lane % 4 * 2 + e;
    action(e, row, column);
  }
}

static bool matrixAddresses(Warp &warp, const Inst &inst, u32 matrices, bool isWrite, u64 (&address)[lanes]) {
  Mask named = matrices == 4 ? allLanes : (Mask(1) << (matrices * matrixRows)) - 1;
  if (!addresses(warp, inst, named, matrixRowBytes, address))
    return false;
  for (unsigned lane = 0; lane < matrices * matrixRows; ++lane)
    if (!checkShared(warp, static_cast<u32>(address[lane]), matrixRowBytes, isWrite, static_cast<int>(lane)))
      return false;
  for (u32 matrix = 0; matrix < matrices; ++matrix)
    countBanks(warp.block, address, 0xffu << (matrix * matrixRows), matrixRowBytes);
  (isWrite ? warp.block.counters.sharedWritten : warp.block.counters.sharedRead) +=
      matrices * matrixRows * matrixRowBytes;
  return true;
}

static void loadMatrices(Warp &warp, const Inst &inst, Mask mask) {
  u32 matrices = static_cast<u32>(inst.results.size());
  u64 address[lanes];
  if (!matrixAddresses(warp, inst, matrices, false, address))
    return;
  for (u32 matrix = 0; matrix < matrices; ++matrix) {
    Halves undefined{0, 0};
    for (unsigned lane = 0; lane < lanes; ++lane) {
      u32 value = 0;
      forElements(inst.values[1], lane, [&](u32 e, u32 row, u32 column) {
        u32 at = static_cast<u32>(address[matrix * matrixRows + row]) + 2 * column;
        uint16_t element;
        std::memcpy(&element, warp.block.shared.contents(at), 2);
        value |= u32(element) << (16 * e);
        (e ? undefined.high : undefined.low) |= Mask(warp.block.shared.anyUndefined(at, 2)) << lane;
      });
      warp.words(inst.results[matrix])[lane] = value;
    }
    warp.setUndefined(inst.results[matrix], mask, undefined);
  }
}

static void storeMatrices(Warp &warp, const Inst &inst, Mask) {
  u32 matrices = static_cast<u32>(inst.inputs.size());
  u64 address[lanes];
  if (!matrixAddresses(warp, inst, matrices, true, address))
    return;
  for (u32 matrix = 0; matrix < matrices; ++matrix)
    for (unsigned lane = 0; lane < lanes; ++lane)
      forElements(inst.values[1], lane, [&](u32 e, u32 row, u32 column) {
        u32 at = static_cast<u32>(address[matrix * matrixRows + row]) + 2 * column;
        uint16_t element = static_cast<uint16_t>(warp.words(inst.inputs[matrix])[lane] >> (16 * e));
        std::memcpy(warp.block.shared.contents(at), &element, 2);
        Halves undefined = warp.undefinedHalves(inst.inputs[matrix]);
        std::memset(warp.block.shared.undefined(at), (e ? undefined.high : undefined.low) >> lane & 1, 2);
      });
}

static void decodeMatrices(Decoder &decoder, Inst &inst, bool isLoad) {
  bool isKnown = decoder.accept("m8n8");
  u32 count = decoder.accept("x4") ? 4 : decoder.accept("x2") ? 2 : decoder.accept("x1") ? 1 : 0;
  inst.values[1] = decoder.accept("trans");
  isKnown &= count && (decoder.accept("shared") || decoder.accept("shared::cta")) && decoder.accept("b16");
  if (!isKnown || !decoder.expectOperands(2, 2))
    return decoder.fail("this form is not emulated");
  std::vector<ptx::Operand> elements = elementsOf(decoder.operand(isLoad ? 0 : 1));
  if (elements.size() != count)
    return decoder.fail("the vector has not as many elements as there are matrices");
  for (const ptx::Operand &element : elements)
    if (isLoad)
      inst.results.push_back(decoder.destination(element, 'w'));
    else
      inst.inputs.push_back(decoder.source(element, 'w'));
  decoder.addAddress(inst, decoder.operand(isLoad ? 1 : 0));
  inst.space = Space::Shared;
  inst.isAligned = true;
  inst.run = isLoad ? loadMatrices : storeMatrices;
}

std::vector<Row> mla::emulator::memoryRows() {
  InstClass shared = InstClass::Shared, global = InstClass::Global;
  return {
      {"ld", "", nullptr, global, decodeLoad},
      {"st", "", nullptr, global, decodeStore},
      {"atom", "", nullptr, global, decodeAtomic},
      {"prefetch", "", nullptr, InstClass::Other, decodePrefetch},
      {"ldmatrix.sync.aligned", "", nullptr, shared, [](Decoder &d, Inst &i) { decodeMatrices(d, i, true); }},
      {"stmatrix.sync.aligned", "", nullptr, shared, [](Decoder &d, Inst &i) { decodeMatrices(d, i, false); }},
  };
}
