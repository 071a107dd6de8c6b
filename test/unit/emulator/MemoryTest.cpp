//===- MemoryTest.cpp - Loads, stores, atomics, matrices ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

using namespace mla::emulator;

static Words counting(size_t count, uint32_t first = 0x03020100) {
  Words words(count);
  for (size_t i = 0; i < count; ++i)
    words[i] = first + static_cast<uint32_t>(i) * 0x04040404;
  return words;
}

/// Through global and through shared memory: the value loaded from %d1 goes to %d2 or %r8, then back to the output.
static void checkVector(const std::string &type, unsigned bytes, const std::string &registers) {
  SCOPED_TRACE(type);
  std::string size = std::to_string(bytes);
  Words in = counting(bytes * 32 / 4);
  EXPECT_EQ(run("mul.lo.u32 %r8, %t, " + size + R"(;
  cvt.u64.u32 %d3, %r8;
  add.s64 %d1, %in, %d3;
  add.s64 %d2, %out, %d3;
  mov.u32 %r9, dynamic;
  add.s32 %r9, %r9, %r8;
  ld.global)" + type +
                    " " + registers + ", [%d1];\nst.shared" + type + " [%r9], " + registers + ";\nld.shared" + type +
                    " " + registers + ", [%r9];\nst.global" + type + " [%d2], " + registers + ";",
                in, in.size(), {.dynamicShared = 1024}),
            in);
}

TEST(EmulatorMemory, LoadsAndStoresOfAllWidths) {
  checkVector(".b8", 1, "%h1");
  checkVector(".b16", 2, "%h1");
  checkVector(".b32", 4, "%r1");
  checkVector(".f32", 4, "%f1");
  checkVector(".b64", 8, "%d9");
  checkVector(".v2.b8", 2, "{%h1, %h2}");
  checkVector(".v4.b8", 4, "{%h1, %h2, %h3, %h4}");
  checkVector(".v2.b16", 4, "{%h1, %h2}");
  checkVector(".v4.b16", 8, "{%h1, %h2, %h3, %h4}");
  checkVector(".v2.b32", 8, "{%r1, %r2}");
  checkVector(".v4.b32", 16, "{%r1, %r2, %r3, %r4}");
  checkVector(".v2.b64", 16, "{%d9, %d10}");
}

TEST(EmulatorMemory, WiderRegistersAreExtended) {
  Words out = run(R"(
  ld.global.u8 %r1, [%in];
  ld.global.s8 %r2, [%in];
  ld.global.u16 %r3, [%in];
  ld.global.s16 %r4, [%in];
  ld.global.u32 %d1, [%in];
  ld.global.s32 %d2, [%in];
  mov.b64 {%r5, %r6}, %d1;
  mov.b64 {%r7, %r8}, %d2;
  st.global.v4.b32 [%out], {%r1, %r2, %r3, %r4};
  st.global.v4.b32 [%out+16], {%r5, %r6, %r7, %r8};)",
                  {0x8000fff0}, 8, {.threads = 1});
  EXPECT_EQ(out, (Words{0xf0, 0xfffffff0, 0xfff0, 0xfffffff0, 0x8000fff0, 0, 0x8000fff0, 0xffffffff}));
}

TEST(EmulatorMemory, ElementsOfAVectorMayBeLeftOut) {
  Words out = run("ld.global.v2.b64 {_, %d1}, [%in];\nst.global.b64 [%out], %d1;\n"
                  "ld.global.v4.b32 {%r1, _, %r2, _}, [%in];\nst.global.v2.b32 [%out+8], {%r2, %r1};",
                  counting(4), 4, {.threads = 1});
  Words in = counting(4);
  EXPECT_EQ(out, (Words{in[2], in[3], in[2], in[0]}));
}

TEST(EmulatorMemory, AtomicAdditionsOfAllBlocksCount) {
  Words out = run(R"(
  bra.uni START;
START:
  setp.ne.b32 %p1, %g, 0;
  atom.global.add.u32 %r1, [%in], 1;
  atom.relaxed.gpu.global.add.s32 %r2, [%in+4], %t;
  setp.lt.u32 %p1, %r1, 320;
  selp.b32 %r3, 1, 0, %p1;
  st.global.b32 [%to], %r3;)",
                  Words{0, 0}, 320, {.threads = 32, .blocks = 10});
  EXPECT_EQ(out, Words(320, 1)); // each got a value of its own below 320
}

TEST(EmulatorMemory, LoadMatrixDistributesRowsAndColumns) {
  for (bool isTransposed : {false, true}) {
    SCOPED_TRACE(isTransposed);
    std::string trans = isTransposed ? ".trans" : "";
    // 32 rows of 8 elements; element (r, c) is 8 r + c.
    Words out = run(R"(
  mov.u32 %r1, dynamic;
  shl.b32 %r2, %t, 4;
  add.s32 %r1, %r1, %r2;
  mul.lo.u32 %r3, %t, 0x00080008;
  add.s32 %r4, %r3, 0x00010000;
  add.s32 %r5, %r3, 0x00030002;
  add.s32 %r6, %r3, 0x00050004;
  add.s32 %r7, %r3, 0x00070006;
  st.shared.v4.b32 [%r1], {%r4, %r5, %r6, %r7};
  bar.sync 0;
  ldmatrix.sync.aligned.m8n8.x4)" +
                        trans + R"(.shared.b16 {%r8, %r9, %r10, %r11}, [%r1];
  shl.b32 %r2, %t, 4;
  cvt.u64.u32 %d1, %r2;
  add.s64 %d1, %out, %d1;
  st.global.v4.b32 [%d1], {%r8, %r9, %r10, %r11};)",
                    {}, 128, {.dynamicShared = 512});
    for (uint32_t lane = 0; lane < 32; ++lane)
      for (uint32_t m = 0; m < 4; ++m)
        for (uint32_t e = 0; e < 2; ++e) {
          uint32_t row = lane / 4, column = lane % 4 * 2 + e;
          if (isTransposed)
            std::swap(row, column);
          EXPECT_EQ(out[4 * lane + m] >> (16 * e) & 0xffff, 8 * (8 * m + row) + column) << lane;
        }
  }
}

TEST(EmulatorMemory, StoreMatrixIsTheInverseOfLoadMatrix) {
  for (std::string trans : {"", ".trans"}) {
    SCOPED_TRACE(trans);
    Words out = run(R"(
  mov.u32 %r1, dynamic;
  shl.b32 %r2, %t, 4;
  add.s32 %r1, %r1, %r2;
  add.s32 %r4, %t, 0x00010000;
  add.s32 %r5, %t, 0x00030000;
  add.s32 %r6, %t, 0x00050000;
  add.s32 %r7, %t, 0x00070000;
  stmatrix.sync.aligned.m8n8.x4)" +
                        trans +
                        R"(.shared.b16 [%r1], {%r4, %r5, %r6, %r7};
  bar.sync 0;
  ldmatrix.sync.aligned.m8n8.x4)" +
                        trans +
                        R"(.shared.b16 {%r8, %r9, %r10, %r11}, [%r1];
  shl.b32 %r2, %t, 4;
  cvt.u64.u32 %d1, %r2;
  add.s64 %d1, %out, %d1;
  st.global.v4.b32 [%d1], {%r8, %r9, %r10, %r11};)",
                    {}, 128, {.dynamicShared = 512});
    for (uint32_t i = 0; i < 128; ++i)
      EXPECT_EQ(out[i], i / 4 + 0x00010000 * (2 * (i % 4) + 1)) << i;
  }
}

TEST(EmulatorMemory, AddressesOfMatricesThatAreNotLoadedDoNotMatter) {
  Words out = run(R"(
  mov.u32 %r1, dynamic;
  shl.b32 %r2, %t, 2;
  add.s32 %r3, %r1, %r2;
  st.shared.b32 [%r3], %t;
  bar.sync 0;
  setp.ge.u32 %p1, %t, 8;
  @%p1 bra LOAD;
  shl.b32 %r2, %t, 4;
  add.s32 %r4, %r1, %r2;
LOAD:
  ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r5}, [%r4];
  st.global.b32 [%to], %r5;)",
                  {}, 32, {.dynamicShared = 128});
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(out[t], t);
}

TEST(EmulatorMemory, StaticSharedMemoryOfModuleAndKernelDoNotOverlap) {
  std::string text = ".version 8.3\n.target sm_90a\n.address_size 64\n.shared .align 4 .b8 outer[128];\n"
                     ".extern .shared .align 16 .b8 dynamic[];\n.visible .entry kernel(.param .b64 out) {\n"
                     "  .shared .align 8 .b8 inner[12];\n  .reg .b32 %r<4>;\n  .reg .b64 %d<2>;\n"
                     "  ld.param.b64 %d1, [out];\n  mov.u32 %r1, inner;\n  mov.u32 %r2, outer;\n"
                     "  mov.u32 %r3, dynamic;\n  st.global.b32 [%d1], %r1;\n  st.global.b32 [%d1+4], %r2;\n"
                     "  st.global.b32 [%d1+8], %r3;\n  ret;\n}\n";
  LoadedModule module(text);
  ASSERT_EQ(module.error, "");
  const Program &program = module.programs["kernel"];
  Buffer out(12);
  LaunchRequest request;
  request.program = &program;
  request.parameters.resize(8);
  std::memcpy(request.parameters.data(), &out.address, 8);
  Settings settings;
  Grid grid(request, settings, 0);
  grid.run();
  ASSERT_FALSE(grid.fault()) << grid.fault()->message();
  Words at = out.words();
  EXPECT_EQ(at[0] % 8, 0u);
  EXPECT_TRUE(at[1] >= at[0] + 12 || at[0] >= at[1] + 128);
  EXPECT_GE(at[2], std::max(at[0] + 12, at[1] + 128));
  EXPECT_EQ(at[2] % 16, 0u);
  EXPECT_GE(program.staticShared, at[1] + 128 - SharedMemory::base);
}
