//===- WordCopyTest.cpp - cp.async and the mbarriers that count it --------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

using namespace mla::emulator;

static Words counting(size_t count) {
  Words words(count);
  for (size_t i = 0; i < count; ++i)
    words[i] = static_cast<uint32_t>(0x03020101 + 0x04040404 * i);
  return words;
}

static uint8_t byteOf(const Words &words, size_t i) { return static_cast<uint8_t>(words[i / 4] >> (8 * (i % 4))); }

/// Thread t copies 16 bytes, with %r4 = t mod 17 and %p1 = t < 8, and loads them.
static std::string copyBody(const std::string &copy, const std::string &wait) {
  return R"(
  mov.u32 %r1, dynamic;
  shl.b32 %r2, %t, 4;
  add.s32 %r3, %r1, %r2;
  cvt.u64.u32 %d1, %r2;
  add.s64 %d2, %out, %d1;
  add.s64 %d1, %in, %d1;
  rem.u32 %r4, %t, 17;
  setp.lt.u32 %p1, %t, 8;
  )" + copy +
         " // COPY\n  " + wait + "\n  ld.shared.v4.b32 {%r5, %r6, %r7, %r8}, [%r3]; // READ\n" +
         "  st.global.v4.b32 [%d2], {%r5, %r6, %r7, %r8};";
}

static const Launch oneWarp = {.dynamicShared = 512};
static const char *const waitForAll = "cp.async.commit_group;\n  cp.async.wait_group 0;";

TEST(EmulatorWordCopy, WhatIsNotReadIsZero) {
  Words in = counting(128);
  for (const char *end : {waitForAll, "cp.async.wait_all;", "cp.async.commit_group;\n  cp.async.wait_all;"}) {
    Words out = run(copyBody("cp.async.cg.shared.global [%r3], [%d1], 16, %r4;", end), in, 128, oneWarp);
    for (size_t i = 0; i < 512; ++i)
      ASSERT_EQ(byteOf(out, i), i % 16 < i / 16 % 17 ? byteOf(in, i) : 0) << i;
  }
}

TEST(EmulatorWordCopy, IgnoredSourcesAreNotRead) {
  Words in = counting(128);
  for (const char *form : {"", ".L2::128B", ".L2::cache_hint", ".L2::cache_hint.L2::256B"}) {
    std::string policy = std::string(form).find("hint") != std::string::npos ? ", %d3" : "";
    Words out = run(copyBody("mov.b64 %d3, 0; selp.b64 %d1, %d3, %d1, %p1;\n  cp.async.cg.shared.global" +
                                 std::string(form) + " [%r3], [%d1], 16, %p1" + policy + ";",
                             waitForAll),
                    in, 128, oneWarp);
    for (size_t i = 0; i < 512; ++i)
      ASSERT_EQ(byteOf(out, i), i / 16 < 8 ? 0 : byteOf(in, i)) << i;
  }
  Words out = run(copyBody("mov.b64 %d1, 0;\n  cp.async.ca.shared::cta.global [%r3], [%d1], 16, 0;", waitForAll), in,
                  128, oneWarp);
  EXPECT_EQ(out, Words(128, 0));
}

TEST(EmulatorWordCopyFault, SizesOfTheSource) {
  std::string copy = "cp.async.cg.shared.global [%r3], [%d1], 16, ";
  auto here = [&](const std::string &operand) {
    std::string body = copyBody(copy + operand + ";", waitForAll);
    return body.replace(body.find("// COPY"), 7, "// HERE");
  };
  expectFault(FaultKind::Invalid, here("17"), {"reads 17 bytes for a copy of 16"}, oneWarp, counting(128), 128);
  expectFault(FaultKind::Uninitialized, here("%r9"), {"an operand"}, oneWarp, counting(128), 128);
  expectFault(FaultKind::Uninitialized, here("%p2"), {"the predicate"}, oneWarp, counting(128), 128);
  expectFault(FaultKind::OutOfBounds, here("16"), {"reads 16 bytes"}, oneWarp, counting(124), 128);
  run(here("8"), counting(126), 128, oneWarp);
  std::string body = copyBody(copy + "%r4;", "");
  expectFault(FaultKind::CopyPending, body.replace(body.find("// READ"), 7, "// HERE"), {"cp.async.wait_group"},
              oneWarp, counting(128), 128);
}

TEST(EmulatorWordCopyFault, WaitsOfOtherGroups) {
  std::string body = copyBody("cp.async.cg.shared.global [%r3], [%d1], 16;", "cp.async.wait_group 0;");
  expectFault(FaultKind::CopyPending, body.replace(body.find("// READ"), 7, "// HERE"), {}, oneWarp, counting(128),
              128);
}

//===----------------------------------------------------------------------===//
// cp.async.mbarrier.arrive
//===----------------------------------------------------------------------===//

static std::string replaced(std::string body, const std::string &what, const std::string &by) {
  for (size_t at = body.find(what); at != body.npos; at = body.find(what, at + by.size()))
    body.replace(at, what.size(), by);
  return body;
}

/// Warp 0 copies, warp 1 waits for COUNT arrivals and stores what it finds.
static std::string handOver(const std::string &arrive, int count, const std::string &wait) {
  std::string body = R"(
  mov.u32 %r1, dynamic;
  and.b32 %r9, %t, 31;
  shl.b32 %r2, %r9, 4;
  add.s32 %r3, %r1, %r2;
  cvt.u64.u32 %d1, %r2;
  add.s64 %d2, %out, %d1;
  add.s64 %d1, %in, %d1;
  setp.ne.b32 %p1, %t, 0;
  @%p1 bra READY;
  mbarrier.init.shared::cta.b64 [%r1+512], COUNT;
READY:
  bar.sync 0;
  setp.ge.u32 %p2, %t, 32;
  @%p2 bra CONSUMER;
  cp.async.cg.shared.global [%r3], [%d1], 16; // COPY
  ARRIVE
  bra END;
CONSUMER:
  WAITFOR
  ld.shared.v4.b32 {%r5, %r6, %r7, %r8}, [%r3]; // READ
  st.global.v4.b32 [%d2], {%r5, %r6, %r7, %r8};
END:)";
  return replaced(replaced(replaced(body, "COUNT", std::to_string(count)), "ARRIVE", arrive), "WAITFOR", wait);
}

static const Launch twoWarps = {.threads = 64, .dynamicShared = 520};
static const char *const noinc = "cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%r1+512];";
static const char *const waitFull = "mbarrier.try_wait.parity.shared::cta.b64 %p3, [%r1+512], 0;\n"
                                    "  @!%p3 bra CONSUMER;";

TEST(EmulatorWordCopy, ArrivalsFollowTheCopies) {
  EXPECT_EQ(run(handOver(noinc, 32, waitFull), counting(128), 128, twoWarps), counting(128));
  // Without .noinc, each arrival is one more that is expected: an ordinary one remains.
  std::string counted =
      "cp.async.mbarrier.arrive.shared.b64 [%r1+512];\n  mbarrier.arrive.shared::cta.b64 _, [%r1+512];";
  EXPECT_EQ(run(handOver(counted, 32, waitFull), counting(128), 128, twoWarps), counting(128));
}

TEST(EmulatorWordCopyFault, ArrivalsThatAreMissing) {
  std::string here = replaced(handOver(noinc, 33, waitFull), "mbarrier.try_wait", "/* // HERE */ mbarrier.try_wait");
  expectFault(FaultKind::Deadlock, here, {"1 of 33 arrivals"}, twoWarps, counting(128), 128);
  std::string early = replaced(handOver(noinc, 31, waitFull), "// READ", "// HERE");
  expectFault(FaultKind::CopyPending, early, {"the copy of warp 0"}, twoWarps, counting(128), 128);
  std::string unseen =
      replaced(handOver(std::string(noinc) + "\n  bar.sync 1;", 32, "bar.sync 1;"), "// READ", "// HERE");
  expectFault(FaultKind::CopyPending, unseen, {"the copy of warp 0"}, twoWarps, counting(128), 128);
  std::string before = std::string(noinc) + "\n  cp.async.cg.shared.global [%r3], [%d1], 16; // HERE\n";
  expectFault(FaultKind::CopyPending, handOver(before, 32, waitFull), {}, twoWarps, counting(128), 128);
  expectFault(FaultKind::CopyPending, handOver("", 32, "bra END;"), {"cp.async.wait_group"}, twoWarps, counting(128),
              128);
  expectFault(FaultKind::Barrier,
              replaced(handOver(noinc, 32, waitFull), "arrive.noinc.shared::cta.b64 [%r1+512]",
                       "arrive.noinc.shared::cta.b64 [%r1+504]"),
              {"no mbarrier"}, twoWarps, counting(128), 128);
}

TEST(EmulatorWordCopyFault, BlockExitsBeforeAnArrival) {
  std::string body = replaced(handOver(noinc, 32, "bra END;"), "cp.async.mbarrier", "/* // HERE */ cp.async.mbarrier");
  Settings settings;
  settings.policy = Policy::Lazy;
  settings.threads = 1;
  Outcome outcome = runOnce(body, counting(128), 128, twoWarps, settings);
  ASSERT_TRUE(outcome.fault);
  EXPECT_EQ(outcome.fault->kind, FaultKind::CopyPending) << outcome.fault->message();
  EXPECT_NE(outcome.fault->text.find("before this arrival has come"), std::string::npos) << outcome.fault->text;
}

/// Waits for a parity of the mbarrier at an offset.
static std::string waitFor(const std::string &label, int offset, int parity) {
  return label + ":\n  mbarrier.try_wait.parity.shared::cta.b64 %p3, [%r1+" + std::to_string(offset) + "], " +
         std::to_string(parity) + ";\n  @!%p3 bra " + label + ";\n";
}

/// A ring of two stages of 512 bytes at 0 and 512; mbarriers of full stages at 1024, of empty ones at 1040. Warp 0
/// brings six tiles, warp 1 stores them.
static std::string ring(bool waitsForEmpty) {
  std::string body = R"(
  mov.u32 %r1, dynamic;
  and.b32 %r9, %t, 31;
  shl.b32 %r2, %r9, 4;
  add.s32 %r3, %r1, %r2;
  cvt.u64.u32 %d1, %r2;
  add.s64 %d2, %out, %d1;
  add.s64 %d1, %in, %d1;
  setp.ne.b32 %p1, %t, 0;
  @%p1 bra READY;
)";
  for (int at : {1024, 1032, 1040, 1048})
    body += "  mbarrier.init.shared::cta.b64 [%r1+" + std::to_string(at) + "], 32;\n";
  body += "READY:\n  bar.sync 0;\n  setp.ge.u32 %p2, %t, 32;\n  @%p2 bra CONSUMER;\n";
  for (int i = 0; i < 6; ++i) {
    std::string stage = std::to_string(i % 2 * 512), tile = std::to_string(i * 512);
    if (i >= 2 && waitsForEmpty)
      body += waitFor("EMPTY" + std::to_string(i), 1040 + i % 2 * 8, (i / 2 - 1) % 2);
    body += "  cp.async.cg.shared.global [%r3+" + stage + "], [%d1+" + tile + "], 16;" +
            (i == 2 ? " // HERE\n" : "\n") + "  cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%r1+" +
            std::to_string(1024 + i % 2 * 8) + "];\n";
  }
  body += "  bra END;\nCONSUMER:\n";
  for (int i = 0; i < 6; ++i)
    body += waitFor("FULL" + std::to_string(i), 1024 + i % 2 * 8, i / 2 % 2) +
            "  ld.shared.v4.b32 {%r5, %r6, %r7, %r8}, [%r3+" + std::to_string(i % 2 * 512) +
            "];\n  mbarrier.arrive.shared::cta.b64 _, [%r1+" + std::to_string(1040 + i % 2 * 8) +
            "];\n  st.global.v4.b32 [%d2+" + std::to_string(i * 512) + "], {%r5, %r6, %r7, %r8};\n";
  return body + "END:";
}

TEST(EmulatorWordCopy, StagesOfARing) {
  Launch launch = {.threads = 64, .dynamicShared = 1056};
  EXPECT_EQ(run(ring(true), counting(768), 768, launch), counting(768));
}

TEST(EmulatorWordCopyFault, StageThatIsNotEmpty) {
  Launch launch = {.threads = 64, .dynamicShared = 1056};
  expectFault(FaultKind::CopyPending, ring(false), {"the copy overwrites"}, launch, counting(768), 768);
}
