//===- OperationsMove.cpp - Moves, selections, conversions of integers ----===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 8.6, 9.7.9 (data movement and conversion) and 9.7.6.3 (selp).
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace mla::emulator;

static constexpr InstClass kind = InstClass::Move;

//===----------------------------------------------------------------------===//
// mov
//===----------------------------------------------------------------------===//

/// Of 32 bits and less. A register of a wgmma in flight gets another name.
static void moveWord(Warp &warp, const Inst &inst, Mask mask) {
  const Source &from = inst.sources[0];
  int32_t to = inst.destination, source = from.constant ? -1 : static_cast<int32_t>(from.cell);
  if (warp.products.isRead(to) || (warp.products.isPending(to) && mask != warp.alive))
    return warp.fail(
        FaultKind::ProductPending,
        "overwrites a register of a wgmma that is in flight; wait for its group (wgmma.wait_group) before");
  if (source >= 0 && warp.products.isPending(source)) {
    if (mask != warp.alive)
      return warp.fail(FaultKind::ProductPending, "only some threads move a register of a wgmma that is in flight");
    warp.products.rename(source, to);
    return;
  }
  warp.products.forget(to);
  writeWords(warp, to, warp.words(from), mask, warp.undefinedHalves(from));
  warp.isConstant[to] = source >= 0 ? warp.isConstant[source] : true;
  warp.writtenAt[to] = source >= 0 ? warp.writtenAt[source] : ++warp.step;
}

static void moveLong(Warp &warp, const Inst &inst, Mask mask) {
  writeLanes(warp.longs(inst.destination), warp.longs(inst.sources[0]), mask);
  warp.setUndefined(inst.destination, mask, warp.undefinedOf(inst.sources[0]));
}

/// mov.b64 of a parameter's address: the launch's base and an offset.
static void moveParameter(Warp &warp, const Inst &inst, Mask mask) {
  u64 values[lanes];
  std::fill(values, values + lanes, warp.block.grid.parameters + static_cast<u64>(inst.values[0]));
  writeLanes(warp.longs(inst.destination), values, mask);
  warp.setUndefined(inst.destination, mask, 0);
}

static void movePredicate(Warp &warp, const Inst &inst, Mask mask) {
  Lanes<bool> value(warp, inst.sources[0]);
  writePredicate(warp, inst.destination, mask, value.mask, Lanes<bool>::undefined(warp, inst.sources[0]));
}
static void setPredicate(Warp &warp, const Inst &inst, Mask mask) {
  writePredicate(warp, inst.destination, mask, inst.values[0] ? allLanes : 0, 0);
}

/// Element i of a vector of T, a register of 8 to 32 bits, is in the bits from `bits * i` on.
template <typename T> struct Vector {
  unsigned count, bits;
  explicit Vector(size_t count) : count(static_cast<unsigned>(count)), bits(8 * sizeof(T) / this->count) {}
  Storage<T> elementMask() const { return static_cast<Storage<T>>((u64(1) << bits) - 1); }
  bool isLow(unsigned i) const { return 2 * i < count; }
};

/// {a, b} or {a, b, c, d} to a register.
template <typename T> static void pack(Warp &warp, const Inst &inst, Mask mask) {
  Vector<T> vector(inst.inputs.size());
  Storage<T> values[lanes] = {};
  Halves undefined{0, 0};
  for (unsigned i = 0; i < vector.count; ++i) {
    const u32 *element = warp.words(inst.inputs[i]);
    for (unsigned lane = 0; lane < lanes; ++lane)
      values[lane] |= (element[lane] & vector.elementMask()) << (vector.bits * i);
    (vector.isLow(i) ? undefined.low : undefined.high) |= warp.undefinedOf(inst.inputs[i]);
  }
  if (sizeof(T) != 4)
    undefined.low = undefined.high = undefined.low | undefined.high;
  if constexpr (sizeof(T) == 8)
    writeLanes(warp.longs(inst.destination), values, mask);
  else
    writeLanes(warp.words(inst.destination), values, mask);
  warp.setUndefined(inst.destination, mask, undefined);
}

/// And back; each element may be a sink.
template <typename T> static void unpack(Warp &warp, const Inst &inst, Mask mask) {
  Vector<T> vector(inst.results.size());
  const Storage<T> *value = Lanes<T>(warp, inst.sources[0]).values;
  Halves undefined = warp.undefinedHalves(inst.sources[0]);
  if (sizeof(T) != 4)
    undefined.low = undefined.high = undefined.low | undefined.high;
  for (unsigned i = 0; i < vector.count; ++i) {
    if (inst.results[i] < 0)
      continue;
    u32 values[lanes];
    for (unsigned lane = 0; lane < lanes; ++lane)
      values[lane] = static_cast<u32>(value[lane] >> (vector.bits * i) & vector.elementMask());
    writeWords(warp, inst.results[i], values, mask, vector.isLow(i) ? undefined.low : undefined.high);
  }
}

/// The letter of an operand's type ("b32", "u64", "pred"); '\0' if it is not known.
static char letterOfType(std::string_view type) {
  if (type == "pred")
    return 'p';
  std::string_view bits = type.substr(std::min<size_t>(1, type.size()));
  return bits == "16" ? 'h' : bits == "32" ? 'w' : bits == "64" ? 'd' : '\0';
}

static void decodeVectorMove(Decoder &decoder, Inst &inst, char letter) {
  const ptx::Operand &to = decoder.operand(0), &from = decoder.operand(1);
  const ptx::Operand &vector = to.kind == ptx::Operand::Vector ? to : from;
  size_t bits = letter == 'd' ? 64 : letter == 'w' ? 32 : letter == 'h' ? 16 : 0, count = vector.elements.size();
  char element = count != 2 && count != 4 ? '\0'
                 : bits == 32 * count     ? 'w'
                 : bits == 16 * count     ? 'h'
                 : bits == 8 * count      ? 'b'
                                          : '\0';
  if (!element)
    return decoder.fail("this vector is not emulated");
  if (&vector == &to) {
    for (const ptx::Operand &result : to.elements)
      inst.results.push_back(decoder.destinationOrSink(result, element));
    decoder.addSource(inst, from, letter);
    inst.run = letter == 'd' ? unpack<u64> : letter == 'w' ? unpack<u32> : unpack<u16>;
    return;
  }
  for (const ptx::Operand &input : from.elements)
    inst.inputs.push_back(decoder.source(input, element));
  inst.destination = decoder.destination(to, letter);
  inst.run = letter == 'd' ? pack<u64> : letter == 'w' ? pack<u32> : pack<u16>;
}

static void decodeMove(Decoder &decoder, Inst &inst) {
  char letter = letterOfType(decoder.next());
  if (!letter || !decoder.expectOperands(2, 2))
    return decoder.fail("this type is not emulated");
  const ptx::Operand &to = decoder.operand(0), &from = decoder.operand(1);
  if (to.kind == ptx::Operand::Vector || from.kind == ptx::Operand::Vector)
    return decodeVectorMove(decoder, inst, letter);
  inst.destination = decoder.destination(to, letter);
  if (from.kind == ptx::Operand::Symbol && decoder.isParameter(from.name)) {
    inst.values[0] = static_cast<int64_t>(decoder.parameterOffset(from.name) + from.bits);
    inst.run = letter == 'd' ? moveParameter : nullptr;
    return;
  }
  if (letter == 'p') {
    inst.destinationIsPredicate = true;
    inst.run = from.kind == ptx::Operand::Integer ? setPredicate : movePredicate;
    inst.values[0] = static_cast<int64_t>(from.bits);
    if (from.kind != ptx::Operand::Integer)
      decoder.addSource(inst, from, letter);
    return;
  }
  decoder.addSource(inst, from, letter);
  inst.run = letter == 'd' ? moveLong : moveWord;
  inst.isRename = letter != 'd';
}

/// The generic address of a place is its address: the windows do not overlap.
static void decodeCvta(Decoder &decoder, Inst &inst) {
  decoder.accept("to");
  decoder.acceptAnyOf({"param", "global", "shared", "const"});
  if (decoder.next() != "u64" || !decoder.expectOperands(2, 2))
    return decoder.fail("this type is not emulated");
  inst.destination = decoder.destination(decoder.operand(0), 'd');
  decoder.addSource(inst, decoder.operand(1), 'd');
  inst.run = moveLong;
}

//===----------------------------------------------------------------------===//
// cvt of bytes
//===----------------------------------------------------------------------===//

/// Extends the low byte of a register.
template <bool isSigned> static void extendByte(Warp &warp, const Inst &inst, Mask mask) {
  const u32 *from = warp.words(inst.sources[0]);
  u32 values[lanes];
  for (unsigned lane = 0; lane < lanes; ++lane)
    values[lane] = (isSigned ? u32(static_cast<s32>(from[lane] << 24) >> 24) : from[lane] & 255) & inst.values[0];
  writeWords(warp, inst.destination, values, mask, warp.undefinedHalves(inst.sources[0]).low);
}

template <bool isSigned, char to> static void decodeExtendByte(Decoder &decoder, Inst &inst) {
  if (!decoder.expectOperands(2, 2))
    return;
  inst.destination = decoder.destination(decoder.operand(0), to);
  const ptx::Operand &from = decoder.operand(1);
  if (from.kind != ptx::Operand::Reg || from.reg.type == ptx::RegisterType::B64)
    return decoder.fail("expected a register of at most 32 bits");
  decoder.addSource(inst, from, 'b', /*mayBeWider=*/true);
  inst.values[0] = to == 'h' ? 0xffff : 0xffffffff;
  inst.run = extendByte<isSigned>;
}

/// Extends a word; of a longer register, the low one (PTX ISA, 9.7.9.21: cvt takes wider sources).
static void decodeExtendWord(Decoder &decoder, Inst &inst, const Row &ofWord, const Row &ofLong) {
  if (!decoder.expectOperands(2, 2))
    return;
  const ptx::Operand &from = decoder.operand(1);
  bool isLong = from.kind == ptx::Operand::Reg && from.reg.type == ptx::RegisterType::B64;
  inst.destination = decoder.destination(decoder.operand(0), 'd');
  decoder.addSource(inst, from, isLong ? 'd' : 'w');
  inst.run = isLong ? ofLong.run : ofWord.run;
}

static void decodeExtendUnsigned(Decoder &decoder, Inst &inst) {
  decodeExtendWord(decoder, inst, alu("", [](u32 a) { return u64(a); }), alu("", [](u64 a) { return u64(u32(a)); }));
}

static void decodeExtendSigned(Decoder &decoder, Inst &inst) {
  decodeExtendWord(decoder, inst, alu("", [](s32 a) { return s64(a); }), alu("", [](u64 a) { return s64(s32(a)); }));
}

//===----------------------------------------------------------------------===//
// selp
//===----------------------------------------------------------------------===//

/// The operand that is not selected may be undefined.
template <typename T> static void selectLanes(Warp &warp, const Inst &inst, Mask mask) {
  Lanes<T> a(warp, inst.sources[0]), b(warp, inst.sources[1]);
  Mask chosen = warp.predicates[inst.sources[2].cell];
  Mask unknown = warp.undefinedPredicates[inst.sources[2].cell];
  Halves first = warp.undefinedHalves(inst.sources[0]), second = warp.undefinedHalves(inst.sources[1]);
  Halves undefined{(first.low & chosen) | (second.low & ~chosen) | unknown,
                   (first.high & chosen) | (second.high & ~chosen) | unknown};
  Storage<T> values[lanes];
  for (unsigned lane = 0; lane < lanes; ++lane)
    values[lane] = chosen >> lane & 1 ? a.values[lane] : b.values[lane];
  if constexpr (sizeof(T) == 8)
    writeLanes(warp.longs(inst.destination), values, mask);
  else
    writeLanes(warp.words(inst.destination), values, mask);
  warp.setUndefined(inst.destination, mask, undefined);
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

std::vector<Row> mla::emulator::moveRows() {
  std::vector<Row> rows = {
      {"mov", "", nullptr, kind, decodeMove},
      {"cvta", "", nullptr, kind, decodeCvta},
      {"cvt.u64.u32", "", nullptr, kind, decodeExtendUnsigned},
      {"cvt.s64.s32", "", nullptr, kind, decodeExtendSigned},
      alu("cvt.u32.u64", [](u64 a) { return u32(a); }),
      alu("cvt.u32.u16", [](u16 a) { return u32(a); }),
      alu("cvt.u16.u32", [](u32 a) { return u16(a); }),
      alu("cvt.u64.u16", [](u16 a) { return u64(a); }),
      alu("cvt.u16.u64", [](u64 a) { return u16(a); }),
  };
  for (const char *type : {"u16", "s16"}) {
    rows.push_back({"cvt." + std::string(type) + ".u8", "", nullptr, kind, decodeExtendByte<false, 'h'>});
    rows.push_back({"cvt." + std::string(type) + ".s8", "", nullptr, kind, decodeExtendByte<true, 'h'>});
  }
  for (const char *type : {"u32", "s32"}) {
    rows.push_back({"cvt." + std::string(type) + ".u8", "", nullptr, kind, decodeExtendByte<false, 'w'>});
    rows.push_back({"cvt." + std::string(type) + ".s8", "", nullptr, kind, decodeExtendByte<true, 'w'>});
  }
  for (const char *type : {"b16", "u16", "s16"})
    rows.push_back({std::string("selp.") + type, "h=hhp", selectLanes<u16>, kind});
  for (const char *type : {"b32", "u32", "s32", "f32"})
    rows.push_back({std::string("selp.") + type, "w=wwp", selectLanes<u32>, kind});
  for (const char *type : {"b64", "u64", "s64"})
    rows.push_back({std::string("selp.") + type, "d=ddp", selectLanes<u64>, kind});
  return rows;
}
