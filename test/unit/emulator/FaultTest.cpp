//===- FaultTest.cpp - What is undefined is reported ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"
using namespace mla::emulator;

/// Each fault has a correct variant, which must pass under every policy.
static void expectNoFault(const std::string &body, const Launch &launch = {}, const Words &in = Words(64, 7)) {
  run(body, in, 64, launch);
}

/// Returns the body with every `what` replaced.
static std::string with(std::string body, const std::string &what, const std::string &by) {
  for (size_t at = body.find(what); at != body.npos; at = body.find(what, at + by.size()))
    body.replace(at, what.size(), by);
  return body;
}

static const Launch twoWarps = {.threads = 64, .dynamicShared = 4096};

TEST(EmulatorFault, ReadBehindAnAllocation) {
  std::string body = "ld.global.b32 %r1, [%from+OFFSET]; // HERE\nst.global.b32 [%to], %r1;";
  std::string text = expectFault(FaultKind::OutOfBounds, with(body, "OFFSET", "132"),
                                 {"block (0, 0, 0), warp 0, lane 31", "reads 4 bytes at 0x",
                                  "bytes behind the end of an allocation of 256 bytes"});
  expectNoFault(with(body, "OFFSET", "128"));
}

TEST(EmulatorFault, WriteBehindAnAllocation) {
  std::string body = "st.global.v2.b32 [%out+OFFSET], {%r1, %t}; // HERE";
  expectFault(FaultKind::OutOfBounds, "mov.b32 %r1, 1;\n" + with(body, "OFFSET", "256"),
              {"warp 0, lane 0", "writes 8 bytes at 0x", "an allocation of 256 bytes"});
  expectFault(FaultKind::OutOfBounds, "mov.b32 %r1, 1;\n" + with(body, "OFFSET", "-8"), {"writes 8 bytes"});
  expectNoFault("mov.b32 %r1, 1;\n" + with(body, "OFFSET", "248"));
}

TEST(EmulatorFault, SharedAccessBehindTheBlocksMemory) {
  std::string body = "mov.u32 %r1, dynamic;\nst.shared.b32 [%r1+OFFSET], %t; // HERE";
  expectFault(FaultKind::OutOfBounds, with(body, "OFFSET", "128"),
              {"warp 0, lane 0", "shared address 0x480 is outside of the block's 128 bytes from 0x400 on"},
              {.dynamicShared = 128});
  expectNoFault(with(body, "OFFSET", "124"), {.dynamicShared = 128});
}

TEST(EmulatorFault, MisalignedAccessNamesTheAddress) {
  std::string body = "mov.u32 %r1, dynamic;\nst.shared.v2.b32 [%r1+OFFSET], {%t, %t}; // HERE";
  expectFault(FaultKind::Misaligned, with(body, "OFFSET", "4"), {"warp 0, lane 0", "0x404; expected a multiple of 8"},
              {.dynamicShared = 128});
  expectNoFault(with(body, "OFFSET", "8"), {.dynamicShared = 128});
  expectFault(FaultKind::Misaligned, "ld.global.b32 %r1, [%from+2]; // HERE", {"lane 0", "expected a multiple of 4"});
}

TEST(EmulatorFault, BranchOnMemoryThatNobodyWrote) {
  std::string body = "mov.u32 %r1, dynamic;\nSTORE\nld.shared.b32 %r2, [%r1];\nsetp.eq.b32 %p1, %r2, 0;\n"
                     "@%p1 bra END; // HERE\nst.global.b32 [%to], %r2;\nEND:";
  expectFault(FaultKind::Uninitialized, with(body, "STORE", ""), {"warp 0, lane 0", "the predicate"},
              {.dynamicShared = 128});
  expectNoFault(with(body, "STORE", "st.shared.b32 [%r1], %t;"), {.dynamicShared = 128});
}

TEST(EmulatorFault, AddressFromARegisterThatNobodyWrote) {
  std::string body = "SET\nadd.s64 %d2, %out, %d1;\nst.global.b32 [%d2], %t; // HERE";
  expectFault(FaultKind::Uninitialized, with(body, "SET", ""), {"warp 0, lane 0", "the address"});
  expectNoFault(with(body, "SET", "mov.b64 %d1, 8;"));
}

static const char *const exchange = R"(
  mov.u32 %r1, dynamic;
  shl.b32 %r2, %t, 2;
  add.s32 %r2, %r1, %r2;
  st.shared.b32 [%r2], %t;  // WRITE
  BARRIER
  xor.b32 %r3, %t, 32;
  shl.b32 %r3, %r3, 2;
  add.s32 %r3, %r1, %r3;
  ld.shared.b32 %r4, [%r3]; // READ
  st.global.b32 [%to], %r4;)";

TEST(EmulatorFault, RaceOfTwoWarpsWithoutBarrier) {
  // The order decides which of the two is the second.
  expectFault(FaultKind::Race, with(exchange, "BARRIER", ""),
              {"shared memory at 0x", "nothing orders the two", "lane ", "PTX line 24 (st.shared.b32)"}, twoWarps);
  expectFault(FaultKind::Race, with(exchange, "BARRIER", "bar.warp.sync -1;"), {"nothing orders the two"}, twoWarps);
  expectNoFault(with(exchange, "BARRIER", "bar.sync 0;"), twoWarps);
}

TEST(EmulatorFault, RaceOfAWriteAfterARead) {
  std::string body = with(exchange, "BARRIER", "bar.sync 0;") + "\n  AGAIN\n  st.shared.b32 [%r2], 0;";
  expectFault(FaultKind::Race, with(body, "AGAIN", ""), {"nothing orders the two"}, twoWarps);
  expectNoFault(with(body, "AGAIN", "bar.sync 0;"), twoWarps);
}

TEST(EmulatorFault, MbarrierUsedBeforeItsInitialization) {
  std::string body = R"(
  mov.u32 %r1, dynamic;
  setp.ne.b32 %p1, %t, 0;
  @%p1 bra READY;
  mbarrier.init.shared::cta.b64 [%r1], 64;
READY:
  BARRIER
  mbarrier.arrive.shared::cta.b64 _, [%r1]; // HERE
WAIT:
  mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r1], 0;
  @!%p2 bra WAIT;)";
  expectNoFault(with(body, "BARRIER", "bar.sync 0;"), twoWarps);
  // The order of warps decides whether the object exists.
  for (const Settings &settings : allPolicies()) {
    Outcome outcome = runOnce(with(body, "BARRIER", ""), {}, 1, twoWarps, settings);
    ASSERT_TRUE(outcome.fault);
    EXPECT_TRUE(outcome.fault->kind == FaultKind::Race || outcome.fault->kind == FaultKind::Barrier)
        << outcome.fault->message();
  }
}

/// One thread of each of two warps waits or arrives on an mbarrier of COUNT arrivals.
static const char *const oneArrival = R"(
  mov.u32 %r1, dynamic;
  setp.ne.b32 %p1, %t, 0;
  @%p1 bra END;
  mbarrier.init.shared::cta.b64 [%r1], COUNT;
  mbarrier.arrive.shared::cta.b64 _, [%r1], 1;
WAIT:
  mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r1], PARITY; // HERE
  @!%p2 bra WAIT;
END:)";

TEST(EmulatorFault, DeadlockSaysWhoWaits) {
  Launch launch = {.dynamicShared = 64};
  expectFault(FaultKind::Deadlock, with(with(oneArrival, "COUNT", "2"), "PARITY", "0"),
              {"no warp can go on: warp 0 at PTX line 27", "for parity 0 of the mbarrier at 0x400 (phase 0, 1 of 2 "
                                                           "arrivals and 0 bytes pending)"},
              launch);
  expectNoFault(with(with(oneArrival, "COUNT", "1"), "PARITY", "0"), launch);
}

TEST(EmulatorFault, WaitOnTheWrongParityIsADeadlock) {
  Launch launch = {.dynamicShared = 64};
  expectFault(FaultKind::Deadlock, with(with(oneArrival, "COUNT", "1"), "PARITY", "1"),
              {"for parity 1 of the mbarrier at 0x400 (phase 1, "}, launch);
}

TEST(EmulatorFault, DeadlockAtANamedBarrier) {
  std::string body = "setp.lt.u32 %p1, %t, 32;\n@%p1 bra END;\nbar.sync 3, THREADS; // HERE\nEND:";
  expectFault(FaultKind::Deadlock, with(body, "THREADS", "64"),
              {"warp 1", "for barrier 3, where 32 of 64 threads have arrived"}, twoWarps);
  expectNoFault(with(body, "THREADS", "32"), twoWarps);
}

TEST(EmulatorFault, MoreArrivalsThanExpected) {
  std::string body = R"(
  mov.u32 %r1, dynamic;
  setp.ne.b32 %p1, %t, 0;
  @%p1 bra END;
  mbarrier.init.shared::cta.b64 [%r1], 2;
  mbarrier.arrive.shared::cta.b64 _, [%r1], COUNT; // HERE
END:)";
  Launch launch = {.dynamicShared = 64};
  expectFault(FaultKind::Barrier, with(body, "COUNT", "3"), {"more arrivals than expected", "0x400", "lane 0"}, launch);
  expectNoFault(with(body, "COUNT", "2"), launch);
}

TEST(EmulatorFault, PhaseOverrun) {
  // Warp 1 waits for phase 0; warp 0 completes two phases, with ORDER between or not.
  std::string body = R"(
  mov.u32 %r1, dynamic;
  setp.ne.b32 %p1, %t, 0;
  @%p1 bra READY;
  mbarrier.init.shared::cta.b64 [%r1], 1;
READY:
  bar.sync 0;
  setp.eq.b32 %p2, %t, 0;
  setp.ge.u32 %p3, %t, 32;
  @!%p3 bra FIRST;
WAIT:
  mbarrier.try_wait.parity.shared::cta.b64 %p4, [%r1], 0; // WAIT
  @!%p4 bra WAIT;
  bar.arrive 1, 64;
  bra END;
FIRST:
  @%p2 mbarrier.arrive.shared::cta.b64 _, [%r1];
  ORDER
  @%p2 mbarrier.arrive.shared::cta.b64 _, [%r1];
END:)";
  expectNoFault(with(body, "ORDER", "bar.sync 1, 64;"), twoWarps);
  // Without the barrier the waiting warp may miss its phase: an overrun, or an infinite wait.
  bool overrun = false;
  for (const Settings &settings : allPolicies()) {
    Outcome outcome = runOnce(with(body, "ORDER", ""), {}, 1, twoWarps, settings);
    if (!outcome.fault)
      continue;
    EXPECT_TRUE(outcome.fault->kind == FaultKind::Barrier || outcome.fault->kind == FaultKind::Deadlock)
        << outcome.fault->message();
    overrun |= outcome.fault->text.find("phase overrun") != std::string::npos;
  }
  EXPECT_TRUE(overrun);
}

TEST(EmulatorFault, OrdinaryAccessOfAnMbarrier) {
  std::string body = "mov.u32 %r1, dynamic;\nsetp.ne.b32 %p1, %t, 0;\n@%p1 bra END;\n"
                     "mbarrier.init.shared::cta.b64 [%r1], 1;\nst.shared.b32 [%r1+OFFSET], 0; // HERE\nEND:";
  expectFault(FaultKind::Barrier, with(body, "OFFSET", "4"), {"lane 0", "an ordinary access of the mbarrier at 0x400"},
              {.dynamicShared = 64});
  expectNoFault(with(body, "OFFSET", "8"), {.dynamicShared = 64});
}

TEST(EmulatorFault, DivergentAlignedInstruction) {
  std::string body = "setp.lt.u32 %p1, %t, LIMIT;\n@%p1 bra END;\nbar.sync 0; // HERE\nEND:";
  expectFault(FaultKind::Divergence, with(body, "LIMIT", "5"), {"warp 0", ".aligned"});
  expectNoFault(with(body, "LIMIT", "0"));
  expectFault(FaultKind::Divergence, "setp.lt.u32 %p1, %t, 3;\n@%p1 shfl.sync.idx.b32 %r1, %t, 0, 31, -1; // HERE",
              {"member mask"});
  expectNoFault("setp.lt.u32 %p1, %t, 3;\n@%p1 shfl.sync.idx.b32 %r1, %t, 0, 31, 7;");
}

TEST(EmulatorFault, EndlessLoopMeetsTheLimit) {
  std::string body = "mov.b32 %r1, 0;\nLOOP:\nadd.s32 %r1, %r1, 1;\nsetp.lt.u32 %p1, %r1, COUNT;\n@%p1 bra LOOP;";
  Launch launch = {.instructions = 5000};
  expectFault(FaultKind::Limit, with(body, "COUNT", "-1"), {"warp 0", "more than the limit"}, launch);
  expectNoFault(with(body, "COUNT", "1000"), launch);
}

TEST(EmulatorFault, OperandOutsideItsRange) {
  std::string body = "mov.b32 %r1, NUMBER;\nbar.sync %r1, 32; // HERE";
  expectFault(FaultKind::Invalid, with(body, "NUMBER", "16"), {"barrier 16 with 32 threads"});
  expectNoFault(with(body, "NUMBER", "15"));
}

static const char *const wordCopy = R"(
  mov.u32 %r1, dynamic;
  shl.b32 %r2, %t, 2;
  add.s32 %r1, %r1, %r2;
  cp.async.ca.shared.global [%r1], [%from], 4;
  cp.async.commit_group;
  FIRST
  ld.shared.b32 %r3, [%r1]; // HERE
  LAST
  st.global.b32 [%to], %r3;)";

TEST(EmulatorFault, WordReadBeforeItsCopyIsAwaited) {
  Launch launch = {.dynamicShared = 128};
  std::string wait = "cp.async.wait_group 0;", body = with(wordCopy, "FIRST", "");
  expectFault(FaultKind::CopyPending, with(body, "LAST", wait), {"lane 0", "0x400", "(cp.async.wait_group)"}, launch);
  body = with(with(wordCopy, "FIRST", wait), "LAST", "");
  EXPECT_EQ(run(body, Words(32, 9), 32, launch), Words(32, 9));
}

TEST(EmulatorFault, ThreadExitsBeforeItsWordsHaveCome) {
  std::string body = "mov.u32 %r1, dynamic;\nshl.b32 %r2, %t, 2;\nadd.s32 %r1, %r1, %r2;\n"
                     "cp.async.ca.shared.global [%r1], [%from], 4;\ncp.async.commit_group;\nWAIT";
  expectFault(FaultKind::CopyPending, with(body, "WAIT", ""), {"exits before its cp.async has completed"},
              {.dynamicShared = 128});
  expectNoFault(with(body, "WAIT", "cp.async.wait_group 0;\ncp.async.commit_group;"), {.dynamicShared = 128});
}
