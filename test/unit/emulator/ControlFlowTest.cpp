//===- ControlFlowTest.cpp - Divergence and reconvergence -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

using namespace mla::emulator;

TEST(EmulatorControlFlow, NestedBranchesMeetAgain) {
  Words out = run(R"(
  mov.b32 %r1, 0;
  and.b32 %r2, %t, 1;
  setp.eq.b32 %p1, %r2, 0;
  @%p1 bra EVEN;
  add.s32 %r1, %r1, 1;
  setp.gt.u32 %p2, %t, 15;
  @%p2 bra HIGH;
  add.s32 %r1, %r1, 10;
  bra.uni INNER;
HIGH:
  add.s32 %r1, %r1, 20;
INNER:
  vote.sync.ballot.b32 %r3, %p2, 0xaaaaaaaa;
  bra JOIN;
EVEN:
  add.s32 %r1, %r1, 100;
  mov.b32 %r3, 0;
JOIN:
  redux.sync.add.u32 %r4, %r1, 0xffffffff;
  xor.b32 %r4, %r4, %r3;
  add.s32 %r4, %r4, %r1;
  st.global.b32 [%to], %r4;)",
                  {}, 32);
  uint32_t sum = 16 * 100 + 8 * 11 + 8 * 21;
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(out[t], t % 2 ? (sum ^ 0xaaaa0000) + (t > 15 ? 21 : 11) : sum + 100) << t;
}

TEST(EmulatorControlFlow, LoopsWithOwnCountsMeetAgain) {
  Words out = run(R"(
  mov.b32 %r1, 0;
  mov.b32 %r2, 0;
LOOP:
  setp.ge.u32 %p1, %r1, %t;
  @%p1 bra END;
  add.s32 %r1, %r1, 1;
  and.b32 %r3, %r1, 3;
  setp.eq.b32 %p2, %r3, 0;
  @%p2 bra LOOP;
  add.s32 %r2, %r2, %r1;
  bra LOOP;
END:
  shfl.sync.idx.b32 %r4, %r2, 31, 31, 0xffffffff;
  add.s32 %r4, %r4, %r2;
  st.global.b32 [%to], %r4;)",
                  {}, 32);
  auto sum = [](uint32_t t) {
    uint32_t s = 0;
    for (uint32_t i = 1; i <= t; ++i)
      s += i % 4 ? i : 0;
    return s;
  };
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(out[t], sum(t) + sum(31)) << t;
}

TEST(EmulatorControlFlow, OthersGoOnWhenSomeThreadsExit) {
  Words out = run(R"(
  and.b32 %r1, %t, 3;
  setp.eq.b32 %p1, %r1, 1;
  @%p1 exit;
  setp.eq.b32 %p1, %r1, 2;
  @!%p1 bra STAY;
  st.global.b32 [%to], 5;
  ret;
STAY:
  redux.sync.add.u32 %r2, 1, 0x99999999;
  st.global.b32 [%to], %r2;)",
                  {}, 32);
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(out[t], t % 4 == 1 ? 0xffffffff : t % 4 == 2 ? 5 : 16) << t;
}

TEST(EmulatorControlFlow, TableBranchesGoToTheirEntries) {
  Words out = run(R"(
  and.b32 %r1, %t, 3;
TABLE: .branchtargets L0, L1, L2, L1;
  setp.lt.u32 %p1, %t, 28;
  mov.b32 %r2, 7;
  @%p1 brx.idx %r1, TABLE;
  bra JOIN;
L0:
  mov.b32 %r2, 10;
  bra JOIN;
L1:
  mov.b32 %r2, 11;
  bra JOIN;
L2:
  mov.b32 %r2, 12;
JOIN:
  redux.sync.add.u32 %r3, 1, 0xffffffff;
  add.s32 %r2, %r2, %r3;
  st.global.b32 [%to], %r2;)",
                  {}, 32);
  const uint32_t expected[] = {10, 11, 12, 11};
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(out[t], 32 + (t < 28 ? expected[t % 4] : 7)) << t;
}

TEST(EmulatorControlFlow, AlignedInstructionThatNoThreadExecutesIsSkipped) {
  Words out = run(R"(
  setp.gt.u32 %p1, %t, 1000;
  @%p1 bar.sync 0;
  st.global.b32 [%to], %t;)",
                  {}, 64, {.threads = 64});
  for (uint32_t t = 0; t < 64; ++t)
    EXPECT_EQ(out[t], t);
}

TEST(EmulatorControlFlow, ScopesHaveRegistersAndLabelsOfTheirOwn) {
  Words out = run(R"(
  mov.b32 %r1, 1;
  {
    .reg .b32 %r1;
    mov.b32 %r1, 2;
    setp.eq.b32 %p1, %r1, 2;
    @%p1 bra L;
    mov.b32 %r1, 3;
  L:
    mov.b32 %r2, %r1;
  }
  {
    setp.eq.b32 %p1, %t, 0;
    @%p1 bra L;
    add.s32 %r2, %r2, 10;
  L:
    @%p1 bra OUT;
  }
  add.s32 %r2, %r2, 100;
OUT:
  add.s32 %r2, %r2, %r1;
  st.global.b32 [%to], %r2;)",
                  {}, 32);
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(out[t], t ? 113u : 3u);
}
