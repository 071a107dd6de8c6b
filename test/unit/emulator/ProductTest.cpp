//===- ProductTest.cpp - wgmma against sums of the host -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"
#include "Float.h"

#include <cmath>

using namespace mla::emulator;

/// Tiles in shared memory in 128-byte rows, swizzled: A has 64 rows of 64 of bf16 or 128 of e4m3, B 256. Both are
/// copied from the input, which the test swizzles.
static uint32_t swizzledByte(uint32_t byte) { return byte ^ (byte >> 7 & 7) << 4; }

static uint16_t toBF16(float value) { return static_cast<uint16_t>(bitsOf(value) >> 16); } // small integers

static uint8_t toE4M3(float value) { // small numbers that it holds
  int exponent = 0;
  auto fraction = static_cast<int>(std::frexp(std::fabs(value), &exponent) * 16); // 8 to 15, of 2^(exponent - 4)
  int biased = exponent + 6;
  if (biased < 1)
    fraction >>= 1 - biased;
  uint8_t bits = static_cast<uint8_t>(biased < 1 ? fraction : biased << 3 | (fraction & 7));
  return value == 0 ? 0 : static_cast<uint8_t>(bits | (value < 0 ? 0x80 : 0));
}

static void place(Words &in, uint32_t byte, uint32_t bits) {
  uint32_t at = swizzledByte(byte);
  in[at / 4] |= bits << (8 * (at % 4));
}

static float valueOfA(uint32_t m, uint32_t k) { return float(int(m * 7 + k * 3) % 11 - 5); }
static float valueOfB(uint32_t n, uint32_t k) { return float(int(n * 5 + k * 2) % 13 - 6); }

namespace {
struct Shape {
  uint32_t n;
  bool transposedA = false, transposedB = false, fromRegisters = false;
  bool scale = true;   ///< scale-d of the first product.
  bool isE4M3 = false; ///< Else of bf16.
  bool isF16 = false;  ///< Of elements of 16 bits.
  float unit = 1;      ///< Of A's elements.
  int signA = 1, signB = 1;
  uint32_t k() const { return isE4M3 ? 128 : 64; }
};
} // namespace

/// Fragments of A of four products, in %a0 to %a15: row %t / 32 * 16 + %t % 32 / 4, bytes from %t % 4 * 4 on, read with
/// the swizzle.
static std::string fragments() {
  std::string text = "  .reg .b32 %a<16>;\n  shr.u32 %r5, %t, 5;\n  shl.b32 %r5, %r5, 4;\n  and.b32 %r6, %t, 31;\n"
                     "  shr.u32 %r6, %r6, 2;\n  add.s32 %r5, %r5, %r6;\n  and.b32 %r6, %r6, 7;\n"
                     "  shl.b32 %r6, %r6, 4;\n  shl.b32 %r5, %r5, 7;\n  add.s32 %r5, %r5, %r1;\n"
                     "  and.b32 %r7, %t, 3;\n  shl.b32 %r7, %r7, 2;\n";
  for (uint32_t i = 0; i < 16; ++i) {
    uint32_t column = i / 4 * 32 + i % 4 / 2 * 16, row = i % 2 * 8;
    text += "  xor.b32 %r8, %r6, " + std::to_string(column) + ";\n  add.s32 %r8, %r8, %r7;\n" +
            "  add.s32 %r8, %r8, %r5;\n  ld.shared.b32 %a" + std::to_string(i) + ", [%r8+" + std::to_string(row * 128) +
            "];\n";
  }
  return text;
}

/// K is 128 bytes: four products of a chain, two groups. Accumulators start at 3.
static std::string productBody(const Shape &shape, const std::string &fence = "wgmma.fence.sync.aligned;",
                               const std::string &beforeWait = "") {
  uint32_t words = (64 + 256) * 128 / 4;
  std::string list, text = "  .reg .f32 %c<128>;\n  mov.u32 %r1, dynamic;\n  mov.b32 %r2, %t;\nFILL:\n"
                           "  shl.b32 %r3, %r2, 2;\n  cvt.u64.u32 %d1, %r3;\n  add.s64 %d1, %in, %d1;\n"
                           "  ld.global.b32 %r4, [%d1];\n  add.s32 %r3, %r1, %r3;\n  st.shared.b32 [%r3], %r4;\n"
                           "  add.s32 %r2, %r2, 128;\n  setp.lt.u32 %p1, %r2, " +
                           std::to_string(words) +
                           ";\n  @%p1 bra FILL;\n  fence.proxy.async.shared::cta;\n  bar.sync 0;\n";
  uint32_t count = shape.n / 2;
  for (uint32_t i = 0; i < count; ++i) {
    list += (i ? ", %c" : "%c") + std::to_string(i);
    text += "  add.f32 %c" + std::to_string(i) + ", 0f3F800000, 0f40000000;\n";
  }
  text += "  mov.pred %p2, " + std::string(shape.scale ? "1" : "0") + ";\n  mov.pred %p3, 1;\n";
  if (shape.fromRegisters)
    text += fragments();
  text += "  " + fence + "\n";
  for (uint32_t step = 0; step < 4; ++step) {
    // K-major: 1024 from 8 rows to the next, 32 bytes on by step. MN-major: 16 rows of k are 2048 bytes.
    auto descriptor = [&](uint32_t base, bool transposed, uint32_t leading) {
      uint64_t start = SharedMemory::base + base + step * (transposed ? 2048 : 32);
      return std::to_string(start >> 4 | uint64_t(leading >> 4) << 16 | uint64_t(1024 >> 4) << 32 | uint64_t(1) << 62);
    };
    text += "  mov.b64 %d2, " + descriptor(0, shape.transposedA, 8192) + ";\n  mov.b64 %d3, " +
            descriptor(8192, shape.transposedB, 8192) + ";\n";
    std::string a = "%d2";
    for (uint32_t i = 0; i < 4 && shape.fromRegisters; ++i)
      a = (i ? a + ", " : "{") + "%a" + std::to_string(4 * step + i) + (i == 3 ? "}" : "");
    std::string majors = shape.isE4M3 ? "" : shape.transposedB ? ", 1" : ", 0";
    if (!shape.isE4M3 && !shape.fromRegisters)
      majors = (shape.transposedA ? ", 1" : ", 0") + majors;
    text += "  wgmma.mma_async.sync.aligned.m64n" + std::to_string(shape.n) +
            (shape.isE4M3  ? "k32.f32.e4m3.e4m3 {"
             : shape.isF16 ? "k16.f32.f16.f16 {"
                           : "k16.f32.bf16.bf16 {") +
            list + "}, " + a + ", %d3, " + (step ? "%p3" : "%p2") + ", " + std::to_string(shape.signA) + ", " +
            std::to_string(shape.signB) + majors + "; // PRODUCT\n";
    if (step % 2)
      text += "  wgmma.commit_group.sync.aligned;\n";
  }
  text += beforeWait + "  wgmma.wait_group.sync.aligned 1;\n  wgmma.wait_group.sync.aligned 0;\n";
  text +=
      "  mul.lo.u32 %r6, %t, " + std::to_string(4 * count) + ";\n  cvt.u64.u32 %d4, %r6;\n  add.s64 %d4, %out, %d4;\n";
  for (uint32_t i = 0; i < count; ++i)
    text += "  st.global.f32 [%d4+" + std::to_string(4 * i) + "], %c" + std::to_string(i) + ";\n";
  return text;
}

static Words tilesOf(const Shape &shape) {
  Words in((64 + 256) * 32);
  auto put = [&](uint32_t byte, float value) {
    place(in, byte, shape.isE4M3 ? toE4M3(value) : shape.isF16 ? mla::roundToF16(value) : toBF16(value));
  };
  uint32_t bytes = shape.isE4M3 ? 1 : 2;
  for (uint32_t k = 0; k < shape.k(); ++k) {
    for (uint32_t m = 0; m < 64; ++m)
      put(shape.transposedA ? k * 128 + m * 2 : m * 128 + k * bytes, shape.unit * valueOfA(m, k));
    for (uint32_t n = 0; n < shape.n; ++n)
      put(8192 + (shape.transposedB ? n / 64 * 8192 + k * 128 + n % 64 * 2 : n * 128 + k * bytes), valueOfB(n, k));
  }
  return in;
}

static const Launch warpgroup = {.threads = 128, .dynamicShared = (64 + 256) * 128};

static void checkProduct(const Shape &shape) {
  SCOPED_TRACE(std::to_string(shape.n) + (shape.transposedA ? " A" : "") + (shape.transposedB ? " B" : "") +
               (shape.fromRegisters ? " registers" : "") + (shape.isE4M3 ? " e4m3" : ""));
  uint32_t count = shape.n / 2;
  Words out = run(productBody(shape), tilesOf(shape), 128 * count, warpgroup);
  for (uint32_t t = 0; t < 128; ++t)
    for (uint32_t i = 0; i < count; ++i) {
      uint32_t m = t / 32 * 16 + t % 32 / 4 + i / 2 % 2 * 8, n = i / 4 * 8 + t % 4 * 2 + i % 2;
      float sum = shape.scale ? 3.0f : 0.0f;
      for (uint32_t k = 0; k < shape.k(); ++k) // exact
        sum += float(shape.signA * shape.signB) * shape.unit * valueOfA(m, k) * valueOfB(n, k);
      ASSERT_EQ(floatOf(out[t * count + i]), sum) << m << ", " << n;
    }
}

TEST(EmulatorProduct, AllMajorsAndWidths) {
  for (uint32_t n : {8, 16, 64, 256})
    for (bool transposedA : {false, true})
      checkProduct({.n = n, .transposedA = transposedA});
  for (uint32_t n : {64, 128, 256})
    checkProduct({.n = n, .transposedA = n == 128, .transposedB = true});
}

TEST(EmulatorProduct, AFromRegisters) {
  for (bool isE4M3 : {false, true})
    for (uint32_t n : {8, 64, 256})
      checkProduct({.n = n, .fromRegisters = true, .isE4M3 = isE4M3});
  checkProduct({.n = 64, .transposedB = true, .fromRegisters = true});
}

TEST(EmulatorProduct, E4M3OfAllWidths) {
  for (uint32_t n = 8; n <= 256; n += n < 64 ? 8 : 64)
    checkProduct({.n = n, .isE4M3 = true});
  checkProduct({.n = 16, .scale = false, .isE4M3 = true});
}

TEST(EmulatorProduct, E4M3HasSubnormals) { checkProduct({.n = 16, .isE4M3 = true, .unit = 0.001953125f}); }

TEST(EmulatorProduct, F16) {
  for (bool fromRegisters : {false, true})
    checkProduct({.n = 16, .fromRegisters = fromRegisters, .isF16 = true});
  checkProduct({.n = 64, .transposedB = true, .fromRegisters = true, .isF16 = true});
  checkProduct({.n = 16, .isF16 = true, .unit = 0.00006103515625f}); // subnormal
}

TEST(EmulatorProduct, SignsOfOperands) {
  for (bool fromRegisters : {false, true})
    for (bool isE4M3 : {false, true})
      for (int signA : {-1, 1})
        checkProduct({.n = 16, .fromRegisters = fromRegisters, .isE4M3 = isE4M3, .signA = signA, .signB = -1});
}

/// The tile with the bits of an element of A replaced: that of row 5 and column 70.
static Words withElementOfA(const Shape &shape, uint8_t bits) {
  Words in = tilesOf(shape);
  uint32_t at = swizzledByte(5 * 128 + 70);
  in[at / 4] = (in[at / 4] & ~(0xffu << (8 * (at % 4)))) | uint32_t(bits) << (8 * (at % 4));
  return in;
}

TEST(EmulatorProduct, NaNAndTheLargestOfE4M3) {
  Shape shape = {.n = 8, .isE4M3 = true};
  for (bool fromRegisters : {false, true}) {
    shape.fromRegisters = fromRegisters;
    for (uint8_t bits : {0x7f, 0xff, 0x7e, 0xfe}) {
      Words out = run(productBody(shape), withElementOfA(shape, bits), 512, warpgroup);
      uint32_t t = 5 * 4, i = 0; // row 5, column 0
      float value = bits == 0x7e ? 448.0f : -448.0f, sum = 3;
      for (uint32_t k = 0; k < 128; ++k)
        sum += (k == 70 ? value : valueOfA(5, k)) * valueOfB(0, k);
      float result = floatOf(out[t * 4 + i]);
      if ((bits & 0x7f) == 0x7f)
        EXPECT_TRUE(std::isnan(result)) << result;
      else
        EXPECT_EQ(result, sum);
      EXPECT_FALSE(std::isnan(floatOf(out[(t + 4) * 4]))); // row 6
    }
  }
}

TEST(EmulatorProduct, UndefinedElementsMakeTheirRowsUndefined) {
  // Rows of 128 bytes: all but row 5 of A are written.
  Shape shape = {.n = 8, .isE4M3 = true};
  std::string body = productBody(shape), fill = "st.shared.b32 [%r3], %r4;";
  body.replace(body.find(fill), fill.size(),
               "shr.u32 %r5, %r2, 5;\n  setp.ne.b32 %p5, %r5, 5;\n  @%p5 st.shared.b32 [%r3], %r4;");
  std::string branch = "\n  setp.ne.b32 %p4, %t, THREAD;\n  @%p4 bra END;\n  setp.gt.f32 %p5, %c0, 0f00000000;\n"
                       "  @%p5 bra END; // HERE\nEND:\n";
  auto with = [&](const std::string &thread) {
    std::string text = branch;
    return body + text.replace(text.find("THREAD"), 6, thread);
  };
  expectFault(FaultKind::Uninitialized, with("20"), {"the predicate"}, warpgroup, tilesOf(shape), 512); // row 5
  run(with("24"), tilesOf(shape), 512, warpgroup);                                                      // row 6
}

TEST(EmulatorProduct, ScaleOfZeroForgetsTheAccumulators) { checkProduct({.n = 16, .scale = false}); }

TEST(EmulatorProductFault, RegisterWrittenWithoutAFence) {
  Shape shape = {.n = 8};
  expectFault(FaultKind::ProductFence, productBody(shape, ""), {"wgmma.mma_async", "wgmma.fence"}, warpgroup,
              tilesOf(shape), 512);
}

TEST(EmulatorProductFault, AccumulatorTouchedBeforeWait) {
  Shape shape = {.n = 8};
  expectFault(FaultKind::ProductPending,
              productBody(shape, "wgmma.fence.sync.aligned;", "  add.f32 %f1, %c1, %c1; // HERE\n"),
              {"warp ", "wgmma.wait_group"}, warpgroup, tilesOf(shape), 512);
}

TEST(EmulatorProductFault, OperandOverwrittenBeforeWait) {
  Shape shape = {.n = 8};
  expectFault(FaultKind::Race,
              productBody(shape, "wgmma.fence.sync.aligned;",
                          "  setp.lt.u32 %p4, %t, 32; // rows of warp 0\n  @%p4 st.shared.b32 [%r1], 0; // HERE\n"),
              {"a wgmma of warp", "0x400"}, warpgroup, tilesOf(shape), 512);
}

TEST(EmulatorProductFault, SwizzleThatIsNotEmulated) {
  Shape shape = {.n = 8};
  std::string body = productBody(shape);
  body.replace(body.find("mov.b64 %d2, "), 13, "mov.b64 %d2, 0; // ");
  expectFault(FaultKind::Unsupported, body, {"the descriptor's swizzle is 0"}, warpgroup, tilesOf(shape), 512);
}

TEST(EmulatorProductFault, RegistersOfAInFlight) {
  for (bool isE4M3 : {false, true}) {
    Shape shape = {.n = 8, .fromRegisters = true, .isE4M3 = isE4M3};
    expectFault(FaultKind::ProductPending,
                productBody(shape, "wgmma.fence.sync.aligned;", "  mov.b32 %a5, 0; // HERE\n"), {"wgmma.wait_group"},
                warpgroup, tilesOf(shape), 512);
  }
}

TEST(EmulatorProductFault, MatrixOutsideOfSharedMemory) {
  Shape shape = {.n = 256, .isE4M3 = true};
  std::string body = productBody(shape);
  // B's 8 rows are 16 KiB apart.
  uint64_t start = (SharedMemory::base + 8192) >> 4 | uint64_t(16384 >> 4) << 32 | uint64_t(1) << 62;
  body.replace(body.find("mov.b64 %d3, "), 13, "mov.b64 %d3, " + std::to_string(start) + "; // ");
  expectFault(FaultKind::OutOfBounds, body, {"the descriptor's matrix"}, warpgroup, tilesOf(shape), 512);
}

TEST(EmulatorProductFault, FormsThatAreNone) {
  auto expectError = [](const std::string &tail, const std::string &part) {
    std::string error = loadError(moduleOf("wgmma.mma_async.sync.aligned." + tail + ";"));
    EXPECT_NE(error.find(part), error.npos) << error;
  };
  std::string d = " {%f1, %f2, %f3, %f4}, ";
  expectError("m64n8k16.f32.e4m3.e4m3" + d + "%d1, %d2, %p1, 1, 1", "this form is not emulated");
  expectError("m64n8k32.f32.bf16.bf16" + d + "%d1, %d2, %p1, 1, 1, 0, 0", "this form is not emulated");
  expectError("m64n8k32.f32.e4m3.e5m2" + d + "%d1, %d2, %p1, 1, 1", "this form is not emulated");
  expectError("m64n8k32.f16.e4m3.e4m3" + d + "%d1, %d2, %p1, 1, 1", "this form is not emulated");
  expectError("m64n12k32.f32.e4m3.e4m3" + d + "%d1, %d2, %p1, 1, 1", "this form is not emulated");
  expectError("m64n8k32.f32.e4m3.e4m3" + d + "%d1, %d2, %p1, 1, 1, 0, 0", "expected 6 operands, got 8");
  expectError("m64n8k32.f32.e4m3.e4m3" + d + "{%r1, %r2}, %d2, %p1, 1, 1", "4 registers of A");
  expectError("m64n8k32.f32.e4m3.e4m3" + d + "%d1, %d2, %p1, 1, 2", "expected scales 1 or -1");
  expectError("m64n8k16.f32.bf16.bf16" + d + "%d1, %d2, %p1, 0, 1, 0, 0", "expected scales 1 or -1");
}
