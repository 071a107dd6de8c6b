//===- WarpTest.cpp - Exchange between the lanes of a warp ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

using namespace mla::emulator;

namespace {
struct Shuffled {
  uint32_t lane;
  bool isInside;
};
} // namespace

/// The pseudocode of PTX ISA 8.6, 9.7.9.6.
static Shuffled shuffled(const std::string &mode, int lane, int b, int c) {
  int segment = c >> 8 & 31, clamp = c & 31, j = 0;
  int most = (lane & segment) | (clamp & ~segment), least = lane & segment;
  if (mode == "up")
    j = lane - b;
  if (mode == "down")
    j = lane + b;
  if (mode == "bfly")
    j = lane ^ b;
  if (mode == "idx")
    j = least | (b & ~segment);
  bool isInside = mode == "up" ? j >= most : j <= most;
  return {static_cast<uint32_t>(isInside ? j : lane), isInside};
}

TEST(EmulatorWarp, ShuffleReadsWithinItsSegment) {
  for (std::string mode : {"up", "down", "bfly", "idx"})
    for (int c : {31, 0, 0x181f, 0x1c1f, 0x1800, 0x1c03, 15, 0x100f})
      for (int b : {0, 1, 2, 5, 8, 16, 31}) {
        std::string operands = std::to_string(b) + ", " + std::to_string(c);
        SCOPED_TRACE(mode + " " + operands);
        Words out = run("add.s32 %r1, %t, 100;\nshfl.sync." + mode + ".b32 %r2|%p1, %r1, " + operands +
                            ", 0xffffffff;\nselp.b32 %r3, 1000, 0, %p1;\nadd.s32 %r2, %r2, %r3;\n"
                            "st.global.b32 [%to], %r2;",
                        {}, 32);
        for (int lane = 0; lane < 32; ++lane) {
          Shuffled expected = shuffled(mode, lane, b, c);
          ASSERT_EQ(out[lane], 100 + expected.lane + (expected.isInside ? 1000 : 0)) << lane;
        }
      }
}

TEST(EmulatorWarp, ShuffleTakesTheLaneFromEachThread) {
  Words out = run("sub.s32 %r1, 31, %t;\nshfl.sync.idx.b32 %r2, %t, %r1, 31, -1;\nst.global.b32 [%to], %r2;", {}, 32);
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(out[t], 31 - t);
}

TEST(EmulatorWarp, VoteSeesItsMembersOnly) {
  Words out = run(R"(
  setp.gt.u32 %p1, %t, 20;
  setp.lt.u32 %p2, %t, 24;
  mov.b32 %r1, 0;
  @%p2 vote.sync.ballot.b32 %r1, %p1, 0x00ffffff;
  st.global.b32 [%to], %r1;)",
                  {}, 32);
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(out[t], t < 24 ? 0x00e00000u : 0u);
}

TEST(EmulatorWarp, Reductions) {
  Words in(32);
  for (uint32_t t = 0; t < 32; ++t)
    in[t] = (t * 2654435761u) ^ (t % 3 ? 0x80000000 : 0);
  auto reduce = [&](const char *operation) {
    return run("ld.global.b32 %r1, [%from];\nredux.sync." + std::string(operation) +
                   " %r2, %r1, 0xffffffff;\nst.global.b32 [%to], %r2;",
               in, 32)[17];
  };
  uint32_t sum = 0;
  for (uint32_t value : in)
    sum += value;
  auto less = [](uint32_t a, uint32_t b) { return int32_t(a) < int32_t(b); };
  EXPECT_EQ(reduce("add.s32"), sum);
  EXPECT_EQ(reduce("add.u32"), sum);
  EXPECT_EQ(reduce("max.u32"), *std::max_element(in.begin(), in.end()));
  EXPECT_EQ(reduce("min.u32"), *std::min_element(in.begin(), in.end()));
  EXPECT_EQ(reduce("max.s32"), *std::max_element(in.begin(), in.end(), less));
  EXPECT_EQ(reduce("min.s32"), *std::min_element(in.begin(), in.end(), less));
}

TEST(EmulatorWarp, ElectChoosesOneThread) {
  Words out = run(R"(
  elect.sync %r1|%p1, 0xffffffff;
  selp.b32 %r2, 1, 0, %p1;
  redux.sync.add.u32 %r3, %r2, 0xffffffff;
  bar.warp.sync 0xffffffff;
  st.global.b32 [%to], %r3;)",
                  {}, 32);
  EXPECT_EQ(out, Words(32, 1));
}
