//===- ProductTest.cpp - wgmma against sums of the host -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"
using namespace mla::emulator;

/// Tiles of bf16 in shared memory in 128-byte rows, swizzled: A has 64 rows of 64, B 256 of 64. Both are copied from
/// the input, which the test swizzles.
static uint32_t swizzledByte(uint32_t byte) { return byte ^ (byte >> 7 & 7) << 4; }

static uint16_t toBF16(float value) { return static_cast<uint16_t>(bitsOf(value) >> 16); } // small integers

static void place(Words &in, uint32_t byte, float value) {
  uint32_t at = swizzledByte(byte);
  in[at / 4] |= uint32_t(toBF16(value)) << (8 * (at % 4));
}

static float valueOfA(uint32_t m, uint32_t k) { return float(int(m * 7 + k * 3) % 11 - 5); }
static float valueOfB(uint32_t n, uint32_t k) { return float(int(n * 5 + k * 2) % 13 - 6); }

namespace {
struct Shape {
  uint32_t n;
  bool transposedA = false, transposedB = false, fromRegisters = false;
  bool scale = true; ///< scale-d of the first product.
};
} // namespace

/// K is 64: four products of a chain, two groups. Accumulators start at 3.
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
  // Fragments of A: row of %r5 + lane / 4, columns from lane % 4 * 2 on, read with the swizzle.
  text += "  " + fence + "\n";
  for (uint32_t step = 0; step < 4; ++step) {
    // K-major: 1024 from 8 rows to the next, 32 bytes on by step. MN-major: 16 rows of k are 2048 bytes.
    auto descriptor = [&](uint32_t base, bool transposed, uint32_t leading) {
      uint64_t start = SharedMemory::base + base + step * (transposed ? 2048 : 32);
      return std::to_string(start >> 4 | uint64_t(leading >> 4) << 16 | uint64_t(1024 >> 4) << 32 | uint64_t(1) << 62);
    };
    text += "  mov.b64 %d2, " + descriptor(0, shape.transposedA, 8192) + ";\n  mov.b64 %d3, " +
            descriptor(8192, shape.transposedB, 8192) + ";\n";
    text += "  wgmma.mma_async.sync.aligned.m64n" + std::to_string(shape.n) + "k16.f32.bf16.bf16 {" + list +
            "}, %d2, %d3, " + (step ? "%p3" : "%p2") + ", 1, 1, " + (shape.transposedA ? "1, " : "0, ") +
            (shape.transposedB ? "1;" : "0;") + " // PRODUCT\n";
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
  for (uint32_t k = 0; k < 64; ++k) {
    for (uint32_t m = 0; m < 64; ++m)
      place(in, shape.transposedA ? k * 128 + m * 2 : m * 128 + k * 2, valueOfA(m, k));
    for (uint32_t n = 0; n < shape.n; ++n)
      place(in, 8192 + (shape.transposedB ? n / 64 * 8192 + k * 128 + n % 64 * 2 : n * 128 + k * 2), valueOfB(n, k));
  }
  return in;
}

static const Launch warpgroup = {.threads = 128, .dynamicShared = (64 + 256) * 128};

static void checkProduct(const Shape &shape) {
  SCOPED_TRACE(std::to_string(shape.n) + (shape.transposedA ? " A" : "") + (shape.transposedB ? " B" : ""));
  uint32_t count = shape.n / 2;
  Words out = run(productBody(shape), tilesOf(shape), 128 * count, warpgroup);
  for (uint32_t t = 0; t < 128; ++t)
    for (uint32_t i = 0; i < count; ++i) {
      uint32_t m = t / 32 * 16 + t % 32 / 4 + i / 2 % 2 * 8, n = i / 4 * 8 + t % 4 * 2 + i % 2;
      float sum = shape.scale ? 3.0f : 0.0f;
      for (uint32_t k = 0; k < 64; ++k)
        sum += valueOfA(m, k) * valueOfB(n, k); // integers: exact
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
