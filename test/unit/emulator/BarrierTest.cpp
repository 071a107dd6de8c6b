//===- BarrierTest.cpp - Barriers of a block ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"
using namespace mla::emulator;

TEST(EmulatorBarrier, NamedBarriersOrderProducerAndConsumer) {
  // Warps 2 and 3 write and arrive; warps 0 and 1 wait, then read what they wrote.
  Words out = run(R"(
  mov.u32 %r1, dynamic;
  setp.lt.u32 %p1, %t, 64;
  @%p1 bra CONSUME;
  sub.s32 %r2, %t, 64;
  shl.b32 %r3, %r2, 2;
  add.s32 %r3, %r1, %r3;
  mul.lo.s32 %r4, %r2, 3;
  st.shared.b32 [%r3], %r4;
  bar.arrive 5, 128;
  ret;
CONSUME:
  bar.sync 5, 128;
  sub.s32 %r2, 63, %t;
  shl.b32 %r3, %r2, 2;
  add.s32 %r3, %r1, %r3;
  ld.shared.b32 %r4, [%r3];
  st.global.b32 [%to], %r4;)",
                  {}, 64, {.threads = 128, .dynamicShared = 256});
  for (uint32_t t = 0; t < 64; ++t)
    EXPECT_EQ(out[t], 3 * (63 - t));
}

/// Two stages between a producer and a consumer warp, four rounds: phases alternate.
static std::string pipeline(const std::string &wait) {
  return R"(
  mov.u32 %r1, dynamic;
  setp.ne.b32 %p1, %t, 0;
  @%p1 bra READY;
  mbarrier.init.shared::cta.b64 [%r1], 32;
  mbarrier.init.shared::cta.b64 [%r1+8], 32;
READY:
  bar.sync 0;
  mov.b32 %r2, 0;
  and.b32 %r9, %t, 31;
  shl.b32 %r8, %r9, 2;
  add.s32 %r8, %r8, %r1;
  setp.ge.u32 %p2, %t, 32;
  @%p2 bra CONSUMER;
PRODUCER:
  and.b32 %r3, %r2, 1;
  xor.b32 %r4, %r3, 1;
EMPTY:
  )" + wait +
         R"( %p3, [%r1+8], %r4;
  @!%p3 bra EMPTY;
  mad.lo.s32 %r5, %r2, 100, %t;
  st.shared.b32 [%r8+64], %r5;
  mbarrier.arrive.shared::cta.b64 _, [%r1];
  add.s32 %r2, %r2, 1;
  setp.lt.u32 %p4, %r2, 4;
  @%p4 bra PRODUCER;
  ret;
CONSUMER:
  and.b32 %r3, %r2, 1;
FULL:
  )" + wait +
         R"( %p3, [%r1], %r3;
  @!%p3 bra FULL;
  ld.shared.b32 %r5, [%r8+64];
  mbarrier.arrive.shared::cta.b64 _, [%r1+8];
  shl.b32 %r6, %r2, 7;
  cvt.u64.u32 %d1, %r6;
  add.s64 %d1, %to, %d1;
  st.global.b32 [%d1+-128], %r5;
  add.s32 %r2, %r2, 1;
  setp.lt.u32 %p4, %r2, 4;
  @%p4 bra CONSUMER;)";
}

TEST(EmulatorBarrier, PhasesOfMbarriersPassDataOn) {
  for (std::string wait : {"mbarrier.try_wait.parity.shared::cta.b64", "mbarrier.test_wait.parity.shared::cta.b64"}) {
    SCOPED_TRACE(wait);
    Words out = run(pipeline(wait), {}, 128, {.threads = 64, .dynamicShared = 256});
    for (uint32_t i = 0; i < 128; ++i)
      EXPECT_EQ(out[i], i / 32 * 100 + i % 32);
  }
}

TEST(EmulatorBarrier, InvalidatedMbarriersDoNotShareTheirNumbers) {
  // B stays; A is invalidated, and C initialized after it.
  Words out = run(R"(
  mov.u32 %r1, dynamic;
  setp.ne.b32 %p1, %t, 0;
  @%p1 bra END;
  mbarrier.init.shared::cta.b64 [%r1], 1;
  mbarrier.init.shared::cta.b64 [%r1+8], 1;
  mbarrier.arrive.shared::cta.b64 _, [%r1+8];
  mbarrier.arrive.shared::cta.b64 _, [%r1+8];
  mbarrier.inval.shared::cta.b64 [%r1];
  mbarrier.init.shared::cta.b64 [%r1], 1;
  mbarrier.arrive.shared::cta.b64 _, [%r1];
  mbarrier.test_wait.parity.shared::cta.b64 %p2, [%r1], 0;
  mbarrier.test_wait.parity.shared::cta.b64 %p3, [%r1+8], 1;
  selp.b32 %r2, 1, 0, %p2;
  selp.b32 %r3, 2, 0, %p3;
  add.s32 %r2, %r2, %r3;
  st.global.b32 [%out], %r2;
END:)",
                  {}, 1, {.dynamicShared = 64});
  EXPECT_EQ(out[0], 3u);
}
