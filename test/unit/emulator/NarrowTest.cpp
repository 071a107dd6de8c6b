//===- NarrowTest.cpp - Floating point of 16 and 8 bits -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compute.h"

#include <random>

using namespace mla::emulator;

//===----------------------------------------------------------------------===//
// The formats, by their definitions
//===----------------------------------------------------------------------===//

namespace {
struct Format {
  int fractionBits, bias;
  uint32_t infinity; ///< The first magnitude that is no number.
};
} // namespace
static constexpr Format f16 = {10, 15, 0x7c00}, bf16 = {7, 127, 0x7f80}, e4m3 = {3, 7, 0x7f};

static double valueOf(const Format &format, uint32_t magnitude) {
  int exponent = static_cast<int>(magnitude >> format.fractionBits);
  auto fraction = static_cast<double>(magnitude & ((1u << format.fractionBits) - 1));
  if (exponent)
    fraction += 1 << format.fractionBits;
  return std::ldexp(fraction, std::max(exponent, 1) - format.bias - format.fractionBits);
}

/// The magnitude next to `value`, which is not negative; of two, the even one. Above the largest: infinity.
static uint32_t nearest(const Format &format, long double value) {
  uint32_t low = 0, high = format.infinity; // valueOf(low) <= value
  while (high - low > 1) {
    uint32_t middle = (low + high) / 2;
    (valueOf(format, middle) <= value ? low : high) = middle;
  }
  long double below = value - valueOf(format, low), above = valueOf(format, low + 1) - value;
  return below < above || (below == above && low % 2 == 0) ? low : low + 1;
}

static uint32_t roundedHalf(const Format &format, long double value) {
  return std::isnan(value) ? 0x7fff : nearest(format, std::fabs(value)) | uint32_t(std::signbit(value)) << 15;
}

static uint32_t roundedE4M3(float value) {
  if (std::isnan(value))
    return 0x7f;
  return std::min(nearest(e4m3, std::fabs(value)), 0x7eu) | uint32_t(std::signbit(value)) << 7;
}

static bool isNaN(const Format &format, uint32_t bits) { return (bits & 0x7fff) > format.infinity; }
static double ofHalf(const Format &format, uint32_t bits) {
  if (isNaN(format, bits & 0xffff))
    return NAN;
  uint32_t magnitude = bits & 0x7fff;
  double value = magnitude == format.infinity ? INFINITY : valueOf(format, magnitude);
  return bits & 0x8000 ? -value : value;
}
static float ofE4M3(uint32_t bits) {
  uint32_t magnitude = bits & 0x7f;
  float value = magnitude == 0x7f ? NAN : static_cast<float>(valueOf(e4m3, magnitude));
  return bits & 0x80 ? -value : value;
}

/// All numbers of a format up to 8 bits, those in the middle between them, and the floats beside these, of both signs.
static Words around(const Format &format, uint32_t step) {
  Words values = {bitsOf(NAN), bitsOf(-NAN), bitsOf(INFINITY), bitsOf(-INFINITY), bitsOf(1e10f), bitsOf(-3e38f),
                  1,           0x80000001,   bitsOf(1e-40f)};
  for (uint32_t magnitude = 0; magnitude < format.infinity; magnitude += step)
    for (double value : {valueOf(format, magnitude), (valueOf(format, magnitude) + valueOf(format, magnitude + 1)) / 2})
      for (uint32_t sign : {0u, 0x80000000u}) {
        uint32_t bits = bitsOf(static_cast<float>(value));
        for (uint32_t near : {bits, bits + 1, bits ? bits - 1 : bits})
          values.push_back(near | sign);
      }
  return values;
}

/// Each value in the company of others, as (a, b, c).
static Words walks(const Words &values) {
  Words result;
  for (size_t i = 0; i < values.size(); ++i)
    for (size_t at : {i, 7 * i + 3, 5 * i + 1})
      result.push_back(values[at % values.size()]);
  return result;
}

static void checkWalks(const std::string &body, const Words &in, const Function &expected) {
  SCOPED_TRACE(body);
  Words got = compute(body, in);
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_EQ(got[i], expected(in[3 * i], in[3 * i + 1], in[3 * i + 2]))
        << std::hex << "of " << in[3 * i] << ", " << in[3 * i + 1] << ", " << in[3 * i + 2];
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

static float relu(float value) { return value < 0 || (value == 0 && std::signbit(value)) ? 0.0f : value; }

TEST(EmulatorNarrow, FloatsRoundToE4M3AndSaturate) {
  Words in = walks(around(e4m3, 1));
  for (float value : {448.0f, 463.9f, 464.0f, 480.0f, 0.0009765625f, 0.00097656256f, 0.015625f})
    in.insert(in.end(), {bitsOf(value), bitsOf(-value), 0});
  checkWalks("cvt.rn.satfinite.e4m3x2.f32 %h1, %r1, %r2; cvt.u32.u16 %r4, %h1;", in,
             [](auto a, auto b, auto) { return roundedE4M3(floatOf(a)) << 8 | roundedE4M3(floatOf(b)); });
  checkWalks("cvt.rn.satfinite.relu.e4m3x2.f32 %h1, %r1, %r2; cvt.u32.u16 %r4, %h1;", in,
             [](auto a, auto b, auto) { return roundedE4M3(relu(floatOf(a))) << 8 | roundedE4M3(relu(floatOf(b))); });
}

TEST(EmulatorNarrow, CornersOfE4M3) {
  Words out = run(R"(
  cvt.rn.satfinite.e4m3x2.f32 %h1, 0f43E00000, 0fC3E00000; // 448, -448
  cvt.rn.satfinite.e4m3x2.f32 %h2, 0f7F800000, 0fFF800000; // infinities
  cvt.rn.satfinite.e4m3x2.f32 %h3, 0f7FC00000, 0f43E80000; // NaN, 464: half way to 480
  cvt.rn.satfinite.e4m3x2.f32 %h4, 0f3A800000, 0f3B400000; // 2^-10: half way to the least; 3 * 2^-10: between 1 and 2
  mov.b32 %r1, {%h1, %h2};
  mov.b32 %r2, {%h3, %h4};
  st.global.v2.b32 [%out], {%r1, %r2};)",
                  {}, 2, {.threads = 1});
  EXPECT_EQ(out, (Words{0x7efe7efe, 0x00027f7e}));
}

TEST(EmulatorNarrow, E4M3WidensToF16) {
  Words in;
  for (uint32_t i = 0; i < 256; ++i)
    in.insert(in.end(), {i << 8 | (i * 7 + 5) % 256, 0, 0});
  auto widened = [](float value) { return roundedHalf(f16, value); };
  checkWalks("cvt.u16.u32 %h1, %r1; cvt.rn.f16x2.e4m3x2 %r4, %h1;", in,
             [&](auto a, auto, auto) { return widened(ofE4M3(a >> 8)) << 16 | widened(ofE4M3(a)); });
  checkWalks("cvt.u16.u32 %h1, %r1; cvt.rn.relu.f16x2.e4m3x2 %r4, %h1;", in,
             [&](auto a, auto, auto) { return widened(relu(ofE4M3(a >> 8))) << 16 | widened(relu(ofE4M3(a))); });
  checkWalks("cvt.u16.u32 %h1, %r1; cvt.rn.f16x2.e4m3x2 %r4, %h1; cvt.rn.satfinite.e4m3x2.f16x2 %h1, %r4;"
             "cvt.u32.u16 %r4, %h1;",
             in, [](auto a, auto, auto) {
               auto back = [](uint32_t bits) { return (bits & 0x7f) == 0x7f ? 0x7f : bits & 0xff; };
               return back(a >> 8) << 8 | back(a);
             });
}

/// Pairs of f16: all finite ones in steps, infinities and NaN.
static Words pairs(const Format &format) {
  Words halves = {0, 0x8000, 1, 0x8001, 0x7fff, format.infinity, format.infinity | 0x8000, format.infinity - 1};
  for (uint32_t bits = 0; bits < format.infinity; bits += 61)
    halves.insert(halves.end(), {bits, bits | 0x8000});
  Words values;
  for (size_t i = 0; i < halves.size(); ++i)
    values.push_back(halves[i] << 16 | halves[(3 * i + 2) % halves.size()]);
  return values;
}

TEST(EmulatorNarrow, F16RoundsToE4M3) {
  auto narrowed = [](uint32_t bits) { return roundedE4M3(static_cast<float>(ofHalf(f16, bits))); };
  checkWalks("cvt.rn.satfinite.e4m3x2.f16x2 %h1, %r1; cvt.u32.u16 %r4, %h1;", walks(pairs(f16)),
             [&](auto a, auto, auto) { return narrowed(a >> 16) << 8 | narrowed(a & 0xffff); });
}

TEST(EmulatorNarrow, FloatsRoundToF16AndBack) {
  Words in = walks(around(f16, 37));
  checkWalks("cvt.rn.f16x2.f32 %r4, %r1, %r2;", in,
             [](auto a, auto b, auto) { return roundedHalf(f16, floatOf(a)) << 16 | roundedHalf(f16, floatOf(b)); });
  checkWalks("cvt.rn.relu.f16x2.f32 %r4, %r1, %r2;", in, [](auto a, auto b, auto) {
    return roundedHalf(f16, relu(floatOf(a))) << 16 | roundedHalf(f16, relu(floatOf(b)));
  });
  checkWalks("cvt.rn.f16.f32 %h1, %r1; cvt.u32.u16 %r4, %h1;", in,
             [](auto a, auto, auto) { return roundedHalf(f16, floatOf(a)); });
  checkWalks("cvt.u16.u32 %h1, %r1; cvt.f32.f16 %r4, %h1; max.NaN.f32 %r4, %r4, %r4;", walks(pairs(f16)),
             [](auto a, auto, auto) {
               double value = ofHalf(f16, a);
               return std::isnan(value) ? 0x7fffffff : bitsOf(static_cast<float>(value));
             });
}

TEST(EmulatorNarrow, BF16AndF16Convert) {
  auto sameNaN = [](uint32_t bits, const Format &format) { return isNaN(format, bits) ? 0x7fff : bits; };
  Words in = walks(pairs(bf16));
  checkWalks("cvt.u16.u32 %h1, %r1; cvt.rn.f16.bf16 %h2, %h1; cvt.u32.u16 %r4, %h2;", in,
             [](auto a, auto, auto) { return roundedHalf(f16, ofHalf(bf16, a & 0xffff)); });
  checkWalks("cvt.u16.u32 %h1, %r1; cvt.f32.bf16 %r4, %h1; cvt.rn.bf16.f32 %h2, %r4; cvt.u32.u16 %r4, %h2;", in,
             [&](auto a, auto, auto) { return sameNaN(a & 0xffff, bf16); });
  checkWalks("cvt.u16.u32 %h1, %r1; cvt.rn.bf16.f16 %h2, %h1; cvt.u32.u16 %r4, %h2;", walks(pairs(f16)),
             [](auto a, auto, auto) { return roundedHalf(bf16, ofHalf(f16, a & 0xffff)); });
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

using Exact = std::function<long double(long double, long double, long double)>;

/// %r1, %r2 and %r3, or %h1, %h2 and %h3, as many as an instruction takes.
static std::string operandsOf(const std::string &opcode, const std::string &letter) {
  std::string one = "%" + letter + "1", two = one + ", %" + letter + "2";
  return opcode == "abs" || opcode == "neg" ? one : opcode == "fma.rn" ? two + ", %" + letter + "3" : two;
}

/// A long double holds sums and products of numbers of the format exactly where their exponents are near.
static void checkArithmetic(const std::string &opcode, const Format &format, const Words &in, const Exact &f) {
  std::string name = opcode + (format.bias == f16.bias ? ".f16" : ".bf16");
  SCOPED_TRACE(name);
  Words got = compute(name + "x2 %r4, " + operandsOf(opcode, "r") + ";", in);
  std::string scalar = "mov.b32 {%h1, _}, %r1; mov.b32 {%h2, _}, %r2; mov.b32 {%h3, _}, %r3;" + name + " %h4, " +
                       operandsOf(opcode, "h") + "; cvt.u32.u16 %r4, %h4;";
  Words low = compute(scalar, in);
  for (size_t i = 0; i < got.size(); ++i)
    for (uint32_t shift : {0u, 16u}) {
      double a = ofHalf(format, in[3 * i] >> shift & 0xffff), b = ofHalf(format, in[3 * i + 1] >> shift & 0xffff),
             c = ofHalf(format, in[3 * i + 2] >> shift & 0xffff);
      uint32_t expected = roundedHalf(format, f(a, b, c)), result = got[i] >> shift & 0xffff;
      ASSERT_EQ(isNaN(format, result) ? 0x7fff : result, expected) << opcode << " of " << a << ", " << b << ", " << c;
      if (shift == 0)
        ASSERT_EQ(low[i], result) << opcode;
    }
}

/// 3000 pairs of numbers from 2^-8 to 2^8, and some others.
static Words numbers(const Format &format) {
  std::mt19937 random(1);
  Words values;
  for (int i = 0; i < 3000; ++i) {
    uint32_t word = 0;
    for (int half = 0; half < 2; ++half) {
      uint32_t exponent = static_cast<uint32_t>(format.bias) - 8 + random() % 16;
      word = word << 16 | (random() & 0x8000) | exponent << format.fractionBits |
             (random() & ((1u << format.fractionBits) - 1));
    }
    values.push_back(word);
  }
  for (uint32_t bits : {0u, 0x80008000u, 0x00018001u, 0x7fff0000u, format.infinity << 16 | format.infinity | 0x8000})
    for (uint32_t other : {values[0], values[1], 0x80000000u})
      values.insert(values.end(), {bits, other, values[2]});
  return values;
}

TEST(EmulatorNarrow, ArithmeticRoundsOnce) {
  auto smaller = [](long double a, long double b) { return std::isnan(a) ? b : std::isnan(b) || a < b ? a : b; };
  for (const Format &format : {f16, bf16}) {
    Words in = numbers(format);
    for (const char *round : {"", ".rn"}) {
      checkArithmetic(std::string("add") + round, format, in, [](auto a, auto b, auto) { return a + b; });
      checkArithmetic(std::string("sub") + round, format, in, [](auto a, auto b, auto) { return a - b; });
      checkArithmetic(std::string("mul") + round, format, in, [](auto a, auto b, auto) { return a * b; });
    }
    checkArithmetic("fma.rn", format, in, [](auto a, auto b, auto c) { return a * b + c; });
    checkArithmetic("neg", format, in, [](auto a, auto, auto) { return -a; });
    checkArithmetic("abs", format, in, [](auto a, auto, auto) { return std::fabs(a); });
    Words ordered(in.begin(), in.begin() + 3000); // without zeros and NaN
    checkArithmetic("min", format, ordered, [&](auto a, auto b, auto) { return smaller(a, b); });
    checkArithmetic("max", format, ordered, [&](auto a, auto b, auto) { return -smaller(-a, -b); });
  }
}

TEST(EmulatorNarrow, FusedSumsAreNotRoundedTwice) {
  // (1 + 2^-10)^2 = 1 + 2^-9 + 2^-20; 2^-11 more is half way to the next but for the last bit.
  Words out = run(R"(
  fma.rn.f16x2 %r1, 0x3c013c01, 0x3c013c01, 0x10001000; // 2^-11
  fma.rn.f16x2 %r2, 0x3c003c00, 0x3c013c01, 0x10001000; // exactly half way: to even
  fma.rn.bf16x2 %r3, 0x7f7f0080, 0x3f800001, 0xff7f0001; // 0; below the least subnormal
  max.NaN.bf16x2 %r4, 0x7fc03f80, 0x3f807fc0;
  max.bf16x2 %r5, 0x7fc03f80, 0x3f807fc0;
  min.f16x2 %r6, 0x80000000, 0x00008000;
  st.global.v4.b32 [%out], {%r1, %r2, %r3, %r4};
  st.global.v2.b32 [%out+16], {%r5, %r6};)",
                  {}, 6, {.threads = 1});
  EXPECT_EQ(out[0], 0x3c033c03u);
  EXPECT_EQ(out[1], 0x3c023c02u);
  EXPECT_EQ(out[2], 0x00000001u);
  EXPECT_TRUE(std::isnan(ofBF16(static_cast<uint16_t>(out[3]))) &&
              std::isnan(ofBF16(static_cast<uint16_t>(out[3] >> 16))));
  EXPECT_EQ(out[4], 0x3f803f80u);
  EXPECT_EQ(out[5], 0x80008000u);
}

//===----------------------------------------------------------------------===//
// Undefined values
//===----------------------------------------------------------------------===//

/// Expects that the halves of %r4 are undefined as given, with %r9 and %h7 undefined, and %r1 and %h1 not.
static void expectUndefined(const std::string &body, bool low, bool high) {
  SCOPED_TRACE(body);
  std::string start = "mov.b32 %r1, 0x38383838; mov.b16 %h1, 0x3838;" + body;
  for (const auto &[mask, isUndefined] : {std::pair("0xffff", low), std::pair("0xffff0000", high)}) {
    std::string text = start + "and.b32 %r5, %r4, " + mask + ";\nsetp.eq.b32 %p1, %r5, 0;\n@%p1 bra END; // HERE\nEND:";
    if (isUndefined)
      expectFault(FaultKind::Uninitialized, text, {"the predicate"});
    else
      run(text, {}, 1);
  }
}

TEST(EmulatorNarrow, HalvesOfPairsAreUndefinedOnTheirOwn) {
  for (const char *opcode : {"mul.f16x2", "add.rn.bf16x2", "max.bf16x2"}) {
    std::string tail = std::string(opcode) + " %r4, %r1, %r2;";
    expectUndefined("mov.b32 %r2, {%h1, %h7};" + tail, false, true);
    expectUndefined("mov.b32 %r2, {%h7, %h1};" + tail, true, false);
  }
  expectUndefined("cvt.rn.f16x2.f32 %r4, %r1, %r9;", true, false);
  expectUndefined("cvt.rn.bf16x2.f32 %r4, %r9, %r1;", false, true);
}

TEST(EmulatorNarrow, BytesOfAPairAreUndefinedTogether) {
  expectUndefined("cvt.rn.satfinite.e4m3x2.f32 %h2, %r1, %r1; mov.b32 %r4, {%h2, %h1};", false, false);
  expectUndefined("cvt.rn.satfinite.e4m3x2.f32 %h2, %r1, %r9; mov.b32 %r4, {%h2, %h1};", true, false);
  expectUndefined("cvt.rn.satfinite.e4m3x2.f32 %h2, %r9, %r1; mov.b32 %r4, {%h1, %h2};", false, true);
  expectUndefined("mov.b32 %r2, {%h1, %h7}; cvt.rn.satfinite.e4m3x2.f16x2 %h2, %r2; mov.b32 %r4, {%h1, %h2};", false,
                  true);
  expectUndefined("cvt.rn.f16x2.e4m3x2 %r4, %h7;", true, true);
  expectUndefined("cvt.rn.f16x2.e4m3x2 %r4, %h1;", false, false);
}

TEST(EmulatorNarrow, LogicKeepsDefinedHalves) {
  std::string pair = "mov.b32 %r2, {%h1, %h7};";
  expectUndefined(pair + "or.b32 %r4, %r1, %r2;", false, true);
  expectUndefined(pair + "lop3.b32 %r4, %r1, %r1, %r2, 0x96;", false, true);
  expectUndefined(pair + "shl.b32 %r4, %r2, 8;", false, true);
  expectUndefined(pair + "shl.b32 %r4, %r2, 24;", false, false);
  expectUndefined(pair + "shr.u32 %r4, %r2, 8;", true, true);
  expectUndefined(pair + "shr.u32 %r4, %r2, 24;", true, false);
}

TEST(EmulatorNarrow, PermutedBytesTakeOnlyWhatTheySelect) {
  expectUndefined("prmt.b32 %r4, %r1, %r9, 0x3210;", false, false);
  expectUndefined("prmt.b32 %r4, %r1, %r9, 0x0123;", false, false);
  expectUndefined("prmt.b32 %r4, %r1, %r9, 0xb210;", false, false); // of byte 3, the sign
  expectUndefined("prmt.b32 %r4, %r1, %r9, 0x3254;", true, false);
  expectUndefined("prmt.b32 %r4, %r1, %r9, 0x7710;", false, true);
  expectUndefined("mov.b32 %r2, 0x3210; prmt.b32 %r4, %r1, %r9, %r2;", true, true);
  expectUndefined("bfi.b32 %r4, %r9, %r1, 16, 8;", false, true);
  expectUndefined("bfi.b32 %r4, %r1, %r9, 16, 8;", true, true);
  expectUndefined("bfi.b32 %r4, %r1, %r9, 16, 16;", true, false);
}

TEST(EmulatorNarrow, PackedElementsAreUndefinedOnTheirOwn) {
  std::string bytes = ".reg .b8 %q1, %q2; mov.b16 {%q1, _}, %h1;";
  expectUndefined(bytes + "mov.b32 %r4, {%q1, %q1, %q1, %q1};", false, false);
  expectUndefined(bytes + "mov.b32 %r4, {%q1, %q2, %q1, %q1};", true, false);
  expectUndefined(bytes + "mov.b16 %h2, {%q2, %q1}; mov.b32 %r4, {%h1, %h2};", false, true);
  expectUndefined("mov.b64 %d1, {%h1, %h1, %h7, %h1}; mov.b64 {%h2, %h3, _, _}, %d1; mov.b32 %r4, {%h2, %h3};", true,
                  true);
}

/// As LLVM prints kernels that quantize and that widen, with an operand of prmt that nobody wrote.
static const char *const printed = R"(.version 8.6
.target sm_90a
.address_size 64
.visible .entry quant(.param .u64 .ptr .global .align 1 quant_param_0, .param .u64 .ptr .global .align 1 quant_param_1, .param .u64 .ptr .shared .align 1 quant_param_2)
{
 .reg .b16 %rs<3>;
 .reg .b32 %r<16>;
 .reg .b64 %rd<9>;
 ld.param.b64 %rd1, [quant_param_0];
 ld.param.b64 %rd2, [quant_param_1];
 mov.u32 %r1, %tid.x;
 ld.param.b64 %rd3, [quant_param_2];
 mul.wide.u32 %rd4, %r1, 16;
 add.s64 %rd5, %rd1, %rd4;
 ld.global.nc.v4.b32 {%r2, %r3, %r4, %r5}, [%rd5];
 abs.f32 %r6, %r2;
 abs.f32 %r7, %r3;
 max.f32 %r8, %r6, %r7;
 mov.b32 %r9, -1;
 redux.sync.max.u32 %r10, %r8, %r9;
 mov.b32 %r11, 0f43E00000;
 div.rn.f32 %r12, %r11, %r10;
 mul.rn.f32 %r13, %r2, %r12;
 mul.rn.f32 %r14, %r3, %r12;
 cvt.rn.satfinite.e4m3x2.f32 %rs1, %r14, %r13;
 cvt.rn.satfinite.relu.e4m3x2.f32 %rs2, %r5, %r4;
 mov.b32 %r15, {%rs1, %rs2};
 mul.wide.u32 %rd6, %r1, 4;
 add.s64 %rd7, %rd2, %rd6;
 st.global.b32 [%rd7], %r15;
 add.s64 %rd8, %rd3, %rd6;
 st.shared.b32 [%rd8], %r15;
 ret;
}
.visible .entry dequant(.param .u64 .ptr .global .align 1 dequant_param_0, .param .u64 .ptr .global .align 1 dequant_param_1, .param .f32 dequant_param_2)
{
 .reg .b16 %rs<8>;
 .reg .b32 %r<19>;
 .reg .b64 %rd<9>;
 ld.param.b64 %rd1, [dequant_param_0];
 ld.param.b64 %rd2, [dequant_param_1];
 mov.u32 %r1, %tid.x;
 ld.param.b32 %r2, [dequant_param_2];
 mul.wide.u32 %rd3, %r1, 16;
 add.s64 %rd4, %rd1, %rd3;
 ld.global.v4.b32 {%r3, %r4, %r5, %r6}, [%rd4];
 mov.b32 {%rs1, %rs2}, %r3;
 cvt.rn.f16x2.e4m3x2 %r7, %rs1;
 cvt.rn.f16x2.e4m3x2 %r8, %rs2;
 mul.rn.f16x2 %r9, %r7, %r8;
 add.rn.f16x2 %r10, %r7, %r8;
 add.rn.f16x2 %r11, %r9, %r10;
 mov.b32 {%rs3, %rs4}, %r11;
 cvt.f32.f16 %r12, %rs4;
 cvt.f32.f16 %r13, %rs3;
 mul.rn.f32 %r14, %r13, %r2;
 mul.rn.f32 %r15, %r12, %r2;
 cvt.rn.bf16.f32 %rs5, %r14;
 cvt.rn.bf16.f32 %rs6, %r15;
 mov.b32 %r16, {%rs5, %rs6};
 mul.rn.bf16x2 %r17, %r16, %r16;
 mul.wide.u32 %rd5, %r1, 4;
 add.s64 %rd6, %rd2, %rd5;
 st.global.b32 [%rd6], %r17;
 mul.wide.u32 %rd7, %r1, 2;
 sub.s64 %rd8, %rd6, %rd7;
 st.global.b16 [%rd8], %rs6;
 fma.rn.f16x2 %r18, %r7, %r8, %r7;
 st.global.b32 [%rd6], %r18;
 cvt.rn.f16.f32 %rs7, %r14;
 st.global.b16 [%rd8], %rs7;
 ret;
}
.visible .entry bytes(.param .u64 .ptr .shared .align 1 bytes_param_0, .param .u64 .ptr .global .align 1 bytes_param_1, .param .u32 bytes_param_2)
{
 .reg .b32 %r<15>;
 .reg .b64 %rd<12>;
 ld.param.b64 %rd1, [bytes_param_0];
 ld.param.b64 %rd2, [bytes_param_1];
 mov.u32 %r1, %tid.x;
 cvt.u64.u32 %rd3, %r1;
 ld.param.b32 %r2, [bytes_param_2];
 mul.wide.u32 %rd4, %r1, 8;
 add.s64 %rd5, %rd1, %rd4;
 ld.shared.v2.b32 {%r3, %r4}, [%rd5];
 prmt.b32 %r5, %r3, 0, 0x7770U;
 add.s64 %rd6, %rd2, %rd4;
 prmt.b32 %r6, %r3, %r7, 0x123U;
 prmt.b32 %r8, %r4, %r9, 0x123U;
 st.global.v2.b32 [%rd6], {%r8, %r6};
 add.s64 %rd7, %rd1, %rd3;
 prmt.b32 %r10, %r3, 0, 0x8880U;
 xor.b32 %r11, %r5, %r2;
 and.b32 %r12, %r11, %r10;
 or.b32 %r13, %r12, %r1;
 mul.wide.u32 %rd8, %r1, 4;
 sub.s64 %rd9, %rd6, %rd8;
 st.global.b32 [%rd9], %r13;
 bfi.b32 %r14, %r5, %r3, 16, 8;
 st.shared.b32 [%rd7], %r14;
 st.shared.b8 [%rd7], %r2;
 ld.shared.v2.b64 {%rd10, %rd11}, [%rd5];
 st.global.v2.b64 [%rd6], {%rd10, %rd11};
 ret;
}
)";

TEST(EmulatorNarrow, WhatTheBackendPrintsLoads) { EXPECT_EQ(LoadedModule(printed).error, ""); }
