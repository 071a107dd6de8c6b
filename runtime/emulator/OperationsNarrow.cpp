//===- OperationsNarrow.cpp - Floating point of 16 and 8 bits -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 8.6, 9.7.4 (f16, bf16 and pairs of them) and 9.7.9.21 (conversion of
// f16, bf16 and e4m3x2). Arithmetic rounds once.
//
//===----------------------------------------------------------------------===//

#include "Extrema.h"
#include "Float.h"
#include "Operations.h"

using namespace mla::emulator;

static constexpr InstClass kind = InstClass::Float;

namespace {
struct F16 {
  static constexpr const char *name = "f16";
  static float widen(u16 bits) { return mla::widenF16(bits); }
  static u16 round(float value) { return mla::roundToF16(value); }
};
struct BF16 {
  static constexpr const char *name = "bf16";
  static float widen(u16 bits) { return mla::widenBF16(bits); }
  static u16 round(float value) { return mla::roundToBF16(value); }
};
} // namespace

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// Rounds to odd: what is not exact ends in a one, so that rounding it again to fewer bits errs only once (Boldo and
/// Melquiond, "Emulation of a FMA and Correctly Rounded Sums", 2008).
template <typename Bits, typename Real> static Real toOdd(Real rounded, double error) {
  Bits bits = std::bit_cast<Bits>(rounded);
  if (error == 0 || std::isnan(error) || bits & 1)
    return rounded;
  bool grows = (error > 0) == !std::signbit(rounded);
  return std::bit_cast<Real>(grows ? bits + 1 : bits - 1);
}

/// a * b + c of f16 or bf16, rounded to odd.
static float multiplyAdd(float a, float b, float c) {
  double product = double(a) * b, sum = product + c; // the product is exact
  if (!std::isfinite(sum))
    return static_cast<float>(sum);
  double part = sum - product;
  double odd = toOdd<u64>(sum, (product - (sum - part)) + (c - part));
  float rounded = static_cast<float>(odd);
  return toOdd<u32>(rounded, odd - double(rounded));
}

template <typename Bits, typename> using BitsFor = Bits;

/// An instruction on u16, or on u32 with two elements.
template <typename Format, typename Bits, typename F, typename... S> struct Elements {
  Bits operator()(BitsFor<Bits, S>... operands) const {
    u32 result = 0;
    for (unsigned shift = 0; shift < 8 * sizeof(Bits); shift += 16)
      result |= u32(Format::round(F{}(Format::widen(static_cast<u16>(operands >> shift))...))) << shift;
    return static_cast<Bits>(result);
  }
};

template <typename Format, typename F, typename... S>
static void addFormat(std::vector<Row> &rows, const std::string &opcode, float (F::*)(S...) const) {
  using One = Elements<Format, u16, F, S...>;
  using Pair = Elements<Format, u32, F, S...>;
  std::string name = opcode + "." + Format::name;
  rows.push_back(alu(name.c_str(), One(), kind));
  rows.push_back(byHalves(undefinedOfEach, alu((name + "x2").c_str(), Pair(), kind)));
}

/// Of f16, f16x2, bf16 and bf16x2.
template <typename F> static void add(std::vector<Row> &rows, std::initializer_list<const char *> opcodes, F) {
  for (const char *opcode : opcodes) {
    addFormat<F16, F>(rows, opcode, &F::operator());
    addFormat<BF16, F>(rows, opcode, &F::operator());
  }
}

static std::vector<Row> arithmetic() {
  std::vector<Row> rows;
  add(rows, {"add", "add.rn"}, [](float a, float b) { return multiplyAdd(a, 1, b); });
  add(rows, {"sub", "sub.rn"}, [](float a, float b) { return multiplyAdd(b, -1, a); });
  add(rows, {"mul", "mul.rn"}, [](float a, float b) { return multiplyAdd(a, b, -0.0f); });
  add(rows, {"fma.rn"}, [](float a, float b, float c) { return multiplyAdd(a, b, c); });
  add(rows, {"neg"}, [](float a) { return -a; });
  add(rows, {"abs"}, [](float a) { return std::fabs(a); });
  add(rows, {"min"}, [](float a, float b) { return smaller(a, b); });
  add(rows, {"max"}, [](float a, float b) { return larger(a, b); });
  add(rows, {"min.NaN"}, [](float a, float b) { return smallerOrNaN(a, b); });
  add(rows, {"max.NaN"}, [](float a, float b) { return largerOrNaN(a, b); });
  return rows;
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

static float same(float a) { return a; }
/// .relu: a negative number is +0, a NaN stays one.
static float withoutNegatives(float a) { return !std::isnan(a) && std::signbit(a) ? 0.0f : a; }

template <typename Format> static u32 pack(float high, float low) {
  return u32(Format::round(high)) << 16 | Format::round(low);
}
static u16 packE4M3(float high, float low) { return u16(mla::roundToE4M3(high) << 8 | mla::roundToE4M3(low)); }

/// The first operand is the upper half.
static Halves undefinedPair(Warp &warp, const Inst &inst) {
  return {warp.undefinedOf(inst.sources[1]), warp.undefinedOf(inst.sources[0])};
}

template <typename Format, float (*adjust)(float)>
static void addFromFloat(std::vector<Row> &rows, const std::string &opcode) {
  std::string name = opcode + "." + Format::name;
  rows.push_back(alu((name + ".f32").c_str(), [](float a) { return Format::round(adjust(a)); }, kind));
  rows.push_back(
      byHalves(undefinedPair, alu((name + "x2.f32").c_str(),
                                  [](float a, float b) { return pack<Format>(adjust(a), adjust(b)); }, kind)));
}

template <float (*adjust)(float)> static void addConversions(std::vector<Row> &rows, const std::string &relu) {
  addFromFloat<F16, adjust>(rows, "cvt.rn" + relu);
  addFromFloat<BF16, adjust>(rows, "cvt.rn" + relu);
  for (Row &row : std::vector<Row>{
           alu(("cvt.rn.satfinite" + relu + ".e4m3x2.f32").c_str(),
               [](float a, float b) { return packE4M3(adjust(a), adjust(b)); }, kind),
           alu(("cvt.rn.satfinite" + relu + ".e4m3x2.f16x2").c_str(),
               [](u32 a) { return packE4M3(adjust(mla::widenF16(u16(a >> 16))), adjust(mla::widenF16(u16(a)))); },
               kind),
           alu(("cvt.rn" + relu + ".f16x2.e4m3x2").c_str(),
               [](u16 a) { return pack<F16>(adjust(mla::widenE4M3(u8(a >> 8))), adjust(mla::widenE4M3(u8(a)))); },
               kind),
       })
    rows.push_back(std::move(row));
}

std::vector<Row> mla::emulator::narrowRows() {
  std::vector<Row> rows = arithmetic();
  addConversions<same>(rows, "");
  addConversions<withoutNegatives>(rows, ".relu");
  for (Row &row : std::vector<Row>{
           alu(
               "cvt.f32.f16", [](u16 a) { return mla::widenF16(a); }, kind),
           alu(
               "cvt.f32.bf16", [](u16 a) { return mla::widenBF16(a); }, kind),
           alu(
               "cvt.rn.bf16.f16", [](u16 a) { return mla::roundToBF16(mla::widenF16(a)); }, kind),
           alu(
               "cvt.rn.f16.bf16", [](u16 a) { return mla::roundToF16(mla::widenBF16(a)); }, kind),
       })
    rows.push_back(std::move(row));
  return rows;
}
