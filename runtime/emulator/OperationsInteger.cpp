//===- OperationsInteger.cpp - Integer arithmetic and logic ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 8.6, 9.7.1 (integer), 9.7.6 (comparison) and 9.7.8 (logic and shift).
//
//===----------------------------------------------------------------------===//

#include "Operations.h"

using namespace mla::emulator;

/// Shifts by more than the width give what a shift by the width would.
template <typename T> static T shiftLeft(T a, u32 b) { return b >= 8 * sizeof(T) ? T(0) : T(a << b); }
template <typename T> static T shiftRight(T a, u32 b) {
  u32 most = 8 * sizeof(T) - 1;
  if constexpr (std::is_signed_v<T>)
    return T(a >> std::min(b, most));
  else
    return b > most ? T(0) : T(a >> b);
}

/// Division by zero gives an unspecified value: all ones, as on the chip.
template <typename T> static T quotient(T a, T b) { return b == 0 ? T(-1) : T(a / b); }
template <typename T> static T remainder(T a, T b) { return b == 0 ? a : T(a % b); }
static s32 quotientSigned(s32 a, s32 b) { return b == 0 ? -1 : b == -1 ? s32(-u32(a)) : a / b; }
static s32 remainderSigned(s32 a, s32 b) { return b == 0 ? a : b == -1 ? 0 : a % b; }

/// `c` bits of `a` from bit `b` on.
template <typename T> static T extractBits(T a, u32 b, u32 c) {
  u32 position = b & 255, count = c & 255;
  T shifted = shiftRight<T>(a, position);
  return count >= 8 * sizeof(T) ? shifted : shifted & ((T(1) << count) - 1);
}

/// The same with the sign of the last of them, or of the word's last, in all others.
static u32 extractSignedBits(u32 a, u32 b, u32 c) {
  u32 position = b & 255, count = c & 255;
  u32 kept = std::min(count, 32 - std::min(position, u32(32)));
  bool isNegative = count > 0 && a >> std::min(position + count - 1, u32(31)) & 1;
  return extractBits(a, b, c) | (isNegative ? shiftLeft<u32>(~0u, kept) : 0);
}

/// `d` bits of `a` in the place of those of `b` from bit `c` on.
static u32 insertBits(u32 a, u32 b, u32 c, u32 d) {
  u32 position = c & 255, count = d & 255;
  u32 field = shiftLeft<u32>(count >= 32 ? ~0u : (u32(1) << count) - 1, position);
  return (b & ~field) | (shiftLeft<u32>(a, position) & field);
}

/// The function of three bits whose value at (a, b, c) is bit 4 a + 2 b + c of a table.
static u32 lookUp(u32 a, u32 b, u32 c, u32 table) {
  u32 result = 0;
  for (unsigned i = 0; i < 8; ++i)
    if (table >> i & 1)
      result |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
  return result;
}

/// Bytes of {b, a} that the nibbles of `c` choose; bit 3 replicates the sign.
static u32 permute(u32 a, u32 b, u32 c) {
  u64 bytes = u64(b) << 32 | a;
  u32 result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    u32 selector = c >> (4 * i) & 15, byte = static_cast<u32>(bytes >> (8 * (selector & 7))) & 255;
    if (selector & 8)
      byte = byte & 128 ? 255 : 0;
    result |= byte << (8 * i);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Undefined halves of what takes an element out of a pair
//===----------------------------------------------------------------------===//

static Halves undefinedOfAll(Warp &warp, const Inst &inst) {
  Mask all = warp.undefinedOf(inst.sources[0]) | warp.undefinedOf(inst.sources[1]);
  return {all, all};
}

/// A half masked by a constant is zero.
static Halves undefinedAnd(Warp &warp, const Inst &inst) {
  Halves a = warp.undefinedHalves(inst.sources[0]), b = warp.undefinedHalves(inst.sources[1]);
  Halves result{a.low | b.low, a.high | b.high};
  for (const Source &source : {inst.sources[0], inst.sources[1]})
    if (source.constant) {
      result.low = source.constant[0] & 0xffff ? result.low : 0;
      result.high = source.constant[0] >> 16 ? result.high : 0;
    }
  return result;
}

/// Of shifts: by a constant, bits come from known halves.
static Halves undefinedLeft(Warp &warp, const Inst &inst) {
  if (!inst.sources[1].constant)
    return undefinedOfAll(warp, inst);
  u32 by = inst.sources[1].constant[0];
  Halves a = warp.undefinedHalves(inst.sources[0]);
  return by >= 32 ? Halves{0, 0} : by >= 16 ? Halves{0, a.low} : by ? Halves{a.low, a.low | a.high} : a;
}

static Halves undefinedRight(Warp &warp, const Inst &inst) {
  if (!inst.sources[1].constant)
    return undefinedOfAll(warp, inst);
  u32 by = inst.sources[1].constant[0];
  Halves a = warp.undefinedHalves(inst.sources[0]);
  return by >= 32 ? Halves{0, 0} : by >= 16 ? Halves{a.high, 0} : by ? Halves{a.low | a.high, a.high} : a;
}

/// Of prmt: only the bytes that a constant selects. Compilers leave the other operand undefined.
static Halves undefinedPermute(Warp &warp, const Inst &inst) {
  const Source &selector = inst.sources[2];
  Halves a = warp.undefinedHalves(inst.sources[0]), b = warp.undefinedHalves(inst.sources[1]);
  if (!selector.constant) {
    Mask all = a.low | a.high | b.low | b.high | warp.undefinedOf(selector);
    return {all, all};
  }
  const Mask from[] = {a.low, a.high, b.low, b.high};
  auto of = [&](unsigned byte) { return from[(selector.constant[0] >> (4 * byte) & 7) / 2]; };
  return {of(0) | of(1), of(2) | of(3)};
}

/// Of bfi: the halves of the first operand's bits, and where those of the second stay.
static Halves undefinedInsert(Warp &warp, const Inst &inst) {
  Mask inserted = warp.undefinedOf(inst.sources[0]);
  Halves rest = warp.undefinedHalves(inst.sources[1]);
  if (!inst.sources[2].constant || !inst.sources[3].constant) {
    Mask all = inserted | rest.low | rest.high | warp.undefinedOf(inst.sources[2]) | warp.undefinedOf(inst.sources[3]);
    return {all, all};
  }
  u32 covered = insertBits(~0u, 0, inst.sources[2].constant[0], inst.sources[3].constant[0]);
  auto of = [&](u32 bits, Mask stays) { return (bits ? inserted : 0) | (bits == 0xffff ? 0 : stays); };
  return {of(covered & 0xffff, rest.low), of(covered >> 16, rest.high)};
}

static std::vector<Row> arithmetic() {
  return {
      alu("add.s32", [](u32 a, u32 b) { return a + b; }),
      alu("add.u32", [](u32 a, u32 b) { return a + b; }),
      alu("add.s64", [](u64 a, u64 b) { return a + b; }),
      alu("add.u64", [](u64 a, u64 b) { return a + b; }),
      alu("add.s16", [](u16 a, u16 b) { return u16(a + b); }),
      alu("sub.s16", [](u16 a, u16 b) { return u16(a - b); }),
      alu("mul.lo.s16", [](u16 a, u16 b) { return u16(a * b); }),
      alu("sub.s32", [](u32 a, u32 b) { return a - b; }),
      alu("sub.u32", [](u32 a, u32 b) { return a - b; }),
      alu("sub.s64", [](u64 a, u64 b) { return a - b; }),
      alu("sub.u64", [](u64 a, u64 b) { return a - b; }),
      alu("neg.s32", [](u32 a) { return 0 - a; }),
      alu("neg.s64", [](u64 a) { return 0 - a; }),
      alu("abs.s32", [](s32 a) { return a < 0 ? s32(0 - u32(a)) : a; }),
      alu("mul.lo.s32", [](u32 a, u32 b) { return a * b; }),
      alu("mul.lo.u32", [](u32 a, u32 b) { return a * b; }),
      alu("mul.lo.s64", [](u64 a, u64 b) { return a * b; }),
      alu("mul.lo.u64", [](u64 a, u64 b) { return a * b; }),
      alu("mul.hi.u32", [](u32 a, u32 b) { return u32(u64(a) * b >> 32); }),
      alu("mul.hi.s32", [](s32 a, s32 b) { return s32(s64(a) * b >> 32); }),
      alu("mul.wide.u32", [](u32 a, u32 b) { return u64(a) * b; }),
      alu("mul.wide.s32", [](s32 a, s32 b) { return s64(a) * b; }),
      alu("mul.wide.u16", [](u16 a, u16 b) { return u32(a) * b; }),
      alu("mad.lo.s32", [](u32 a, u32 b, u32 c) { return a * b + c; }),
      alu("mad.lo.u32", [](u32 a, u32 b, u32 c) { return a * b + c; }),
      alu("mad.lo.s64", [](u64 a, u64 b, u64 c) { return a * b + c; }),
      alu("mad.wide.u32", [](u32 a, u32 b, u64 c) { return u64(a) * b + c; }),
      alu("mad.wide.s32", [](s32 a, s32 b, u64 c) { return u64(s64(a) * b) + c; }),
      alu("div.u32", [](u32 a, u32 b) { return quotient(a, b); }),
      alu("div.s32", [](s32 a, s32 b) { return quotientSigned(a, b); }),
      alu("div.u64", [](u64 a, u64 b) { return quotient(a, b); }),
      alu("rem.u32", [](u32 a, u32 b) { return remainder(a, b); }),
      alu("rem.s32", [](s32 a, s32 b) { return remainderSigned(a, b); }),
      alu("rem.u64", [](u64 a, u64 b) { return remainder(a, b); }),
      alu("min.s32", [](s32 a, s32 b) { return std::min(a, b); }),
      alu("min.u32", [](u32 a, u32 b) { return std::min(a, b); }),
      alu("min.s64", [](s64 a, s64 b) { return std::min(a, b); }),
      alu("min.relu.s32", [](s32 a, s32 b) { return std::max(std::min(a, b), 0); }),
      alu("max.s32", [](s32 a, s32 b) { return std::max(a, b); }),
      alu("max.u32", [](u32 a, u32 b) { return std::max(a, b); }),
      alu("max.s64", [](s64 a, s64 b) { return std::max(a, b); }),
      alu("max.relu.s32", [](s32 a, s32 b) { return std::max(std::max(a, b), 0); }),
  };
}

static std::vector<Row> logic() {
  return {
      alu("and.b16", [](u16 a, u16 b) { return u16(a & b); }),
      byHalves(undefinedAnd, alu("and.b32", [](u32 a, u32 b) { return a & b; })),
      alu("and.b64", [](u64 a, u64 b) { return a & b; }),
      alu("or.b16", [](u16 a, u16 b) { return u16(a | b); }),
      byHalves(undefinedOfEach, alu("or.b32", [](u32 a, u32 b) { return a | b; })),
      alu("or.b64", [](u64 a, u64 b) { return a | b; }),
      alu("xor.b16", [](u16 a, u16 b) { return u16(a ^ b); }),
      byHalves(undefinedOfEach, alu("xor.b32", [](u32 a, u32 b) { return a ^ b; })),
      alu("xor.b64", [](u64 a, u64 b) { return a ^ b; }),
      byHalves(undefinedOfEach, alu("lop3.b32", [](u32 a, u32 b, u32 c, u32 table) { return lookUp(a, b, c, table); })),
      alu("not.b16", [](u16 a) { return u16(~a); }),
      byHalves(undefinedOfEach, alu("not.b32", [](u32 a) { return ~a; })),
      alu("not.b64", [](u64 a) { return ~a; }),
      alu("and.pred", [](bool a, bool b) { return a && b; }),
      alu("or.pred", [](bool a, bool b) { return a || b; }),
      alu("xor.pred", [](bool a, bool b) { return a != b; }),
      alu("not.pred", [](bool a) { return !a; }),
      alu("shl.b16", [](u16 a, u32 b) { return shiftLeft(a, b); }),
      byHalves(undefinedLeft, alu("shl.b32", [](u32 a, u32 b) { return shiftLeft(a, b); })),
      alu("shl.b64", [](u64 a, u32 b) { return shiftLeft(a, b); }),
      alu("shr.u16", [](u16 a, u32 b) { return shiftRight(a, b); }),
      byHalves(undefinedRight, alu("shr.u32", [](u32 a, u32 b) { return shiftRight(a, b); })),
      alu("shr.s16", [](s16 a, u32 b) { return u16(shiftRight(a, b)); }),
      alu("shr.s32", [](s32 a, u32 b) { return shiftRight(a, b); }),
      alu("shr.u64", [](u64 a, u32 b) { return shiftRight(a, b); }),
      alu("shr.s64", [](s64 a, u32 b) { return shiftRight(a, b); }),
      alu("shf.l.wrap.b32", [](u32 a, u32 b, u32 c) { return u32(((u64(b) << 32 | a) << (c & 31)) >> 32); }),
      alu("shf.r.wrap.b32", [](u32 a, u32 b, u32 c) { return u32((u64(b) << 32 | a) >> (c & 31)); }),
      alu("popc.b32", [](u32 a) { return u32(std::popcount(a)); }),
      alu("clz.b32", [](u32 a) { return u32(std::countl_zero(a)); }),
      alu("bfe.u32", [](u32 a, u32 b, u32 c) { return extractBits(a, b, c); }),
      alu("bfe.u64", [](u64 a, u32 b, u32 c) { return extractBits(a, b, c); }),
      alu("bfe.s32", [](u32 a, u32 b, u32 c) { return extractSignedBits(a, b, c); }),
      byHalves(undefinedInsert, alu("bfi.b32", [](u32 a, u32 b, u32 c, u32 d) { return insertBits(a, b, c, d); })),
      byHalves(undefinedPermute, alu("prmt.b32", [](u32 a, u32 b, u32 c) { return permute(a, b, c); })),
  };
}

template <typename T> static std::vector<Row> comparisons(const std::string &type, bool isOrdered) {
  std::vector<Row> rows = {
      alu(("setp.eq." + type).c_str(), [](T a, T b) { return a == b; }),
      alu(("setp.ne." + type).c_str(), [](T a, T b) { return a != b; }),
  };
  if (isOrdered)
    for (Row &row : std::vector<Row>{
             alu(("setp.lt." + type).c_str(), [](T a, T b) { return a < b; }),
             alu(("setp.le." + type).c_str(), [](T a, T b) { return a <= b; }),
             alu(("setp.gt." + type).c_str(), [](T a, T b) { return a > b; }),
             alu(("setp.ge." + type).c_str(), [](T a, T b) { return a >= b; }),
         })
      rows.push_back(std::move(row));
  return rows;
}

std::vector<Row> mla::emulator::integerRows() {
  std::vector<Row> rows;
  for (const std::vector<Row> &part :
       {arithmetic(), logic(), comparisons<u32>("b32", false), comparisons<u32>("u32", true),
        comparisons<s32>("s32", true), comparisons<u64>("b64", false), comparisons<u64>("u64", true),
        comparisons<s64>("s64", true), comparisons<u16>("b16", false), comparisons<u16>("u16", true)})
    rows.insert(rows.end(), part.begin(), part.end());
  return rows;
}
