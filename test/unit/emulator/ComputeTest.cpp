//===- ComputeTest.cpp - Values per lane against the host's arithmetic ----===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compute.h"

#include <cmath>
#include <limits>

using namespace mla::emulator;
using S32 = int32_t;
using S64 = int64_t;

static uint64_t wide(uint32_t a, uint32_t b) { return uint64_t(b) << 32 | a; }
static uint32_t fold(uint64_t value) { return static_cast<uint32_t>(value) ^ static_cast<uint32_t>(value >> 32) * 31; }

TEST(EmulatorCompute, Integers) {
  check({{"add.s32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return a + b; }},
         {"sub.s32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return a - b; }},
         {"neg.s32 %r4, %r1;", [](auto a, auto, auto) { return -a; }},
         {"abs.s32 %r4, %r1;", [](auto a, auto, auto) { return S32(a) < 0 ? -a : a; }},
         {"mul.lo.s32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return a * b; }},
         {"mul.hi.u32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return uint32_t(uint64_t(a) * b >> 32); }},
         {"mul.hi.s32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return uint32_t(S64(S32(a)) * S32(b) >> 32); }},
         {"mad.lo.s32 %r4, %r1, %r2, %r3;", [](auto a, auto b, auto c) { return a * b + c; }},
         {"min.s32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return uint32_t(std::min(S32(a), S32(b))); }},
         {"max.s32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return uint32_t(std::max(S32(a), S32(b))); }},
         {"min.u32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return std::min(a, b); }},
         {"max.u32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return std::max(a, b); }},
         {"max.relu.s32 %r4, %r1, %r2;",
          [](auto a, auto b, auto) { return uint32_t(std::max({S32(a), S32(b), S32(0)})); }},
         {"min.relu.s32 %r4, %r1, %r2;",
          [](auto a, auto b, auto) { return uint32_t(std::max(std::min(S32(a), S32(b)), S32(0))); }}},
        corners());
}

TEST(EmulatorCompute, Divisions) {
  Words values;
  for (uint32_t value : corners())
    if (value)
      values.push_back(value);
  auto quotient = [](uint32_t a, uint32_t b) { return uint32_t(S64(S32(a)) / S32(b)); };
  check({{"div.u32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return a / b; }},
         {"rem.u32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return a % b; }},
         {"div.s32 %r4, %r1, %r2;", [&](auto a, auto b, auto) { return quotient(a, b); }},
         {"rem.s32 %r4, %r1, %r2;", [&](auto a, auto b, auto) { return a - quotient(a, b) * b; }},
         {"mov.b64 %d2, {%r1, %r2}; mov.b64 %d3, {%r3, 0}; div.u64 %d4, %d2, %d3; rem.u64 %d5, %d2, %d3;"
          "add.s64 %d4, %d4, %d5; mov.b64 {%r5, %r4}, %d4; xor.b32 %r4, %r4, %r5;",
          [](auto a, auto b, auto c) {
            uint64_t sum = wide(a, b) / c + wide(a, b) % c;
            return uint32_t(sum) ^ uint32_t(sum >> 32);
          }}},
        values);
}

TEST(EmulatorCompute, LongIntegers) {
  // For a = {%r1, %r2} and b = {%r3, %r1}; the result in %d4 is folded to 32 bits.
  auto body = [](const std::string &text) {
    return "mov.b64 %d2, {%r1, %r2}; mov.b64 %d3, {%r3, %r1};" + text +
           "mov.b64 {%r5, %r6}, %d4; mad.lo.s32 %r6, %r6, 31, 0; xor.b32 %r4, %r5, %r6;";
  };
  using Long = std::function<uint64_t(uint64_t, uint64_t)>;
  std::vector<std::pair<std::string, Long>> cases = {
      {body("add.s64 %d4, %d2, %d3;"), [](uint64_t a, uint64_t b) { return a + b; }},
      {body("sub.s64 %d4, %d2, %d3;"), [](uint64_t a, uint64_t b) { return a - b; }},
      {body("mul.lo.s64 %d4, %d2, %d3;"), [](uint64_t a, uint64_t b) { return a * b; }},
      {body("mad.lo.s64 %d4, %d2, %d3, %d2;"), [](uint64_t a, uint64_t b) { return a * b + a; }},
      {body("neg.s64 %d4, %d2;"), [](uint64_t a, uint64_t) { return -a; }},
      {body("min.s64 %d4, %d2, %d3;"), [](uint64_t a, uint64_t b) { return uint64_t(std::min(S64(a), S64(b))); }},
      {body("max.s64 %d4, %d2, %d3;"), [](uint64_t a, uint64_t b) { return uint64_t(std::max(S64(a), S64(b))); }},
      {body("and.b64 %d4, %d2, %d3;"), [](uint64_t a, uint64_t b) { return a & b; }},
      {body("or.b64 %d4, %d2, %d3;"), [](uint64_t a, uint64_t b) { return a | b; }},
      {body("xor.b64 %d4, %d2, %d3;"), [](uint64_t a, uint64_t b) { return a ^ b; }},
      {body("not.b64 %d4, %d2;"), [](uint64_t a, uint64_t) { return ~a; }},
      {body("mul.wide.u32 %d4, %r1, %r3;"), [](uint64_t a, uint64_t b) { return uint64_t(uint32_t(a)) * uint32_t(b); }},
      {body("mul.wide.s32 %d4, %r1, %r3;"), [](uint64_t a, uint64_t b) { return uint64_t(S64(S32(a)) * S32(b)); }},
      {body("mad.wide.s32 %d4, %r1, %r3, %d2;"),
       [](uint64_t a, uint64_t b) { return uint64_t(S64(S32(a)) * S32(b)) + a; }},
      {body("and.b32 %r7, %r3, 127; shl.b64 %d4, %d2, %r7;"),
       [](uint64_t a, uint64_t b) { return (b & 127) > 63 ? 0 : a << (b & 127); }},
      {body("and.b32 %r7, %r3, 127; shr.u64 %d4, %d2, %r7;"),
       [](uint64_t a, uint64_t b) { return (b & 127) > 63 ? 0 : a >> (b & 127); }},
      {body("and.b32 %r7, %r3, 127; shr.s64 %d4, %d2, %r7;"),
       [](uint64_t a, uint64_t b) { return uint64_t(S64(a) >> std::min<uint64_t>(b & 127, 63)); }},
      {body("bfe.u64 %d4, %d2, 20, 31;"), [](uint64_t a, uint64_t) { return a >> 20 & 0x7fffffff; }},
      {body("bfe.u64 %d4, %d2, %r3, 48;"),
       [](uint64_t a, uint64_t b) { return (b & 255) > 63 ? 0 : a >> (b & 255) & 0xffffffffffff; }},
      {body("bfe.u64 %d4, %d2, 1, 64;"), [](uint64_t a, uint64_t) { return a >> 1; }},
      {body("setp.lt.s64 %p1, %d2, %d3; selp.b64 %d4, %d2, %d3, %p1;"),
       [](uint64_t a, uint64_t b) { return uint64_t(std::min(S64(a), S64(b))); }},
      {body("setp.gt.u64 %p1, %d2, %d3; selp.b64 %d4, %d2, %d3, %p1;"),
       [](uint64_t a, uint64_t b) { return std::max(a, b); }},
      {body("cvt.s64.s32 %d4, %r1;"), [](uint64_t a, uint64_t) { return uint64_t(S64(S32(a))); }},
      {body("cvt.u64.u32 %d4, %r1;"), [](uint64_t a, uint64_t) { return uint64_t(uint32_t(a)); }},
      {body("cvt.s64.s32 %d4, %d2;"), [](uint64_t a, uint64_t) { return uint64_t(S64(S32(a))); }},
      {body("cvt.u64.u32 %d4, %d2;"), [](uint64_t a, uint64_t) { return uint64_t(uint32_t(a)); }},
  };
  Words in = triples(corners());
  for (const auto &[text, expected] : cases) {
    SCOPED_TRACE(text);
    Words got = compute(text, in);
    for (size_t i = 0; i < got.size(); ++i) {
      uint64_t a = wide(in[3 * i], in[3 * i + 1]), b = wide(in[3 * i + 2], in[3 * i]);
      ASSERT_EQ(got[i], fold(expected(a, b))) << std::hex << a << ", " << b;
    }
  }
}

/// Computes prmt as in the ISA, byte by byte.
static uint32_t permuted(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t result = 0;
  for (int i = 0; i < 4; ++i) {
    uint32_t nibble = c >> (4 * i) & 15;
    uint32_t source = nibble & 4 ? b : a, byte = source >> (8 * (nibble & 3)) & 255;
    if (nibble & 8)
      byte = byte >= 128 ? 255 : 0;
    result |= byte << (8 * i);
  }
  return result;
}

static uint32_t extracted(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t result = 0;
  for (uint32_t i = 0; i < (c & 255) && i < 32; ++i)
    if ((b & 255) + i < 32)
      result |= (a >> ((b & 255) + i) & 1) << i;
  return result;
}

/// As the ISA says it: bits beyond the field, or the word, are the last one of the field, or of the word.
static uint32_t extractedSigned(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t position = b & 255, count = c & 255, result = 0;
  uint32_t sign = count ? a >> std::min(position + count - 1, 31u) & 1 : 0;
  for (uint32_t i = 0; i < 32; ++i)
    result |= (i < count && position + i < 32 ? a >> (position + i) & 1 : sign) << i;
  return result;
}

/// The low `d` bits of a in the place of those of b from bit c on.
static uint32_t inserted(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  for (uint32_t i = 0; i < (d & 255) && i < 32; ++i)
    if ((c & 255) + i < 32) {
      uint32_t bit = (c & 255) + i;
      b = (b & ~(1u << bit)) | (a >> i & 1) << bit;
    }
  return b;
}

TEST(EmulatorCompute, LogicAndShifts) {
  check({{"and.b32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return a & b; }},
         {"or.b32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return a | b; }},
         {"xor.b32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return a ^ b; }},
         {"not.b32 %r4, %r1;", [](auto a, auto, auto) { return ~a; }},
         {"shl.b32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return b > 31 ? 0 : a << b; }},
         {"shr.u32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return b > 31 ? 0 : a >> b; }},
         {"shr.s32 %r4, %r1, %r2;", [](auto a, auto b, auto) { return uint32_t(S32(a) >> std::min(b, 31u)); }},
         {"shf.l.wrap.b32 %r4, %r1, %r2, %r3;",
          [](auto a, auto b, auto c) { return c % 32 ? b << c % 32 | a >> (32 - c % 32) : b; }},
         {"shf.r.wrap.b32 %r4, %r1, %r2, %r3;",
          [](auto a, auto b, auto c) { return c % 32 ? b << (32 - c % 32) | a >> c % 32 : a; }},
         {"popc.b32 %r4, %r1;", [](auto a, auto, auto) { return uint32_t(__builtin_popcount(a)); }},
         {"clz.b32 %r4, %r1;", [](auto a, auto, auto) { return a ? uint32_t(__builtin_clz(a)) : 32; }},
         {"bfe.u32 %r4, %r1, %r2, %r3;", extracted},
         {"bfe.s32 %r4, %r1, %r2, %r3;", extractedSigned},
         {"bfe.s32 %r4, %r1, 1, 1;", [](auto a, auto, auto) { return a & 2 ? ~0u : 0; }},
         {"bfi.b32 %r4, %r1, %r2, %r3, 5;", [](auto a, auto b, auto c) { return inserted(a, b, c, 5); }},
         {"bfi.b32 %r4, %r1, %r2, 8, %r3;", [](auto a, auto b, auto c) { return inserted(a, b, 8, c); }},
         {"prmt.b32 %r4, %r1, %r2, %r3;", permuted}},
        corners());
}

TEST(EmulatorCompute, PermutationsTakeAllSelectors) {
  Words in;
  for (uint32_t i = 0; i < 16; ++i)
    for (uint32_t j = 0; j < 16; ++j)
      in.insert(in.end(), {0x817f0280, 0xff00fe41, i | j << 4 | (15 - i) << 8 | (j ^ 5) << 12});
  Words got = compute("prmt.b32 %r4, %r1, %r2, %r3;", in);
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(got[i], permuted(in[3 * i], in[3 * i + 1], in[3 * i + 2])) << std::hex << in[3 * i + 2];
}

TEST(EmulatorCompute, FunctionsOfThreeBits) {
  Words in = triples(corners());
  for (uint32_t table : {0x00u, 0x80u, 0x96u, 0xe8u, 0xcau, 0x1eu, 0xffu}) {
    Words got = compute("lop3.b32 %r4, %r1, %r2, %r3, " + std::to_string(table) + ";", in);
    for (size_t i = 0; i < got.size(); ++i) {
      uint32_t expected = 0;
      for (uint32_t bit = 0; bit < 32; ++bit) {
        uint32_t at = (in[3 * i] >> bit & 1) << 2 | (in[3 * i + 1] >> bit & 1) << 1 | (in[3 * i + 2] >> bit & 1);
        expected |= (table >> at & 1) << bit;
      }
      ASSERT_EQ(got[i], expected) << table;
    }
  }
}

TEST(EmulatorCompute, SixteenBits) {
  // a, b: the low halves of %r1 and %r2.
  auto body = [](const std::string &text) {
    return "mov.b32 {%h1, %h2}, %r1; mov.b32 {%h3, _}, %r2;" + text + "cvt.u32.u16 %r4, %h4;";
  };
  std::vector<std::pair<std::string, Function>> cases = {
      {body("add.s16 %h4, %h1, %h3;"), [](auto a, auto b, auto) { return (a + b) & 0xffff; }},
      {body("sub.s16 %h4, %h1, %h3;"), [](auto a, auto b, auto) { return (a - b) & 0xffff; }},
      {body("mul.lo.s16 %h4, %h1, %h3;"), [](auto a, auto b, auto) { return (a & 0xffff) * (b & 0xffff) & 0xffff; }},
      {body("not.b16 %h4, %h1;"), [](auto a, auto, auto) { return ~a & 0xffff; }},
      {body("shr.s16 %h4, %h1, %r2;"),
       [](auto a, auto b, auto) { return uint32_t(int16_t(a) >> std::min(b, 15u)) & 0xffff; }},
      {body("cvt.s16.s8 %h4, %h1;"), [](auto a, auto, auto) { return uint32_t(int8_t(a)) & 0xffff; }},
      {body("cvt.u16.u8 %h4, %h1;"), [](auto a, auto, auto) { return a & 0xff; }},
      {body("cvt.s32.s8 %r5, %r1; cvt.u32.u8 %r6, %h1; sub.s32 %r5, %r5, %r6; shr.s32 %r5, %r5, 4;"
            "cvt.u16.u32 %h4, %r5;"),
       [](auto a, auto, auto) { return uint32_t((int8_t(a) - int(a & 0xff)) >> 4) & 0xffff; }},
      {body("and.b16 %h4, %h1, %h3;"), [](auto a, auto b, auto) { return a & b & 0xffff; }},
      {body("or.b16 %h4, %h1, %h3;"), [](auto a, auto b, auto) { return (a | b) & 0xffff; }},
      {body("xor.b16 %h4, %h1, %h2;"), [](auto a, auto, auto) { return (a ^ a >> 16) & 0xffff; }},
      {body("shl.b16 %h4, %h1, %r2;"), [](auto a, auto b, auto) { return b > 15 ? 0 : a << b & 0xffff; }},
      {body("shr.u16 %h4, %h1, %r2;"), [](auto a, auto b, auto) { return b > 15 ? 0 : (a & 0xffff) >> b; }},
      {body("setp.lt.u16 %p1, %h1, %h3; selp.b16 %h4, %h1, %h3, %p1;"),
       [](auto a, auto b, auto) { return std::min(a & 0xffff, b & 0xffff); }},
      {body("mul.wide.u16 %r5, %h1, %h3; cvt.u16.u32 %h4, %r5;"),
       [](auto a, auto b, auto) { return (a & 0xffff) * (b & 0xffff) & 0xffff; }},
      {body("mov.b16 %h4, -1;"), [](auto, auto, auto) { return 0xffffu; }},
      {body("mov.b32 %r5, {%h2, %h3}; mov.b32 {_, %h4}, %r5;"), [](auto, auto b, auto) { return b & 0xffff; }}};
  Words in = triples(corners());
  for (const auto &[text, expected] : cases) {
    SCOPED_TRACE(text);
    Words got = compute(text, in);
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_EQ(got[i], expected(in[3 * i], in[3 * i + 1], 0)) << std::hex << in[3 * i] << ", " << in[3 * i + 1];
  }
}

TEST(EmulatorCompute, PackedBytesAndWords) {
  check({{".reg .b8 %q1, %q2, %q3, %q4;"
          "mov.b32 {%q1, %q2, %q3, %q4}, %r1; mov.b32 %r4, {%q4, %q3, %q2, %q1};",
          [](auto a, auto, auto) { return __builtin_bswap32(a); }},
         {".reg .b8 %q1, %q2; mov.b32 {_, %h1}, %r1; mov.b16 {%q1, %q2}, %h1; mov.b16 %h2, {%q2, %q1};"
          "cvt.u32.u16 %r4, %h2;",
          [](auto a, auto, auto) { return __builtin_bswap32(a) & 0xffff; }}, // of the upper half
         {"mov.b64 %d2, {%r1, %r2}; mov.b64 {%h1, %h2, %h3, %h4}, %d2; mov.b64 %d3, {%h4, %h3, %h2, %h1};"
          "mov.b64 {%r4, _}, %d3;",
          [](auto, auto b, auto) { return b << 16 | b >> 16; }}},
        corners());
}

TEST(EmulatorCompute, PredicatesAndSelections) {
  check({{"setp.lt.s32 %p1, %r1, %r2; selp.b32 %r4, %r1, %r3, %p1;",
          [](auto a, auto b, auto c) { return S32(a) < S32(b) ? a : c; }},
         {"setp.le.u32 %p1, %r1, %r2; selp.b32 %r4, 1, 0, %p1;", [](auto a, auto b, auto) { return uint32_t(a <= b); }},
         {"setp.ge.s32 %p1, %r1, %r2; setp.ne.b32 %p2, %r1, %r3; xor.pred %p3, %p1, %p2; not.pred %p4, %p3;"
          "selp.b32 %r4, 1, 0, %p4;",
          [](auto a, auto b, auto c) { return uint32_t((S32(a) >= S32(b)) == (a != c)); }},
         {"setp.eq.b32 %p1, %r1, %r2; setp.gt.u32 %p2, %r1, %r3; and.pred %p3, %p1, %p2; or.pred %p3, %p3, %p1;"
          "mov.pred %p4, %p3; selp.u32 %r4, 5, 6, %p4;",
          [](auto a, auto b, auto) { return a == b ? 5u : 6u; }},
         {"mov.pred %p1, 1; mov.pred %p2, 0; mov.b32 %r4, 3; @%p1 mov.b32 %r4, %r1; @%p2 mov.b32 %r4, 9;"
          "@!%p1 mov.b32 %r4, 10;",
          [](auto a, auto, auto) { return a; }}},
        corners());
}

/// Returns the bits of a result; NaNs are equal.
static uint32_t canonical(float value) { return std::isnan(value) ? 0x7fffffff : bitsOf(value); }

static void checkFloats(const std::vector<std::pair<std::string, std::function<float(float, float, float)>>> &cases,
                        float tolerance) {
  Words in = triples(floatCorners());
  for (const auto &[text, f] : cases) {
    SCOPED_TRACE(text);
    Words got = compute(text, in);
    for (size_t i = 0; i < got.size(); ++i) {
      float a = floatOf(in[3 * i]), b = floatOf(in[3 * i + 1]), expected = f(a, b, floatOf(in[3 * i + 2]));
      if (tolerance == 0 || !std::isfinite(expected) || expected == 0)
        ASSERT_EQ(canonical(floatOf(got[i])), canonical(expected)) << a << ", " << b << ", " << floatOf(in[3 * i + 2]);
      else
        ASSERT_NEAR(floatOf(got[i]), expected, tolerance * std::fabs(expected)) << a;
    }
  }
}

/// Of two zeros, -0 is the smaller one (PTX ISA 8.6, 9.7.3.11).
static float smaller(float a, float b) {
  if (std::isnan(a) || std::isnan(b))
    return std::isnan(a) ? b : a;
  return a == b ? (std::signbit(a) ? a : b) : a < b ? a : b;
}
static float larger(float a, float b) {
  if (std::isnan(a) || std::isnan(b))
    return std::isnan(a) ? b : a;
  return a == b ? (std::signbit(a) ? b : a) : a > b ? a : b;
}

TEST(EmulatorCompute, ExactFloats) {
  checkFloats({{"add.f32 %r4, %r1, %r2;", [](float a, float b, float) { return a + b; }},
               {"add.rn.f32 %r4, %r1, %r2;", [](float a, float b, float) { return a + b; }},
               {"sub.f32 %r4, %r1, %r2;", [](float a, float b, float) { return a - b; }},
               {"mul.f32 %r4, %r1, %r2;", [](float a, float b, float) { return a * b; }},
               {"fma.rn.f32 %r4, %r1, %r2, %r3;", [](float a, float b, float c) { return std::fma(a, b, c); }},
               {"div.rn.f32 %r4, %r1, %r2;", [](float a, float b, float) { return a / b; }},
               {"rcp.rn.f32 %r4, %r1;", [](float a, float, float) { return 1 / a; }},
               {"sqrt.rn.f32 %r4, %r1;", [](float a, float, float) { return std::sqrt(a); }},
               {"neg.f32 %r4, %r1;", [](float a, float, float) { return -a; }},
               {"abs.f32 %r4, %r1;", [](float a, float, float) { return std::fabs(a); }},
               {"copysign.f32 %r4, %r1, %r2;", [](float a, float b, float) { return std::copysign(b, a); }},
               {"cvt.rni.f32.f32 %r4, %r1;", [](float a, float, float) { return std::nearbyint(a); }},
               {"cvt.rmi.f32.f32 %r4, %r1;", [](float a, float, float) { return std::floor(a); }}},
              0);
}

TEST(EmulatorCompute, MinimumAndMaximumPreferNumbersAndOrderZeros) {
  checkFloats({{"min.f32 %r4, %r1, %r2;", [](float a, float b, float) { return smaller(a, b); }},
               {"max.f32 %r4, %r1, %r2;", [](float a, float b, float) { return larger(a, b); }},
               {"min.NaN.f32 %r4, %r1, %r2;",
                [](float a, float b, float) { return std::isnan(a) || std::isnan(b) ? NAN : smaller(a, b); }},
               {"max.NaN.f32 %r4, %r1, %r2;",
                [](float a, float b, float) { return std::isnan(a) || std::isnan(b) ? NAN : larger(a, b); }}},
              0);
}

static float flush(float a) { return std::fpclassify(a) == FP_SUBNORMAL ? std::copysign(0.0f, a) : a; }

TEST(EmulatorCompute, Approximations) {
  float near = 1e-6f;
  checkFloats({{"ex2.approx.ftz.f32 %r4, %r1;",
                [](float a, float, float) { return flush(static_cast<float>(std::exp2(double(flush(a))))); }},
               {"lg2.approx.ftz.f32 %r4, %r1;",
                [](float a, float, float) { return static_cast<float>(std::log2(double(flush(a)))); }},
               {"rcp.approx.ftz.f32 %r4, %r1;", [](float a, float, float) { return flush(1 / flush(a)); }},
               {"rsqrt.approx.ftz.f32 %r4, %r1;",
                [](float a, float, float) { return static_cast<float>(1 / std::sqrt(double(flush(a)))); }}},
              near);
}

TEST(EmulatorCompute, ComparisonsOfFloats) {
  auto nan = [](float a, float b) { return std::isnan(a) || std::isnan(b); };
  using Compare = std::function<bool(float, float)>;
  std::vector<std::pair<std::string, Compare>> cases = {{"eq", [](float a, float b) { return a == b; }},
                                                        {"ne", [&](float a, float b) { return !nan(a, b) && a != b; }},
                                                        {"lt", [](float a, float b) { return a < b; }},
                                                        {"le", [](float a, float b) { return a <= b; }},
                                                        {"gt", [](float a, float b) { return a > b; }},
                                                        {"ge", [](float a, float b) { return a >= b; }},
                                                        {"neu", [&](float a, float b) { return nan(a, b) || a != b; }},
                                                        {"ltu", [&](float a, float b) { return nan(a, b) || a < b; }},
                                                        {"leu", [&](float a, float b) { return nan(a, b) || a <= b; }},
                                                        {"gtu", [&](float a, float b) { return nan(a, b) || a > b; }},
                                                        {"geu", [&](float a, float b) { return nan(a, b) || a >= b; }},
                                                        {"nan", nan}};
  Words in = triples(floatCorners());
  for (const auto &[name, expected] : cases) {
    SCOPED_TRACE(name);
    Words got = compute("setp." + name + ".f32 %p1, %r1, %r2; selp.b32 %r4, 1, 0, %p1;", in);
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_EQ(got[i], uint32_t(expected(floatOf(in[3 * i]), floatOf(in[3 * i + 1]))))
          << floatOf(in[3 * i]) << ", " << floatOf(in[3 * i + 1]);
  }
}

static uint32_t truncated(float a, double low, double high) {
  if (std::isnan(a))
    return 0;
  return static_cast<uint32_t>(static_cast<int64_t>(std::min(std::max(std::trunc(double(a)), low), high)));
}

static uint32_t roundedBF16(uint32_t bits) {
  if (std::isnan(floatOf(bits)))
    return 0x7fff;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

TEST(EmulatorCompute, Conversions) {
  Words values = floatCorners();
  for (uint32_t value : {0x3f808000u, 0x3f818000u, 0x3f808001u, 0x7f7fffffu, 0x4f000000u, 0xcf000000u, 0x4f800000u})
    values.push_back(value);
  check({{"cvt.rzi.s32.f32 %r4, %r1;",
          [](auto a, auto, auto) { return truncated(floatOf(a), -2147483648.0, 2147483647.0); }},
         {"cvt.rzi.u32.f32 %r4, %r1;", [](auto a, auto, auto) { return truncated(floatOf(a), 0, 4294967295.0); }},
         {"cvt.rn.f32.s32 %r4, %r1;", [](auto a, auto, auto) { return bitsOf(static_cast<float>(S32(a))); }},
         {"cvt.rn.f32.u32 %r4, %r1;", [](auto a, auto, auto) { return bitsOf(static_cast<float>(a)); }}},
        values);
  Words numbers;
  for (uint32_t value : values)
    if (!std::isnan(floatOf(value)))
      numbers.push_back(value);
  check({{"cvt.rn.bf16x2.f32 %r4, %r1, %r2;",
          [](auto a, auto b, auto) { return roundedBF16(a) << 16 | roundedBF16(b); }}},
        numbers);
}

TEST(EmulatorCompute, NotANumberStaysOneWhenItIsRounded) {
  Words out = run("cvt.rn.bf16x2.f32 %r1, 0f7FFFFFFF, 0f7F800001;\nst.global.b32 [%to], %r1;", {}, 32);
  EXPECT_TRUE(std::isnan(ofBF16(static_cast<uint16_t>(out[0])))) << std::hex << out[0];
  EXPECT_TRUE(std::isnan(ofBF16(static_cast<uint16_t>(out[0] >> 16)))) << std::hex << out[0];
}

TEST(EmulatorCompute, Literals) {
  Words out = run(R"(
  add.s32 %r1, 0x10, 010;
  add.s32 %r1, %r1, 0x100U;
  add.s32 %r1, %r1, 1000U;
  add.f32 %r2, 0f3F800000, 0f40000000;
  st.global.v2.b32 [%out], {%r1, %r2};)",
                  {}, 2);
  EXPECT_EQ(out, (Words{16 + 8 + 256 + 1000, bitsOf(3.0f)}));
}
